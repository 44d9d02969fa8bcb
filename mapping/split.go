// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"bytes"
	"iter"
	"strconv"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

// between stands between the lines of a record that became several.
const between = ",\n"

// Lines returns the lines of an encoded record: one, or its parts in order. They
// are views of encoded.
func Lines(encoded []byte, meta Meta) iter.Seq[[]byte] {
	if meta.Parts <= 1 {
		return func(yield func([]byte) bool) { yield(encoded) }
	}
	return bytes.SplitSeq(encoded, []byte(between))
}

// split writes an entry whose message does not fit as several lines, numbered
// "[2/5] ", with adjacent stamps. dst[begin:messageAt] is the beginning of
// each line, end where its message ends at the latest, relative to begin.
func (enc *Encoder) split(dst []byte, begin, messageAt, end int, s *scratch, e *Entry, meta Meta) ([]byte, Meta) {
	room := end - messageAt
	perPart := room - len("[100/100] ")
	whole := text{buf: append(s.whole[:0], '"'), start: 1, keepANSI: enc.config.KeepANSI}
	whole.limit = whole.start + MaxParts*(perPart-maxEscape+1) // at each border up to maxEscape-1 bytes stay free
	s.plain = s.plain[:0]
	enc.appendMessage(&whole, s, e)
	enc.secrets.mask(&whole)
	s.whole = whole.buf
	meta.Truncated = whole.cut

	ends := s.ends[:0]
	for digits := 1; ; digits++ {
		width := room - 2*digits - len("[/] ")
		ends = cutParts(ends[:0], whole.buf, whole.start, width, true)
		if len(ends) > MaxParts {
			ends = cutParts(ends[:0], whole.buf, whole.start, width, false)
		}
		if len(strconv.Itoa(len(ends))) <= digits {
			break
		}
	}
	s.ends = ends
	if len(whole.buf)-whole.start <= room { // masking made it short enough
		return append(append(dst[:messageAt], whole.buf[whole.start:]...), afterMessage...), meta
	}
	meta.Parts = len(ends)
	s.head = append(s.head[:0], dst[begin:messageAt]...)
	dst = dst[:begin]
	at := whole.start
	for i, partEnd := range ends {
		if i > 0 {
			dst = append(dst, between...)
		}
		line := len(dst)
		dst = append(dst, s.head...)
		if i > 0 {
			payload.SetStamp(dst[line:], meta.Micros+int64(i))
		}
		dst = append(dst, '[')
		dst = strconv.AppendInt(dst, int64(i+1), 10)
		dst = append(dst, '/')
		dst = strconv.AppendInt(dst, int64(len(ends)), 10)
		dst = append(dst, "] "...)
		dst = append(dst, whole.buf[at:partEnd]...)
		dst = append(dst, afterMessage...)
		at = partEnd
	}
	return dst, meta
}

// cutParts appends where the parts of buf[start:] end, each of at most width
// bytes: at the border of a character, and of a line where byLine is set and
// one lies in the last quarter.
func cutParts(ends []int, buf []byte, start, width int, byLine bool) []int {
	for at := start; ; {
		end := at + width
		if end >= len(buf) {
			return append(ends, len(buf))
		}
		end = escapedBorder(buf, at, end)
		if byLine {
			from := at + width - width/4
			for search := end; ; {
				i := bytes.LastIndex(buf[from:search], []byte(`\n`))
				if i < 0 {
					break
				}
				if line := from + i; escapedBorder(buf, at, line) == line {
					end = line + len(`\n`)
					break
				}
				search = from + i + 1
			}
		}
		ends = append(ends, end)
		at = end
	}
}
