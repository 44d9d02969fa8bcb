// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ID is the UUID of a flow run or a task run. The zero ID (the nil UUID) names
// no run. IDs are comparable and usable as map keys.
type ID [16]byte

var errNotUUID = errors.New("not a UUID (want 32 hexadecimal digits, with or without dashes)")

// maxIDText bounds the text that is looked at for an id, in bytes. Python has
// no such bound, but no spelling that anybody uses comes near it.
const maxIDText = 1024

// ParseID reads an id in every spelling that Python's uuid.UUID takes, and so
// Prefect: dashed, 32 digits in a row, upper case, in braces, with the prefix
// "urn:uuid:", and whatever else Python's int(text, 16) makes a number of once
// those are gone. A text of more than 1,024 bytes is no id. The error does not
// repeat the text.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' && id.parseDashed(s) {
		return id, nil
	}
	if len(s) < 32 || len(s) > maxIDText || !id.parsePython(s) {
		return ID{}, errNotUUID
	}
	return id, nil
}

// parsePython does what uuid.UUID does: it takes "urn:", "uuid:", braces and
// dashes away, wants 32 characters to be left, and has int(text, 16) read them.
func (id *ID) parsePython(s string) bool {
	s = strings.ReplaceAll(s, "urn:", "")
	s = strings.ReplaceAll(s, "uuid:", "")
	s = strings.Trim(s, "{}")
	var text [32]byte
	n := 0
	for _, r := range s {
		if r == '-' {
			continue
		}
		if n == len(text) {
			return false
		}
		text[n] = asciiOf(r)
		n++
	}
	return n == len(text) && id.parseInt(text[:])
}

// asciiOf returns what int() takes a character for: outside of ASCII every
// decimal digit is one and every space is one; 0 is what it does not take.
func asciiOf(r rune) byte {
	switch {
	case r < utf8.RuneSelf:
		return byte(r)
	case unicode.IsSpace(r):
		return ' '
	}
	for _, block := range unicode.Nd.R16 {
		if r >= rune(block.Lo) && r <= rune(block.Hi) {
			return byte('0' + (r-rune(block.Lo))%10)
		}
	}
	for _, block := range unicode.Nd.R32 {
		if r >= rune(block.Lo) && r <= rune(block.Hi) {
			return byte('0' + (r-rune(block.Lo))%10)
		}
	}
	return 0
}

// parseInt reads a number as int(text, 16) does: space around it, a plus sign,
// "0x" and single underscores between digits are all right.
func (id *ID) parseInt(text []byte) bool {
	text = bytes.Trim(text, " \t\n\v\f\r")
	text = bytes.TrimPrefix(text, []byte("+"))
	afterDigit := false // an underscore may stand here
	if len(text) > 2 && text[0] == '0' && text[1]|0x20 == 'x' {
		text, afterDigit = text[2:], true
	}
	*id = ID{}
	for _, c := range text {
		if c == '_' && afterDigit {
			afterDigit = false
			continue
		}
		nibble := hexValues[c]
		if nibble > 15 {
			return false
		}
		for i := range id {
			next := nibble
			if i+1 < len(id) {
				next = id[i+1] >> 4
			}
			id[i] = id[i]<<4 | next
		}
		afterDigit = true
	}
	return afterDigit && len(text) > 0
}

// parseDashed reads the canonical spelling, the one that nearly every record carries.
func (id *ID) parseDashed(s string) bool {
	var bad byte
	for i, at := range dashedOffsets {
		high, low := hexValues[s[at]], hexValues[s[at+1]]
		bad |= high | low
		id[i] = high<<4 | low&15
	}
	return bad <= 15
}

// IsZero reports whether id names no run.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the canonical spelling: lower case, with dashes.
func (id ID) String() string {
	var text [36]byte
	return string(id.AppendTo(text[:0]))
}

// AppendTo appends the canonical spelling, 36 bytes, to dst.
func (id ID) AppendTo(dst []byte) []byte {
	const digits = "0123456789abcdef"
	text := [36]byte{8: '-', 13: '-', 18: '-', 23: '-'}
	for i, at := range dashedOffsets {
		text[at], text[at+1] = digits[id[i]>>4], digits[id[i]&15]
	}
	return append(dst, text[:]...)
}

// dashedOffsets is where each byte of an id begins in its dashed spelling.
var dashedOffsets = [16]byte{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

// hexValues is the value of each hexadecimal digit, 255 for all that is none.
var hexValues = func() (values [256]byte) {
	for i := range values {
		values[i] = 255
	}
	for c := byte('0'); c <= '9'; c++ {
		values[c] = c - '0'
	}
	for c := byte('a'); c <= 'f'; c++ {
		values[c] = c - 'a' + 10
		values[c-'a'+'A'] = c - 'a' + 10
	}
	return values
}()
