// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// kind is the type of a JSON value. Integers and other numbers are told apart, as Python does.
type kind uint8

const (
	null kind = iota
	boolean
	integer
	float
	text
	list
	object
)

// value is one JSON value as Python's json module reads it. encoding/json would hide what the server trips over: it
// replaces lone surrogates, and knows no order of keys and no place of an error.
type value struct {
	kind  kind
	text  string  // a string (lone surrogates as their three bytes), the literal of a number, "true" or "false"
	items []value // of a list, or the values of an object
	keys  []string
}

// get returns the last value of key, as Python's dict does for a key that stands twice.
func (v value) get(key string) (value, bool) {
	for i := len(v.keys) - 1; i >= 0; i-- {
		if v.keys[i] == key {
			return v.items[i], true
		}
	}
	return value{}, false
}

// errEncoding is a body that is not text at all: invalid UTF-8, or nested beyond reason. The server answers 400.
var errEncoding = errors.New("there was an error parsing the body")

// syntaxError is a body that is text and not JSON, at a character.
type syntaxError struct {
	msg string
	pos int
}

func (e *syntaxError) Error() string { return e.msg + " at character " + strconv.Itoa(e.pos) }

// maxDepth and maxDigits are about where Python gives up.
const (
	maxDepth  = 900
	maxDigits = 4300
)

// decodeJSON reads one JSON text. The error is errEncoding or a *syntaxError.
func decodeJSON(b []byte) (value, error) {
	s := strings.TrimPrefix(string(b), "\ufeff")
	if !decodable(s) {
		return value{}, errEncoding
	}
	p := parser{s: s}
	v, err := p.value(0)
	if err != nil {
		return value{}, err
	}
	if p.space(); p.i < len(p.s) {
		return value{}, p.fail("Extra data", p.i)
	}
	return v, nil
}

// decodable reports whether Python decodes s: UTF-8 in which a surrogate may stand as three bytes.
func decodable(s string) bool {
	for !utf8.ValidString(s) {
		i := 0
		for {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		if !surrogateAt(s[i:]) {
			return false
		}
		s = s[i+3:]
	}
	return true
}

func surrogateAt(s string) bool {
	return len(s) >= 3 && s[0] == 0xed && s[1] >= 0xa0 && s[1] <= 0xbf && s[2] >= 0x80 && s[2] <= 0xbf
}

type parser struct {
	s string
	i int
}

func (p *parser) fail(msg string, at int) error {
	return &syntaxError{msg: msg, pos: utf8.RuneCountInString(p.s[:at])}
}

func (p *parser) space() {
	for p.i < len(p.s) && strings.IndexByte(" \t\n\r", p.s[p.i]) >= 0 {
		p.i++
	}
}

// next skips white space and then b, if it stands there.
func (p *parser) next(b byte) bool {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == b {
		p.i++
		return true
	}
	return false
}

func (p *parser) value(depth int) (value, error) {
	if depth > maxDepth {
		return value{}, errEncoding
	}
	p.space()
	rest := p.s[p.i:]
	if rest == "" {
		return value{}, p.fail("Expecting value", p.i)
	}
	switch rest[0] {
	case '"':
		s, err := p.string()
		return value{kind: text, text: s}, err
	case '[':
		return p.list(depth)
	case '{':
		return p.object(depth)
	}
	for _, w := range []struct {
		word string
		kind kind
	}{{"null", null}, {"true", boolean}, {"false", boolean}, {"NaN", float}, {"Infinity", float}, {"-Infinity", float}} {
		if strings.HasPrefix(rest, w.word) {
			p.i += len(w.word)
			return value{kind: w.kind, text: w.word}, nil
		}
	}
	n, k := scanNumber(rest)
	if n == 0 {
		return value{}, p.fail("Expecting value", p.i)
	}
	if k == integer && n > maxDigits {
		return value{}, errEncoding
	}
	p.i += n
	return value{kind: k, text: rest[:n]}, nil
}

// scanNumber returns the length of the number that s begins with, 0 if there is none.
func scanNumber(s string) (int, kind) {
	digits := func(i int) int {
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i
	}
	i, k := 0, integer
	if strings.HasPrefix(s, "-") {
		i = 1
	}
	start := i
	if i = digits(i); i == start {
		return 0, k
	}
	if s[start] == '0' {
		i = start + 1
	}
	if i < len(s) && s[i] == '.' {
		if end := digits(i + 1); end > i+1 {
			i, k = end, float
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		if end := digits(j); end > j {
			i, k = end, float
		}
	}
	return i, k
}

func (p *parser) list(depth int) (value, error) {
	v := value{kind: list}
	p.i++
	if p.next(']') {
		return v, nil
	}
	for {
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
		if p.next(']') {
			return v, nil
		}
		if !p.next(',') {
			return v, p.fail("Expecting ',' delimiter", p.i)
		}
	}
}

func (p *parser) object(depth int) (value, error) {
	v := value{kind: object}
	p.i++
	if p.next('}') {
		return v, nil
	}
	for {
		if p.space(); p.i >= len(p.s) || p.s[p.i] != '"' {
			return v, p.fail("Expecting property name enclosed in double quotes", p.i)
		}
		key, err := p.string()
		if err != nil {
			return v, err
		}
		if !p.next(':') {
			return v, p.fail("Expecting ':' delimiter", p.i)
		}
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.keys, v.items = append(v.keys, key), append(v.items, item)
		if p.next('}') {
			return v, nil
		}
		if !p.next(',') {
			return v, p.fail("Expecting ',' delimiter", p.i)
		}
	}
}

// string reads a string, its opening quote at p.i.
func (p *parser) string() (string, error) {
	begin := p.i
	p.i++
	var b []byte
	from := p.i
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '"':
			s := p.s[from:p.i]
			if b != nil {
				s = string(append(b, s...))
			}
			p.i++
			return s, nil
		case c < 0x20:
			return "", p.fail("Invalid control character at", p.i)
		case c == '\\':
			b = append(b, p.s[from:p.i]...)
			var err error
			if b, err = p.escape(b, begin); err != nil {
				return "", err
			}
			from = p.i
		default:
			p.i++
		}
	}
	return "", p.fail("Unterminated string starting at", begin)
}

