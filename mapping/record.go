// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"encoding/hex"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

// appendJSON writes the whole entry as one JSON object. What JSON cannot carry is left out.
func (enc *Encoder) appendJSON(t *text, s *scratch, e *Entry) {
	r := renderer{
		buf: s.plain[:0], max: t.room() + utf8.UTFMax, table: enc.table,
		strict: true, indent: enc.config.Format == FormatPretty,
	}
	r.open('{')
	r.name("timestamp")
	r.buf = append(r.buf, '"')
	r.buf = time.UnixMicro(s.micros).UTC().AppendFormat(r.buf, "2006-01-02T15:04:05.000000Z")
	r.buf = append(r.buf, '"')
	if e.Severity != 0 {
		r.name("severity_number")
		r.value(attribute.IntValue(e.Severity))
	}
	r.text("severity", e.SeverityText)
	r.text("logger", e.ScopeName)
	r.text("event_name", e.EventName)
	if e.Body.Type() != attribute.EMPTY && carries(e.Body) {
		r.name("body")
		r.value(e.Body)
	}
	if len(s.shown) > 0 {
		r.name("attributes")
		r.open('{')
		for _, one := range s.shown {
			if r.full() {
				break
			}
			r.member(e.Attributes[one.at])
		}
		r.close('}')
	}
	if s.exception != ([exceptionParts]string{}) {
		r.name("exception")
		r.open('{')
		r.text("type", s.exception[0])
		r.text("message", s.exception[1])
		r.text("stacktrace", s.exception[2])
		r.close('}')
	}
	if enc.config.TraceIDs {
		if e.TraceID != ([16]byte{}) {
			r.text("trace_id", stringOf(hex.AppendEncode(s.hex[:0], e.TraceID[:])))
		}
		if e.SpanID != ([8]byte{}) {
			r.text("span_id", stringOf(hex.AppendEncode(s.hex[:0], e.SpanID[:])))
		}
	}
	r.close('}')
	s.plain = r.buf
	t.append(stringOf(s.plain))
}

// text writes a member with a text, unless it is empty.
func (r *renderer) text(name, value string) {
	if value != "" && !r.full() {
		r.name(name)
		r.string(value)
	}
}
