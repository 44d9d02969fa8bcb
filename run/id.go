// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"strings"
)

// ID is the UUID of a flow run or a task run. The zero ID (the nil UUID) names
// no run. IDs are comparable and usable as map keys.
type ID [16]byte

var errNotUUID = errors.New("not a UUID (want 32 hexadecimal digits, with or without dashes)")

// ParseID reads an id in the spellings that Prefect's servers and Python's
// uuid.UUID take: dashed, 32 digits in a row, upper case, in braces, or with
// the prefix "urn:uuid:". The error does not repeat the text.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' && id.parseDashed(s) {
		return id, nil
	}
	s = strings.TrimPrefix(s, "urn:")
	s = strings.TrimPrefix(s, "uuid:")
	s = strings.Trim(s, "{}")
	var high byte
	digits := 0
	for i := range len(s) {
		if s[i] == '-' {
			continue
		}
		nibble := hexValues[s[i]]
		if nibble > 15 || digits == 32 {
			return ID{}, errNotUUID
		}
		if digits%2 == 0 {
			high = nibble
		} else {
			id[digits/2] = high<<4 | nibble
		}
		digits++
	}
	if digits != 32 {
		return ID{}, errNotUUID
	}
	return id, nil
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
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, digits[b>>4], digits[b&15])
	}
	return dst
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
