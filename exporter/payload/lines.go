// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"bytes"
	"iter"
)

// Lines is a run of joined lines, a view of the bytes of a [Page]. The zero
// Lines is empty.
type Lines struct {
	bytes   []byte
	records int
}

// Records returns how many lines there are.
func (l Lines) Records() int { return l.records }

// Size returns the bytes of the lines and of what joins them.
func (l Lines) Size() int { return len(l.bytes) }

// Contains reports whether line is one of the lines: not a copy, the same bytes
// in memory.
func (l Lines) Contains(line []byte) bool {
	for own := range l.All() {
		if &own[0] == &line[0] {
			return true
		}
	}
	return false
}

// All yields each line in order.
func (l Lines) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for rest := l; rest.records > 0; {
			var first Lines
			first, rest = rest.Cut(1)
			if !yield(first.bytes) {
				return
			}
		}
	}
}

// Cut splits the lines behind the n-th one.
func (l Lines) Cut(n int) (head, tail Lines) {
	if n <= 0 {
		return Lines{}, l
	}
	if n >= l.records {
		return l, Lines{}
	}
	end := 0
	for range n {
		end += bytes.IndexByte(l.bytes[end:], '\n') + 1
	}
	return Lines{l.bytes[:end-len(separator)], n}, Lines{l.bytes[end:], l.records - n}
}

// cutWithin splits the lines so that the head has at most n lines and size bytes.
func (l Lines) cutWithin(n, size int) (head, tail Lines) {
	if l.records <= n && len(l.bytes) <= size {
		return l, Lines{}
	}
	n = min(n, l.records)
	count, end := 0, 0
	for count < n {
		next := len(l.bytes)
		if newline := bytes.IndexByte(l.bytes[end:], '\n'); newline >= 0 {
			next = end + newline + 1 - len(separator)
		}
		if next > size {
			break
		}
		count++
		end = min(next+len(separator), len(l.bytes))
	}
	return l.Cut(count)
}
