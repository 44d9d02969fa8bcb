// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/mapping"
)

func FuzzEncode(f *testing.F) {
	f.Add("body", "key", "value", "scope", uint16(512), int8(9))
	f.Add("a\xff\x00\u2028\\\"", "exception.stacktrace", "x\ny", "", uint16(0), int8(0))
	f.Add(strings.Repeat("日", 400), "password", strings.Repeat("\x01", 300), strings.Repeat("s", 999), uint16(600), int8(99))
	enc := newEncoder(f, inRun)
	f.Fuzz(func(t *testing.T, body, key, value, scope string, limit uint16, severity int8) {
		e := mapping.Entry{
			Body: attribute.StringValue(body), ScopeName: scope, Severity: int(severity),
			Attributes: []attribute.KeyValue{attribute.String(key, value), attribute.String("k", value), attribute.StringSlice(key, []string{value, body})},
		}
		line, meta, err := enc.Append(nil, &e, int(limit))
		if err != nil {
			return
		}
		if len(line) > max(int(limit), mapping.MinLimit) {
			t.Fatalf("%d bytes at a limit of %d", len(line), limit)
		}
		log := decode(t, line)
		if strings.Contains(string(line), "\n") || !utf8.Valid(line) || strings.Contains(log.Message+log.Name, "\x00") {
			t.Fatalf("unsafe line %q", line)
		}
		if log.Level < 10 || log.Level > 59 || log.Level != meta.Level {
			t.Fatalf("level %d", log.Level)
		}
	})
}

// FuzzTruncate holds that what is kept of a message is its beginning, and as much of it as fits.
func FuzzTruncate(f *testing.F) {
	f.Add("日", uint16(400), uint8(0))
	f.Add("\\\"", uint16(300), uint8(7))
	f.Add("\x01\xff\xfe", uint16(100), uint8(30))
	const mark = "... [truncated]"
	config := inRun
	config.Format, config.KeepANSI = mapping.FormatMessage, true
	enc := newEncoder(f, config)
	f.Fuzz(func(t *testing.T, unit string, repeat uint16, more uint8) {
		message := repeated(unit, repeat)
		limit := mapping.MinLimit + int(more)
		e := mapping.Entry{Body: attribute.StringValue(message)}
		line, meta, err := enc.Append(nil, &e, limit)
		if err != nil || len(line) > limit {
			t.Fatalf("%d bytes at a limit of %d, %v", len(line), limit, err)
		}
		got := decode(t, line).Message
		whole := sanitised(message)
		if !meta.Truncated {
			if got != whole {
				t.Fatalf("%q became %q", whole, got)
			}
			return
		}
		kept, marked := strings.CutSuffix(got, mark)
		if !marked || !strings.HasPrefix(whole, kept) || !utf8.ValidString(kept) {
			t.Fatalf("%q was cut to %q", whole, got)
		}
		if len(line) < limit-12 && !strings.Contains(message, "\x00") {
			t.Fatalf("%d bytes kept at a limit of %d", len(line), limit)
		}
	})
}

// FuzzSplit holds that parts join to the message, whatever the limit.
func FuzzSplit(f *testing.F) {
	f.Add("日本\n", uint16(400), uint8(0))
	f.Add("\\\\n", uint16(700), uint8(7))
	f.Add("\x01\xff", uint16(3000), uint8(30))
	config := inRun
	config.Format, config.KeepANSI, config.Oversize = mapping.FormatMessage, true, mapping.SplitOversize
	enc := newEncoder(f, config)
	f.Fuzz(func(t *testing.T, unit string, repeat uint16, more uint8) {
		message := repeated(unit, repeat)
		limit := mapping.MinLimit + int(more)
		e := mapping.Entry{Body: attribute.StringValue(message)}
		encoded, meta, err := enc.Append(nil, &e, limit)
		if err != nil {
			t.Fatal(err)
		}
		joined, _ := joinParts(t, encoded, meta, limit)
		if whole := sanitised(message); !meta.Truncated && joined != whole {
			t.Fatalf("%q became %q", whole, joined)
		} else if meta.Truncated && !strings.HasPrefix(whole, strings.TrimSuffix(joined, "... [truncated]")) {
			t.Fatalf("%q became %q", whole, joined)
		}
	})
}

// repeated keeps inputs small, which the fuzzer changes, and messages long.
func repeated(unit string, n uint16) string {
	const longest = 1 << 17
	return strings.Repeat(unit, min(int(n), longest/max(len(unit), 1)))
}

// sanitised is a message without what no server takes.
func sanitised(message string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(message, "\x00") {
		for _, r := range part { // a byte that is no UTF-8 is U+FFFD
			b.WriteRune(r)
		}
	}
	return b.String()
}

func FuzzSeverityText(f *testing.F) {
	for _, text := range []string{"", "INFO", "warn", "ERROR4", "DEBUG-4", "ERROR+2", "Level 25", "25", "-7", "+", "Level ", "INFO+99999999999", strings.Repeat("E", 1000)} {
		f.Add(text, int8(0))
	}
	f.Fuzz(func(t *testing.T, text string, severity int8) {
		level := mapping.LevelOf(int(severity), text)
		if level < 10 || level > 59 {
			t.Errorf("severity %d, %q: level %d", severity, text, level)
		}
		if severity > 0 && level != mapping.LevelOf(int(severity), "") {
			t.Errorf("severity %d: the text %q says otherwise", severity, text)
		}
		if upper := mapping.LevelOf(0, strings.ToUpper(text)); len(text) < 30 && utf8.ValidString(text) && isASCII(text) && upper != mapping.LevelOf(0, text) {
			t.Errorf("%q is another level in upper case", text)
		}
	})
}

func isASCII(s string) bool { return len(s) == len(bytes.Runes([]byte(s))) }
