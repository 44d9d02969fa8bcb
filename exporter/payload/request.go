// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"io"
	"iter"
	"slices"
)

// Limits bounds logs and requests. All must be positive.
type Limits struct {
	LogBytes int // of one line, at most Bytes - Overhead
	Bytes    int // of the whole body of a request
	Records  int // of a request
}

// MaxRecords is the most that a request may carry. A server stores at most
// 3,640 records in one transaction (32,767 parameters of 9 columns, Prefect's
// models/logs.py); far below that, a request is stored whole or not at all.
const MaxRecords = 1000

// Overhead is what a body has beyond its joined lines, in bytes: the two brackets.
const Overhead = len("[]")

// Request is what one POST carries: lines, joined and in brackets. The zero
// Request is empty and ready for [Request.Add].
type Request struct {
	parts   []Lines // none is empty
	records int
	size    int // of all parts and what joins them
}

// Records returns how many records the request carries.
func (r *Request) Records() int { return r.records }

// Size returns the exact length of the body in bytes.
func (r *Request) Size() int { return r.size + Overhead }

// Add appends as many of the lines as the limits leave room for and returns
// the rest.
func (r *Request) Add(lines Lines, limits Limits) (rest Lines) {
	room := limits.Bytes - r.Size()
	if r.records > 0 {
		room -= len(separator)
	}
	head, rest := lines.cutWithin(limits.Records-r.records, room)
	r.add(head)
	return rest
}

func (r *Request) add(lines Lines) {
	if lines.records == 0 {
		return
	}
	if r.records > 0 {
		r.size += len(separator)
	}
	r.parts = append(r.parts, lines)
	r.records += lines.records
	r.size += len(lines.bytes)
}

// All yields each line with its position, in the order of the body.
func (r *Request) All() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		i := 0
		for _, part := range r.parts {
			for line := range part.All() {
				if !yield(i, line) {
					return
				}
				i++
			}
		}
	}
}

// Without returns the request without the records at the given positions, and
// those records as a request of their own. Positions that name no record
// are ignored.
func (r *Request) Without(positions []int) (rest, cut Request) {
	positions = slices.Compact(slices.Sorted(slices.Values(positions)))
	at := 0 // position of the first record that is not yet placed
	for _, part := range r.parts {
		for part.records > 0 {
			for len(positions) > 0 && positions[0] < at {
				positions = positions[1:]
			}
			keep := part.records
			if len(positions) > 0 {
				keep = min(keep, positions[0]-at)
			}
			var head Lines
			if keep > 0 {
				head, part = part.Cut(keep)
				rest.add(head)
			} else {
				keep = 1
				head, part = part.Cut(keep)
				cut.add(head)
			}
			at += keep
		}
	}
	return rest, cut
}

// Cut splits the request behind its n-th record.
func (r *Request) Cut(n int) (head, tail Request) {
	for _, part := range r.parts {
		first, rest := part.Cut(n - head.records)
		head.add(first)
		tail.add(rest)
	}
	return head, tail
}

// CutSize splits the request so that the body of the head has at most size bytes,
// or one record where that alone is larger.
func (r *Request) CutSize(size int) (head, tail Request) {
	for i, part := range r.parts {
		if rest := head.Add(part, Limits{Bytes: size, Records: r.records}); rest.records > 0 {
			if head.records == 0 {
				return r.Cut(1)
			}
			tail.add(rest)
			tail.Append(Request{parts: r.parts[i+1:]})
			break
		}
	}
	return head, tail
}

// Line returns the n-th line, counted from 0, of a request that has one.
func (r *Request) Line(n int) []byte {
	for _, part := range r.parts {
		if n < part.records {
			_, rest := part.Cut(n)
			first, _ := rest.Cut(1)
			return first.bytes
		}
		n -= part.records
	}
	return nil
}

// Append adds the records of another request, whatever the limits.
func (r *Request) Append(other Request) {
	for _, part := range other.parts {
		r.add(part)
	}
}

// Body returns a reader of the body, from its beginning. Each call returns a
// reader of its own; the lines are not copied.
func (r *Request) Body() io.ReadCloser {
	chunks := make([][]byte, 0, 2*len(r.parts)+1)
	join := "["
	for _, part := range r.parts {
		chunks = append(chunks, []byte(join), part.bytes)
		join = separator
	}
	if len(chunks) == 0 {
		return &body{chunks: [][]byte{[]byte("[]")}}
	}
	return &body{chunks: append(chunks, []byte("]"))}
}

// body reads chunks one after the other.
type body struct {
	chunks [][]byte
}

func (b *body) Read(p []byte) (n int, err error) {
	for n < len(p) && len(b.chunks) > 0 {
		copied := copy(p[n:], b.chunks[0])
		n += copied
		b.chunks[0] = b.chunks[0][copied:]
		if len(b.chunks[0]) == 0 {
			b.chunks = b.chunks[1:]
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (b *body) Close() error { return nil }
