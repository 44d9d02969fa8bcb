// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/mapping"
)

func TestPartsJoinToTheMessage(t *testing.T) {
	config := inRun
	config.Oversize, config.Format = mapping.SplitOversize, mapping.FormatMessage
	enc := newEncoder(t, config)
	for name, unit := range map[string]string{"ASCII": "x", "Chinese": "日", "emoji": "🎉", "quotes": `"`, "backslashes": `\`, "control": "\x01", "lines": "some line\n", "mixed": "a\\\"日\x02🎉\nbcd"} {
		for _, length := range []int{100, 400, 1000, 5000, 40_000, 300_000} {
			message := strings.Repeat(unit, max(length/len(unit), 1))
			e := mapping.Entry{Timestamp: time.UnixMicro(1_000_000), Body: attribute.StringValue(message)}
			encoded, meta, err := enc.Append([]byte("before"), &e, 600)
			if err != nil {
				t.Fatal(err)
			}
			joined, parts := joinParts(t, encoded[len("before"):], meta, 600)
			if joined = strings.TrimSuffix(joined, "... [truncated]"); !strings.HasPrefix(message, joined) || !meta.Truncated && joined != message || meta.Truncated && parts < 99 {
				t.Errorf("%s of %d bytes: %d parts of %d bytes, %+v", name, length, parts, len(joined), meta)
			}
		}
	}
}

// joinParts checks the parts of a record and puts their messages together.
func joinParts(t testing.TB, encoded []byte, meta mapping.Meta, limit int) (joined string, parts int) {
	t.Helper()
	var first logCreate
	for line := range mapping.Lines(encoded, meta) {
		parts++
		if len(line) > limit || bytes.ContainsRune(line, '\n') || !utf8.Valid(line) {
			t.Fatalf("part %d: %d bytes at a limit of %d: %q", parts, len(line), limit, line)
		}
		log := decode(t, line)
		if meta.Parts == 1 {
			return log.Message, 1
		}
		text, ok := strings.CutPrefix(log.Message, fmt.Sprintf("[%d/%d] ", parts, meta.Parts))
		if !ok {
			t.Fatalf("part %d of %d: %q", parts, meta.Parts, log.Message)
		}
		joined += text
		stamp, err := time.Parse(time.RFC3339Nano, log.Timestamp)
		if want := time.UnixMicro(meta.Micros + int64(parts-1)); err != nil || !stamp.Equal(want) {
			t.Fatalf("part %d: %s, want %v", parts, log.Timestamp, want)
		}
		log.Message, log.Timestamp = "", ""
		if parts == 1 {
			first = log
		} else if log != first {
			t.Fatalf("part %d: %+v, the first one %+v", parts, log, first)
		}
	}
	if parts != meta.Parts || parts > mapping.MaxParts {
		t.Fatalf("%d parts, want %d", parts, meta.Parts)
	}
	return joined, parts
}

func TestPartsEndAtLinesWhereTheyCan(t *testing.T) {
	config := inRun
	config.Oversize = mapping.SplitOversize
	e := mapping.Entry{Body: attribute.StringValue(strings.Repeat("a line of some length\n", 100))}
	encoded, meta, err := newEncoder(t, config).Append(nil, &e, 600)
	if err != nil {
		t.Fatal(err)
	}
	for line := range mapping.Lines(encoded, meta) {
		if message := decode(t, line).Message; !strings.HasSuffix(message, "\n") {
			t.Errorf("a part ends within a line: %q", message)
		}
	}
}

func TestPartsGetAdjacentStamps(t *testing.T) {
	config := inRun
	config.Oversize = mapping.SplitOversize
	var sequencer mapping.Sequencer
	stamps := func(config mapping.Config, micros int64) (all []string) {
		e := mapping.Entry{Timestamp: time.UnixMicro(micros), Body: attribute.StringValue(strings.Repeat("x", 800))}
		encoded, meta, err := newEncoder(t, config).Append(nil, &e, 600)
		if err != nil {
			t.Fatal(err)
		}
		sequencer.Stamp(encoded, meta)
		for line := range mapping.Lines(encoded, meta) {
			all = append(all, decode(t, line).Timestamp[len("1970-01-01T00:00:"):])
		}
		return all
	}
	exact := inRun
	exact.ExactTime = true
	for i, step := range []struct {
		config mapping.Config
		micros int64
		want   string
	}{
		{config, 5_000_000, "[05.000000Z 05.000001Z]"},
		{config, 5_000_000, "[05.000002Z 05.000003Z]"},
		{inRun, 5_000_000, "[05.000004Z]"},
		{exact, 5_000_000, "[05.000000Z]"},
		{config, 1_000_000, "[01.000000Z 01.000001Z]"}, // far back: a time of its own
		{config, 4_999_003, "[04.999003Z 04.999004Z]"}, // far back, though the part behind it would not be
		{inRun, 5_000_007, "[05.000007Z]"},
	} {
		if got := fmt.Sprint(stamps(step.config, step.micros)); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
}
