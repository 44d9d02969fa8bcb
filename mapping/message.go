// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

// appendMessage writes the message of an entry in the configured format.
// s.read has sorted its attributes.
func (enc *Encoder) appendMessage(t *text, s *scratch, e *Entry) {
	switch enc.config.Format {
	case FormatDefault, FormatPretty:
		enc.appendJSON(t, s, e)
	case FormatMessage:
		enc.appendBody(t, s, e)
		s.appendException(t)
	default:
		enc.appendBody(t, s, e)
		enc.appendPairs(t, s, e)
		s.appendException(t)
	}
	if e.Omitted && !t.cut && enc.config.Format != FormatMessage {
		t.append(" ")
		t.append(mark)
	}
}

// appendBody writes the body, or else the name of the event.
func (enc *Encoder) appendBody(t *text, s *scratch, e *Entry) {
	s.named = false
	begin := len(t.buf)
	switch e.Body.Type() {
	case attribute.STRING:
		t.append(e.Body.AsString())
	case attribute.EMPTY:
	default:
		s.plain = enc.appendPlain(s.plain[:0], "", e.Body, t.room())
		t.append(stringOf(s.plain))
	}
	if len(t.buf) == begin {
		t.append(e.EventName)
		s.named = true
	}
}

// appendPairs writes the attributes, and what else a reader of the text would miss.
func (enc *Encoder) appendPairs(t *text, s *scratch, e *Entry) {
	for _, one := range s.shown {
		if t.cut {
			return
		}
		kv := &e.Attributes[one.at]
		if one.pair != "" && t.appendSimplePair(one.pair, &kv.Value) {
			continue
		}
		if kv.Value.Type() == attribute.MAP {
			s.key = append(s.key[:0], kv.Key...)
			enc.appendMap(t, s, kv.Value, 1)
			continue
		}
		enc.appendPair(t, s, string(kv.Key), kv.Value)
	}
	if e.EventName != "" && !s.named {
		s.appendString(t, "event.name", e.EventName)
	}
	switch {
	case e.SeverityText != "" && !isLevelName(e.SeverityText):
		s.appendString(t, "severity", e.SeverityText)
	case e.Severity >= 1 && e.Severity <= 4: // Python's logging has no such level
		s.appendString(t, "severity", traceNames[e.Severity-1])
	}
	if enc.config.TraceIDs {
		if e.TraceID != ([16]byte{}) {
			s.appendString(t, "trace_id", stringOf(hex.AppendEncode(s.hex[:0], e.TraceID[:])))
		}
		if e.SpanID != ([8]byte{}) {
			s.appendString(t, "span_id", stringOf(hex.AppendEncode(s.hex[:0], e.SpanID[:])))
		}
	}
}

var traceNames = [4]string{"TRACE", "TRACE2", "TRACE3", "TRACE4"}

// appendMap writes the members of a map, such as a group of slog, as pairs of
// their own; s.key holds the name of the map.
func (enc *Encoder) appendMap(t *text, s *scratch, m attribute.Value, depth int) {
	members := m.AsMap()
	name := len(s.key)
	if len(members) == 0 || depth > maxDepth {
		s.appendString(t, stringOf(s.key), map[bool]string{true: "{}", false: tooDeep}[len(members) == 0])
		return
	}
	for _, kv := range members {
		if t.cut {
			return
		}
		if enc.table.lookup(string(kv.Key)).field == fieldDenied {
			continue
		}
		s.key = append(s.key[:name], '.')
		key := string(kv.Key)
		s.key = append(s.key, key[:min(len(key), t.room()+1)]...)
		if enc.table.denies(s.key) {
			continue
		}
		switch {
		case kv.Value.Type() == attribute.MAP:
			enc.appendMap(t, s, kv.Value, depth+1)
		case spellingOf(stringOf(s.key)) == bare && t.appendSimplePair(s.pairOf(s.key), &kv.Value):
		default:
			enc.appendPair(t, s, stringOf(s.key), kv.Value)
		}
	}
	s.key = s.key[:name]
}

// appendPair writes key=value, each quoted where a reader could not tell where
// it ends. Of a text longer than what fits only the beginning is written: the rest
// would be cut anyway.
func (enc *Encoder) appendPair(t *text, s *scratch, key string, value attribute.Value) {
	room := t.room()
	s.beginPair(t, key)
	switch value.Type() {
	case attribute.STRING:
		s.plain = appendWord(s.plain, value.AsString(), room)
	case attribute.INT64:
		s.plain = strconv.AppendInt(s.plain, value.AsInt64(), 10)
	case attribute.BOOL:
		s.plain = strconv.AppendBool(s.plain, value.AsBool())
	case attribute.FLOAT64:
		s.plain = appendFloat(s.plain, value.AsFloat64())
	default:
		s.value = enc.appendPlain(s.value[:0], key, value, room)
		s.plain = appendWord(s.plain, stringOf(s.value), room)
	}
	t.appendClean(stringOf(s.plain)) // words have nothing in them that is not clean
}

