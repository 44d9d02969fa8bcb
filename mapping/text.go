// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"strings"
	"unicode/utf8"

	"github.com/segmentio/encoding/json"
)

// mark stands at the end of a message that was cut, as Prefect's own handler
// has it (logging/handlers.py).
const mark = "... [truncated]"

// maxEscape is the most bytes that one byte of text can become in JSON.
const maxEscape = len(`\u001f`)

// text appends safe, escaped text to the inside of a JSON string, up to a limit.
// What does not fit is cut at the border of a character, and the mark
// is put behind it. The buffer is never empty: see appendEscaped.
type text struct {
	buf      []byte
	start    int // where the text begins in buf
	limit    int // len(buf) never exceeds it
	keepANSI bool
	cut      bool
}

// append adds s. Invalid UTF-8 becomes U+FFFD; NUL and terminal sequences
// are left out. Of a very long s only a beginning is looked at, twice as long as
// what would fit.
func (t *text) append(s string) {
	if t.cut || s == "" {
		return
	}
	if len(s) <= t.room() && isPlain(s) {
		t.buf = append(t.buf, s...)
		return
	}
	cut := false
	if most := 2*t.room() + 64; len(s) > most {
		s, cut = s[:runeBorder(s, most)], true
	}
	if strings.IndexByte(s, 0) < 0 && (t.keepANSI || strings.IndexByte(s, escape) < 0) {
		t.appendClean(s)
	} else {
		t.appendDirty(s)
	}
	if cut && !t.cut {
		t.truncate()
	}
}

// appendClean adds s in pieces, so that the work ends at the limit, however long s is.
func (t *text) appendClean(s string) {
	const piece = 4 << 10
	for s != "" && !t.cut {
		if len(t.buf)+len(s)*maxEscape <= t.limit {
			t.buf = appendEscaped(t.buf, s)
			return
		}
		n := len(s)
		if n > piece {
			n = runeBorder(s, piece)
		}
		t.buf = appendEscaped(t.buf, s[:n])
		s = s[n:]
		if len(t.buf) > t.limit {
			t.truncate()
		}
	}
}

// truncate cuts the text so that the mark fits behind it.
func (t *text) truncate() {
	t.cut = true
	at := max(t.limit-len(mark), t.start)
	if at < len(t.buf) {
		t.buf = t.buf[:escapedBorder(t.buf, t.start, at)]
	}
	t.buf = append(t.buf, mark[:max(min(len(mark), t.limit-len(t.buf)), 0)]...)
}

// room returns how many more bytes fit.
func (t *text) room() int { return t.limit - len(t.buf) }

// runeBorder returns the largest border of a character in s that is at most n,
// and at least 1, so that a loop over s goes on even where s is no UTF-8.
func runeBorder(s string, n int) int {
	for i := n; i > max(n-utf8.UTFMax, 0); i-- {
		if utf8.RuneStart(s[i]) {
			return i
		}
	}
	return n
}

// escapedBorder returns the largest position, at most at and at least start, at
// which escaped text can be cut: neither within a character nor within an escape.
func escapedBorder(buf []byte, start, at int) int {
	for at > start && !utf8.RuneStart(buf[at]) {
		at--
	}
	// Is there a backslash close before that begins an escape reaching over at?
	for back := 1; back < maxEscape && at-back >= start; back++ {
		slash := at - back
		if buf[slash] != '\\' {
			continue
		}
		run := slash // of the backslashes that end here
		for run > start && buf[run-1] == '\\' {
			run--
		}
		if (slash-run)%2 == 1 {
			return at // this one is itself escaped: what follows it is plain
		}
		length := 2
		if slash+1 < len(buf) && buf[slash+1] == 'u' {
			length = maxEscape
		}
		if slash+length > at {
			return slash
		}
		return at
	}
	return at
}

// appendEscaped appends s, escaped, without quotes, as the library escapes it.
func appendEscaped(dst []byte, s string) []byte {
	if utf8.ValidString(s) && !separatesLines(s) {
		return appendValid(dst, s)
	}
	// The library quotes what it escapes: its opening quote is put over the last byte of dst, which is then
	// restored, and its closing quote is dropped.
	last := len(dst) - 1
	saved := dst[last]
	dst = json.AppendEscape(dst[:last], s, 0)
	dst[last] = saved
	return dst[:len(dst)-1]
}
