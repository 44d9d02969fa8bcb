// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

// appendMessage writes the message of an entry: body, attributes, exception.
// attributes has no key twice and nothing that is not for the message.
func (s *scratch) appendMessage(t *text, e *Entry) {
	begin := len(t.buf)
	switch {
	case e.Body.Type() == attribute.STRING:
		t.append(e.Body.AsString())
	case e.Body.Type() != attribute.EMPTY:
		t.append(e.Body.String())
	}
	if len(t.buf) == begin {
		t.append(e.EventName)
	}
	for _, i := range s.shown {
		if t.cut {
			return
		}
		kv := &e.Attributes[i]
		if len(t.buf) > begin {
			t.append(" ")
		}
		s.plain = appendPair(s.plain[:0], string(kv.Key), kv.Value, t.room())
		t.append(stringOf(s.plain))
	}
	s.appendException(t, begin)
}

// appendException writes exception.type, message and stacktrace as a trace below
// everything else. A stack trace that already tells the error is not preceded by it.
func (s *scratch) appendException(t *text, begin int) {
	kind, message, stack := s.exception[exceptionType], s.exception[exceptionMessage], s.exception[exceptionStacktrace]
	if message == "" || !strings.Contains(stack, message) {
		headline := kind
		if kind != "" && message != "" {
			headline += ": "
		}
		headline += message
		s.appendLine(t, begin, headline)
	}
	s.appendLine(t, begin, strings.TrimRight(stack, "\n"))
}

func (s *scratch) appendLine(t *text, begin int, line string) {
	if line == "" {
		return
	}
	if len(t.buf) > begin {
		t.append("\n")
	}
	t.append(line)
}

// appendPair writes key=value, each quoted where a reader could not tell where
// it ends. Of a text longer than room only the beginning is written: the rest
// would be cut anyway.
func appendPair(dst []byte, key string, value attribute.Value, room int) []byte {
	dst = appendWord(dst, key, room)
	dst = append(dst, '=')
	switch value.Type() {
	case attribute.STRING:
		return appendWord(dst, value.AsString(), room)
	case attribute.BOOL:
		return strconv.AppendBool(dst, value.AsBool())
	case attribute.INT64:
		return strconv.AppendInt(dst, value.AsInt64(), 10)
	case attribute.FLOAT64:
		f := value.AsFloat64()
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return append(dst, value.String()...)
		}
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	default:
		return appendWord(dst, value.String(), room)
	}
}

func appendWord(dst []byte, word string, room int) []byte {
	if len(word) > room+utf8.UTFMax {
		word = word[:room+utf8.UTFMax] // longer than what fits, so the cut is still seen and marked
	}
	if needsQuotes(word) {
		return strconv.AppendQuote(dst, word)
	}
	return append(dst, word...)
}

// needsQuotes reports whether word cannot stand bare in key=value text.
func needsQuotes(word string) bool {
	if word == "" {
		return true
	}
	for i := 0; i < len(word); {
		b := word[i]
		if b < utf8.RuneSelf {
			if b <= ' ' || b == '"' || b == '=' || b == '\\' || b == 0x7f {
				return true
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(word[i:])
		if r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return true
		}
		i += size
	}
	return false
}