// escape reads the escape sequence at p.i and appends what it stands for.
func (p *parser) escape(b []byte, begin int) ([]byte, error) {
	if p.i+1 >= len(p.s) {
		return b, p.fail("Unterminated string starting at", begin)
	}
	c := p.s[p.i+1]
	if i := strings.IndexByte("\"\\/bfnrt", c); i >= 0 {
		p.i += 2
		return append(b, "\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return b, p.fail("Invalid \\escape", p.i)
	}
	r, ok := p.hex4(p.i + 2)
	if !ok {
		return b, p.fail("Invalid \\uXXXX escape", p.i+1)
	}
	p.i += 6
	if utf16.IsSurrogate(r) && strings.HasPrefix(p.s[p.i:], "\\u") {
		if low, ok := p.hex4(p.i + 2); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				p.i += 6
				return utf8.AppendRune(b, pair), nil
			}
		}
	}
	if utf16.IsSurrogate(r) {
		return append(b, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f), nil
	}
	return utf8.AppendRune(b, r), nil
}

func (p *parser) hex4(at int) (rune, bool) {
	if at+4 > len(p.s) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.s[at:at+4], 16, 16)
	return rune(n), err == nil
}

// appendJSON writes v as the server echoes it: compact, its text raw.
func appendJSON(b []byte, v value) []byte {
	switch v.kind {
	case null:
		return append(b, "null"...)
	case text:
		return appendString(b, v.text)
	case list:
		b = append(b, '[')
		for i, item := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, item)
		}
		return append(b, ']')
	case object:
		b = append(b, '{')
		for i, item := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, v.keys[i]), ':')
			b = appendJSON(b, item)
		}
		return append(b, '}')
	}
	return append(b, v.text...)
}

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		if j := strings.IndexByte("\"\\\b\f\n\r\t", c); j >= 0 {
			b = append(b, '\\', "\"\\bfnrt"[j])
			continue
		}
		b = append(b, "\\u00"...)
		b = append(b, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
	}
	return append(append(b, s[from:]...), '"')
}
