// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import "strings"

const (
	escape = 0x1b // begins a terminal sequence
	bell   = 0x07 // may end one
)

// Bounds of terminal sequences. What is longer is none, and stays as text
// without the byte that would begin it.
const (
	maxControlSequence = 64
	maxControlString   = 4 << 10
)

// appendDirty adds s without NUL and, unless they are to be kept, without
// terminal sequences other than those of colour.
func (t *text) appendDirty(s string) {
	noEnd := 0 // up to there no control string ends, known from one before
	for begin, i := 0, 0; !t.cut; {
		for i < len(s) && s[i] != 0 && (s[i] != escape || t.keepANSI) {
			i++
		}
		if i == len(s) {
			t.appendClean(s[begin:])
			return
		}
		n, keep := 1, false
		if s[i] == escape {
			n, keep = sequence(s[i:])
			if n == 1 && i+1 < len(s) && strings.IndexByte("]PX^_", s[i+1]) >= 0 {
				n, noEnd = controlString(s, i, noEnd)
			}
		}
		if !keep {
			t.appendClean(s[begin:i])
			begin = i + n
		}
		i += n
	}
}

// sequence returns the length of the terminal sequence at the beginning of s, and
// whether it is one of colour (SGR). What is no sequence has length 1: the escape
// alone. Control strings are not known to it.
func sequence(s string) (n int, colour bool) {
	if len(s) < 2 {
		return 1, false
	}
	if s[1] != '[' {
		i := 1
		for i < len(s) && i < 4 && s[i] >= ' ' && s[i] <= '/' {
			i++
		}
		if i == len(s) || s[i] < '0' || s[i] > '~' || i == 1 && strings.IndexByte("]PX^_", s[1]) >= 0 {
			return 1, false
		}
		return i + 1, false
	}
	colour = true
	for i := 2; i < min(len(s), maxControlSequence); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= ';': // digits, colon, semicolon
		case c >= ' ' && c <= '?':
			colour = false
		case c >= '@' && c <= '~':
			return i + 1, colour && c == 'm'
		default:
			return 1, false
		}
	}
	return 1, false
}

// controlString returns the length of the control string (a window's title, a
// link) that begins at s[at], and up to where none ends as far as is now known.
func controlString(s string, at, noEnd int) (n, knownTo int) {
	end := min(len(s), at+maxControlString)
	for i := max(at+2, noEnd); i < end; i++ {
		switch {
		case s[i] == bell:
			return i + 1 - at, noEnd
		case s[i] == escape && i+1 < len(s) && s[i+1] == '\\':
			return i + 2 - at, noEnd
		}
	}
	return 1, max(noEnd, end)
}
