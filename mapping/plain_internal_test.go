// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	stdjson "encoding/json"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/segmentio/encoding/json"
	"go.opentelemetry.io/otel/attribute"
)

// texts are those between which ways to write a text can differ.
var texts = []string{
	"", "x", "/orders/4711", "a b", "a=b", `a"b`, `a\b`, "tab\t", "line\n", "nul\x00", "del\x7f", "esc\x1b[1m", "Müller & Söhne", "日本", "日 本",
	"\u2028", "\u2029", "a\u00a0b", "\u200b", "\ufffd", "\xff", "\xed\xa0\x80", "😀", "1234567\"", "12345678\"", "\x80234567", "12345678\x80",
	strings.Repeat("ü", 100), "“quoted”\u2029", strings.Repeat("•", 16) + "\u2028", strings.Repeat("•", 17) + "\u2029", "\xe2\x80", strings.Repeat("x", 100) + "\x1f", "café", "<&>", "'",
}

// What is said to be plain is what the library leaves as it is.
func FuzzPlainTextStandsAsItIs(f *testing.F) {
	for _, s := range texts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted := string(json.AppendEscape(nil, s, 0))
		if got, want := isPlain(s), quoted == `"`+s+`"`; got != want {
			t.Errorf("isPlain(%q) is %v; it is escaped as %s", s, got, quoted)
		}
	})
}

// What is escaped here is escaped as the library does it, wherever it stands and whatever room the buffer has.
func FuzzTextIsEscapedAsByTheLibrary(f *testing.F) {
	for _, s := range texts {
		f.Add(s, 0)
		f.Add("0123456"+s+"7", 3)
	}
	all := make([]byte, utf8.RuneSelf) // every byte that can be one to be escaped, at every place of a word
	for i := range all {
		all[i] = byte(i)
	}
	for shift := range 8 {
		f.Add(strings.Repeat(" ", shift)+string(all), shift)
	}
	f.Add(strings.Repeat("\"\\\x01", 1000), 0)
	f.Fuzz(func(t *testing.T, s string, room int) {
		quoted := string(json.AppendEscape(nil, s, 0))
		before := make([]byte, 1, 1+min(max(room, 0), 10_000))
		before[0] = '>'
		if got, want := string(appendEscaped(before, s)), ">"+quoted[1:len(quoted)-1]; got != want {
			t.Errorf("%q is escaped as %s, want %s", s, got, want)
		}
	})
}

// A pair that is written at once is the one that is written piece by piece.
func FuzzSimplePairs(f *testing.F) {
	for _, s := range texts {
		f.Add("key", s, int64(len(s)), 1e21/float64(len(s)+1), true, 200)
		f.Add(s, "value", int64(-len(s)), 0.1*float64(len(s)), false, 60)
	}
	enc, err := NewEncoder(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, key, word string, number int64, float float64, flag bool, room int) {
		room = min(max(room, 20), 10_000)
		for _, value := range []attribute.Value{
			attribute.StringValue(word), attribute.Int64Value(number), attribute.Float64Value(float), attribute.BoolValue(flag),
		} {
			for _, before := range []string{`"`, `"body`} {
				simple := text{buf: []byte(before), start: 1, limit: len(before) + room}
				if spellingOf(key) != bare || !simple.appendSimplePair(" "+key+"=", &value) {
					continue
				}
				careful := text{buf: []byte(before), start: 1, limit: len(before) + room}
				enc.appendPair(&careful, new(scratch), key, value)
				if got, want := string(simple.buf), string(careful.buf); got != want {
					t.Errorf("%q: %q, want %q", key, got, want)
				}
			}
		}
	})
}

// A number is written as encoding/json writes it, which is how OpenTelemetry's Collector shows it too: a whole one with all its
// digits, as those that came by way of JSON have to be.
func FuzzFloats(f *testing.F) {
	for _, n := range []float64{0, math.Copysign(0, -1), 0.25, -1.5, 0.001, 0.0015, 0.1 + 0.2, 123456.789, 999999.999, 1e6, -1e6, 1e21, 5e-324, math.MaxFloat64, 0.3, 1.005, 2.675, 100, 100.5, 12345678, 1e20, -123456789012345678901, 1e-6, 9.99e-7, 1e-10} {
		f.Add(math.Float64bits(n), int64(n*1000))
	}
	f.Fuzz(func(t *testing.T, bits uint64, thousandths int64) {
		near := float64(thousandths%1e10) / 1000
		for _, n := range []float64{math.Float64frombits(bits), near, math.Nextafter(near, 1e9), math.Nextafter(near, -1e9), near / 10} {
			if math.IsNaN(n) || math.IsInf(n, 0) {
				continue
			}
			want, err := stdjson.Marshal(n)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(appendFloat(nil, n)); got != string(want) {
				t.Errorf("%s, want %s", got, want)
			}
		}
	})
}