// pairOf returns the beginning of the pair of a key that needs no quotes.
func (s *scratch) pairOf(key []byte) string {
	s.plain = append(append(append(s.plain[:0], ' '), key...), '=')
	return stringOf(s.plain)
}

// appendSimplePair writes a pair, of which begin is " key=", if nothing in its value needs
// escaping and it surely fits; it reports whether that is so.
func (t *text) appendSimplePair(begin string, value *attribute.Value) bool {
	const quotes, number = len(`\"\"`), 32
	need := len(begin) + quotes + number
	kind := value.Type()
	var word string
	var how spelling
	switch kind {
	case attribute.STRING:
		word = value.AsString()
		need += len(word)
		if how = spellingOf(word); how == escaped {
			return false
		}
	case attribute.INT64, attribute.BOOL, attribute.FLOAT64:
	default:
		return false
	}
	if need > t.room() {
		return false
	}
	buf := t.buf
	if len(buf) == t.start {
		begin = begin[1:]
	}
	buf = append(buf, begin...)
	switch {
	case kind == attribute.INT64:
		buf = strconv.AppendInt(buf, value.AsInt64(), 10)
	case kind == attribute.BOOL:
		buf = strconv.AppendBool(buf, value.AsBool())
	case kind == attribute.FLOAT64:
		buf = appendFloat(buf, value.AsFloat64())
	case how == bare:
		buf = append(buf, word...)
	default:
		buf = append(append(append(buf, `\"`...), word...), `\"`...)
	}
	t.buf = buf
	return true
}

func (s *scratch) appendString(t *text, key, value string) {
	s.beginPair(t, key)
	s.plain = appendWord(s.plain, value, t.room())
	t.appendClean(stringOf(s.plain))
}

// beginPair begins a pair in s.plain: what separates it from the text before it, and its key.
func (s *scratch) beginPair(t *text, key string) {
	s.plain = s.plain[:0]
	if len(t.buf) > t.start {
		s.plain = append(s.plain, ' ')
	}
	s.plain = append(appendWord(s.plain, key, t.room()), '=')
}

// appendPlain writes a value as OpenTelemetry shows it: a text and a number as
// they are, lists and maps as JSON, of which no more than room is needed. It is that of
// an attribute, or of the body, whose name is "".
func (enc *Encoder) appendPlain(dst []byte, name string, value attribute.Value, room int) []byte {
	switch value.Type() {
	case attribute.EMPTY:
		return dst
	case attribute.STRING:
		return append(dst, value.AsString()...)
	case attribute.BOOL:
		return strconv.AppendBool(dst, value.AsBool())
	case attribute.INT64:
		return strconv.AppendInt(dst, value.AsInt64(), 10)
	case attribute.FLOAT64:
		return appendFloat(dst, value.AsFloat64())
	}
	r := renderer{buf: dst, max: len(dst) + room + utf8.UTFMax, table: enc.table}
	if enc.table.dotted {
		r.path = append(r.path, name...)
	}
	r.value(value)
	if value.Type() == attribute.BYTESLICE {
		return append(dst, r.buf[len(dst)+1:len(r.buf)-1]...) // without the quotes
	}
	return r.buf
}

// appendException writes exception.type, message and stacktrace as a trace below
// everything else. A stack trace that already tells the error is not preceded by it.
func (s *scratch) appendException(t *text) {
	kind, message, stack := s.exception[0], s.exception[1], s.exception[2]
	headline := message
	if headline == "" {
		headline = kind
	}
	if headline != "" && !strings.Contains(stack[:min(len(stack), t.limit)], headline) {
		s.beginLine(t)
		t.append(kind)
		if kind != "" && message != "" {
			t.append(": ")
		}
		t.append(message)
	}
	if stack = strings.TrimSuffix(stack, "\n"); stack != "" {
		s.beginLine(t)
		t.append(stack)
	}
}

// beginLine puts what follows on a line of its own.
func (s *scratch) beginLine(t *text) {
	if n := len(t.buf); n > t.start && !(t.buf[n-1] == 'n' && n-2 >= t.start && t.buf[n-2] == '\\' && escapedBorder(t.buf, t.start, n-1) == n-2) {
		t.append("\n")
	}
}

func appendWord(dst []byte, word string, room int) []byte {
	if len(word) > room+utf8.UTFMax {
		word = word[:room+utf8.UTFMax] // longer than what fits, so the cut is still seen and marked
	}
	if spellingOf(word) != bare {
		return strconv.AppendQuote(dst, word)
	}
	return append(dst, word...)
}
