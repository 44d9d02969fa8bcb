// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/segmentio/encoding/json"
)

// Most text needs no escaping. What is told here about a text lets it be copied
// as it is; the library that escapes would come to the same bytes more slowly.

// In a word of eight bytes:
const (
	each     = 0x0101010101010101
	tops     = 0x80 * each
	controls = 0x20 * each
	quotes   = '"' * each
	slashes  = '\\' * each
)

// isPlain reports whether s stands in JSON as it is.
func isPlain(s string) bool {
	rest := unsafe.Slice(unsafe.StringData(s), len(s))
	for ; len(rest) >= 16; rest = rest[16:] {
		one, other := binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[8:16])
		// The top bit of a byte says that it, or one below it, is a control character, a quote, a
		// backslash or not ASCII.
		marked := one | (one - controls) | ((one ^ quotes) - each) | ((one ^ slashes) - each) |
			other | (other - controls) | ((other ^ quotes) - each) | ((other ^ slashes) - each)
		if marked&tops != 0 {
			return isPlainFrom(s, len(s)-len(rest))
		}
	}
	for i, b := range rest {
		if b < 0x20 || b == '"' || b == '\\' {
			return false
		}
		if b >= utf8.RuneSelf {
			return isPlainFrom(s, len(s)-len(rest)+i)
		}
	}
	return true
}

// isPlainFrom is isPlain for s of which the first n bytes are plain and ASCII.
func isPlainFrom(s string, n int) bool {
	s = s[n:]
	rest := unsafe.Slice(unsafe.StringData(s), len(s))
	for ; len(rest) >= 16; rest = rest[16:] {
		one, other := binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[8:16])
		// As in isPlain, but for bytes beyond ASCII.
		marked := ((one-controls)|((one^quotes)-each)|((one^slashes)-each))&^one |
			((other-controls)|((other^quotes)-each)|((other^slashes)-each))&^other
		if marked&tops != 0 {
			return false
		}
	}
	for _, b := range rest {
		if b < 0x20 || b == '"' || b == '\\' {
			return false
		}
	}
	return utf8.ValidString(s) && !separatesLines(s)
}

// separatesLines reports whether s has one of the two separators of lines that JavaScript knows, which
// the library escapes.
func separatesLines(s string) bool {
	const others = 16 // that begin as they do, such as typographic quotes; where there are many, two searches are faster
	for range others {
		i := strings.Index(s, "\u2028"[:2])
		if i < 0 || i+2 == len(s) {
			return false
		}
		if s[i+2] == '\xa8' || s[i+2] == '\xa9' {
			return true
		}
		s = s[i+2:]
	}
	return strings.Contains(s, "\u2028") || strings.Contains(s, "\u2029")
}

// appendValid appends s, which is UTF-8 without separators of lines, so that only quotes, backslashes and control characters are
// to be escaped. A word with none of them is copied; of one that has some each byte is looked up, without a branch: on text full of
// quotes, such as JSON in a message, that is what costs.
func appendValid(dst []byte, s string) []byte {
	const word = 8
	rest := unsafe.Slice(unsafe.StringData(s), len(s))
	for len(rest) > 0 {
		if cap(dst)-len(dst) < word*maxEscape+word { // what a word becomes, and how far the last store reaches
			dst = slices.Grow(dst, len(rest)+len(rest)/4+word*maxEscape+word)
		}
		at, out, n := len(dst), dst[:cap(dst)], min(len(rest), word)
		if n == word {
			bytes := binary.LittleEndian.Uint64(rest)
			binary.LittleEndian.PutUint64(out[at:], bytes)
			marked := ((bytes - controls) | ((bytes ^ quotes) - each) | ((bytes ^ slashes) - each)) &^ bytes // as in isPlainFrom
			if marked&tops == 0 {
				dst, rest = out[:at+word], rest[word:]
				continue
			}
		}
		for _, b := range rest[:n] {
			escape := escapes[b]
			binary.LittleEndian.PutUint64(out[at:], escape)
			at += int(escape >> escapeLength)
		}
		dst, rest = out[:at], rest[n:]
	}
	return dst
}

// escapes has what each byte becomes in JSON, its first byte lowest, and how many bytes that are, above escapeLength.
var escapes = func() (all [256]uint64) {
	for b := range all {
		written := []byte{byte(b)}
		if b < utf8.RuneSelf {
			quoted := json.AppendEscape(nil, string(written), 0)
			written = quoted[1 : len(quoted)-1]
		}
		for i, c := range written {
			all[b] |= uint64(c) << (8 * i)
		}
		all[b] |= uint64(len(written)) << escapeLength
	}
	return all
}()

const escapeLength = 56

// spelling is how a word is written in key=value text. That of a text combines those of its
// bytes.
type spelling uint8

const (
	bare    spelling = 0 // as it is
	quoted  spelling = 1 // between quotes
	escaped spelling = 2 // between quotes, and not as it is
	wide    spelling = 4 // of a byte beyond ASCII: the character tells
)

var spellings = func() (all [256]spelling) {
	for b := range all {
		switch {
		case b >= utf8.RuneSelf:
			all[b] = wide
		case b < ' ' || b == 0x7f || b == '"' || b == '\\':
			all[b] = escaped
		case b == ' ' || b == '=':
			all[b] = quoted
		}
	}
	return all
}()

// spellingOf returns how a word is written: bare, quoted or escaped.
func spellingOf(word string) spelling {
	if word == "" {
		return quoted
	}
	var all spelling
	for i := range len(word) {
		all |= spellings[word[i]]
	}
	if all < escaped {
		return all
	}
	if all&escaped != 0 {
		return escaped
	}
	for _, r := range word {
		if r >= utf8.RuneSelf && (r == utf8.RuneError || !strconv.IsPrint(r)) {
			return escaped
		}
	}
	return all &^ wide
}
