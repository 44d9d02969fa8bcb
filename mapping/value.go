// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"encoding/base64"
	"math"
	"strconv"

	"github.com/segmentio/encoding/json"
	"go.opentelemetry.io/otel/attribute"
)

// maxDepth is how deep lists and maps are shown; what lies deeper is
// shown as tooDeep. It is the depth limit of OpenTelemetry's SDK.
const (
	maxDepth = 64
	tooDeep  = "..."
)

// renderer writes values as JSON, and stops soon after max bytes: what is
// longer is cut by its caller.
type renderer struct {
	buf    []byte
	max    int    // of len(buf)
	table  *table // says which keys of maps are denied
	strict bool   // numbers that JSON has no form for are left out, else written as text
	indent bool
	depth  int
	path   []byte // the dotted name of the map that is being written, where the table asks for it
}

func (r *renderer) full() bool { return len(r.buf) >= r.max }

// value writes a value.
func (r *renderer) value(v attribute.Value) {
	switch v.Type() {
	case attribute.BOOL:
		r.buf = strconv.AppendBool(r.buf, v.AsBool())
	case attribute.INT64:
		r.buf = strconv.AppendInt(r.buf, v.AsInt64(), 10)
	case attribute.FLOAT64:
		r.float(v.AsFloat64())
	case attribute.STRING:
		r.string(v.AsString())
	case attribute.BYTESLICE:
		r.bytes(v.AsByteSlice())
	case attribute.BOOLSLICE:
		writeList(r, v.AsBoolSlice(), func(b bool) { r.buf = strconv.AppendBool(r.buf, b) })
	case attribute.INT64SLICE:
		writeList(r, v.AsInt64Slice(), func(n int64) { r.buf = strconv.AppendInt(r.buf, n, 10) })
	case attribute.FLOAT64SLICE:
		writeList(r, v.AsFloat64Slice(), r.float)
	case attribute.STRINGSLICE:
		writeList(r, v.AsStringSlice(), r.string)
	case attribute.SLICE:
		writeList(r, v.AsSlice(), r.value)
	case attribute.MAP:
		r.open('{')
		for _, kv := range v.AsMap() {
			if r.full() {
				break
			}
			r.member(kv)
		}
		r.close('}')
	default:
		r.buf = append(r.buf, "null"...)
	}
}

// member writes a member of a map, unless its name is denied or JSON cannot carry it.
func (r *renderer) member(kv attribute.KeyValue) {
	if r.table.lookup(string(kv.Key)).field == fieldDenied || r.strict && !carries(kv.Value) {
		return
	}
	if outer := len(r.path); r.table.dotted {
		if outer > 0 {
			r.path = append(r.path, '.')
		}
		r.path = append(r.path, kv.Key...)
		denied := r.table.denies(r.path)
		defer func() { r.path = r.path[:outer] }()
		if denied {
			return
		}
	}
	r.name(string(kv.Key))
	r.value(kv.Value)
}

// name begins a member.
func (r *renderer) name(name string) {
	r.next()
	r.string(name)
	r.buf = append(r.buf, ':')
	if r.indent {
		r.buf = append(r.buf, ' ')
	}
}

func writeList[T any](r *renderer, list []T, write func(T)) {
	r.open('[')
	for _, element := range list {
		if r.full() {
			break
		}
		r.next()
		write(element)
	}
	r.close(']')
}

// open begins a list or a map. Below maxDepth it writes tooDeep and makes the
// renderer appear full for what is in it.
func (r *renderer) open(bracket byte) {
	r.depth++
	if r.depth > maxDepth {
		r.max = -r.max
		return
	}
	r.buf = append(r.buf, bracket)
}

// next stands before each member.
func (r *renderer) next() {
	if last := r.buf[len(r.buf)-1]; last != '[' && last != '{' {
		r.buf = append(r.buf, ',')
	}
	r.newline()
}

func (r *renderer) close(bracket byte) {
	r.depth--
	if r.depth >= maxDepth {
		r.max = -r.max
		r.string(tooDeep)
		return
	}
	if last := r.buf[len(r.buf)-1]; last != '[' && last != '{' {
		r.newline()
	}
	r.buf = append(r.buf, bracket)
}

func (r *renderer) newline() {
	if !r.indent {
		return
	}
	r.buf = append(r.buf, '\n')
	for range r.depth {
		r.buf = append(r.buf, "  "...)
	}
}

func (r *renderer) string(s string) {
	if room := max(r.max-len(r.buf), 16); len(s) > room {
		s = s[:runeBorder(s, room)]
	}
	r.buf = json.AppendEscape(r.buf, s, 0)
}

// bytes writes base64, as OpenTelemetry has it.
func (r *renderer) bytes(b []byte) {
	b = b[:min(len(b), max(r.max-len(r.buf), 16))]
	r.buf = append(r.buf, '"')
	r.buf = base64.StdEncoding.AppendEncode(r.buf, b)
	r.buf = append(r.buf, '"')
}

func (r *renderer) float(f float64) {
	switch {
	case !math.IsNaN(f) && !math.IsInf(f, 0):
		r.buf = appendFloat(r.buf, f)
	case r.strict:
		r.buf = append(r.buf, "null"...)
	default:
		r.buf = append(appendFloat(append(r.buf, '"'), f), '"')
	}
}

// carries reports whether JSON has a form for a value.
func carries(v attribute.Value) bool {
	f := v.AsFloat64()
	return v.Type() != attribute.FLOAT64 || !math.IsNaN(f) && !math.IsInf(f, 0)
}

// appendFloat writes a number as encoding/json and OpenTelemetry's Collector do: one that came by way of JSON is shown as it was there.
func appendFloat(dst []byte, f float64) []byte {
	// Most numbers in logs have few digits. Two decimals of up to 15 digits are never the same float64
	// (IEEE 754), so that n/1000 is the shortest one for f, where it is one.
	if n := int64(f * 1000); f > -1e6 && f < 1e6 && float64(n)/1000 == f && n != 0 {
		return appendThousandths(dst, n)
	}
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 || f == 0 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); dst[n-3] == '-' && dst[n-2] == '0' { // e-09 is written e-9
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst
}

// appendThousandths writes n/1000.
func appendThousandths(dst []byte, n int64) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	dst = strconv.AppendInt(dst, n/1000, 10)
	switch rest := n % 1000; {
	case rest == 0:
		return dst
	case rest%100 == 0:
		return append(dst, '.', byte('0'+rest/100))
	case rest%10 == 0:
		return append(dst, '.', byte('0'+rest/100), byte('0'+rest/10%10))
	default:
		return append(dst, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	}
}
