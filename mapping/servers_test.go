// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

// generated is how many generated records each server is given.
const generated = 20_000

// TestEveryServerStoresEveryRecordAsItWasSent gives each server hostile records
// and generated ones, many of the same microsecond as the one before, and reads
// them back.
func TestEveryServerStoresEveryRecordAsItWasSent(t *testing.T) {
	serverstest.Each(t, func(t *testing.T, s *servers.Server) {
		ctx := t.Context()
		flow, err := s.NewFlowRun(ctx)
		if err != nil {
			t.Fatal(err)
		}
		task, err := s.NewTaskRun(ctx, flow, "task")
		if err != nil {
			t.Fatal(err)
		}
		entries := hostileEntries()
		random := rand.New(rand.NewPCG(20, 26))
		at := epoch.Add(time.Second)
		for range generated {
			e := generatedEntry(random)
			e.Timestamp = at
			entries = append(entries, e)
			at = at.Add(time.Duration(random.IntN(4)) * time.Microsecond)
		}
		checkStored(ctx, t, s, flow, task, entries)
	})
}

// TestEveryServerStoresEveryTime is about the times at the ends of what servers store.
func TestEveryServerStoresEveryTime(t *testing.T) {
	serverstest.Each(t, func(t *testing.T, s *servers.Server) {
		store := func(stamps ...time.Time) {
			flow, err := s.NewFlowRun(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var entries []mapping.Entry
			for _, stamp := range stamps {
				entries = append(entries, mapping.Entry{Timestamp: stamp, Body: attribute.StringValue(stamp.String())})
			}
			checkStored(t.Context(), t, s, flow, "", entries)
		}
		store(
			time.Date(-300, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1, 1, 2, 0, 0, 0, 1000, time.UTC), time.Date(1677, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1728, 1, 1, 0, 0, 0, 1000, time.UTC),
			time.Unix(0, 1000), time.Date(2016, 12, 31, 23, 59, 60, 0, time.UTC),
			time.Date(2271, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Date(9998, 6, 1, 0, 0, 0, 1000, time.UTC), time.Date(292_000, 1, 1, 0, 0, 0, 0, time.UTC),
		)
		// In a run of its own: it becomes the first time that is sent, as the first one above, and PostgreSQL rounds away what would
		// keep the two in order.
		store(time.Date(1, 1, 1, 0, 0, 0, 1000, time.FixedZone("", 5*3600)))
	})
}

// checkStored encodes the entries, whose times do not decrease, sends them and reads them back.
func checkStored(ctx context.Context, t *testing.T, s *servers.Server, flow, task string, entries []mapping.Entry) {
	t.Helper()
	var encoders []*mapping.Encoder
	for _, format := range []mapping.Format{mapping.FormatText, mapping.FormatMessage, mapping.FormatDefault, mapping.FormatPretty} {
		encoders = append(encoders, newEncoder(t, mapping.Config{
			Default: run.Info{FlowRunID: flow, TaskRunID: task}.IDs(), Format: format, TraceIDs: true,
			Oversize: mapping.SplitOversize, KeepANSI: format == mapping.FormatMessage,
		}))
	}
	var sequencer mapping.Sequencer
	var want []logCreate
	var lines [][]byte
	for i := range entries {
		encoded, meta, err := encoders[i%len(encoders)].Append(nil, &entries[i], 20_000)
		if err != nil {
			t.Fatal(err)
		}
		sequencer.Stamp(encoded, meta)
		for line := range mapping.Lines(encoded, meta) {
			lines = append(lines, line)
			want = append(want, decode(t, line))
		}
	}
	for batch := range slices.Chunk(lines, 200) {
		body := slices.Concat([]byte("["), bytes.Join(batch, []byte(",\n")), []byte("]"))
		if err := s.API().Do(ctx, http.MethodPost, "/logs/", json.RawMessage(body), nil); err != nil {
			t.Fatal(err)
		}
	}
	logs, err := s.Logs(ctx, flow)
	if err != nil {
		t.Fatal(err)
	}
	if len(logs) != len(want) {
		t.Errorf("%d of %d logs are stored", len(logs), len(want))
	}
	different := 0
	for i, log := range logs[:min(len(logs), len(want))] {
		got := logCreate{Level: log.Level, Timestamp: log.Timestamp.Format("2006-01-02T15:04:05.000000Z"), FlowRunID: log.FlowRunID, Name: log.Name, Message: log.Message}
		if log.TaskRunID != "" {
			got.TaskRunID = &log.TaskRunID
		}
		if s.Row().Database == servers.PostgreSQL && isRounded(log.Timestamp, want[i].Timestamp) {
			got.Timestamp = want[i].Timestamp
		}
		if diff := cmp.Diff(want[i], got); diff != "" {
			if different++; different <= 3 {
				t.Errorf("log %d (-sent +stored):\n%s", i, diff)
			}
		}
	}
	t.Logf("%d records in %d logs, %d of them different", len(entries), len(want), different)
}

// isRounded reports whether a time is far from ours and nearly the one that was
// sent: Prefect on PostgreSQL counts seconds since 2000 in floating point, which
// holds microseconds up to 2^33 of them, and 16 of those at worst beyond.
func isRounded(stored time.Time, sent string) bool {
	stamp, err := time.Parse(time.RFC3339Nano, sent)
	distance := stored.Sub(stamp).Abs()
	return err == nil && (stamp.Year() < 1728 || stamp.Year() > 2271) && distance <= 16*time.Microsecond
}

var hostileTexts = []string{
	"", " ", "\x00", "a\x00b", "\xff\xfe", "\xed\xa0\x80\xed\xb0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "\xe6\x97", "\ufffe\uffff", "\ufeff", "\u2028\u2029", "\x7f\u0080\u009f",
	"\x01\x02\x1f", "\r\n\t\v\f", "\x1b[31mred\x1b[0m", "\x1b[2J\x1b]0;t\x07", "\\", "\\\\", "\\u0000", "\\ud800", `"`, `{"a":"b"}`, `"],[{"`, "'; DROP TABLE log; --", "%s%n%d", "${jndi:ldap://x}",
	"<script>alert(1)</script>", "&lt;", "日本語", "🎉👩‍👩‍👧‍👦", "e\u0301", "\u202eright to left", "\U0010ffff\U0001fffe", "a\u0000b", strings.Repeat("x", 30_000), strings.Repeat("日", 30_000), strings.Repeat("\"\\\n", 9_000), strings.Repeat("\x01", 9_000),
}

// epoch is when the records of these tests begin.
var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func hostileEntries() []mapping.Entry {
	var entries []mapping.Entry
	for _, text := range hostileTexts {
		value := attribute.StringValue(text)
		entries = append(entries,
			mapping.Entry{Timestamp: epoch, Body: value},
			mapping.Entry{Timestamp: epoch, ScopeName: text, EventName: text, SeverityText: text, Attributes: []attribute.KeyValue{
				{Key: "key", Value: value}, attribute.String(text, "x"), {Key: "l", Value: attribute.SliceValue(value, attribute.MapValue(attribute.String(text, text)))},
				attribute.String("exception.type", text), attribute.String("exception.message", text), attribute.String("exception.stacktrace", text),
			}},
		)
	}
	return append(entries,
		mapping.Entry{Timestamp: epoch, Severity: math.MaxInt32, Attributes: []attribute.KeyValue{attribute.Int64("levelno", math.MaxInt64), attribute.Float64("nan", math.NaN())}},
		mapping.Entry{Timestamp: epoch, Severity: -5, Body: attribute.Float64Value(math.Inf(-1))},
	)
}

// generatedEntry returns a random record.
func generatedEntry(random *rand.Rand) mapping.Entry {
	text := func() string {
		var b strings.Builder
		for range random.IntN(8) {
			switch random.IntN(6) {
			case 0:
				b.WriteString(hostileTexts[random.IntN(len(hostileTexts)-4)])
			case 1:
				b.WriteRune(rune(random.IntN(0x110000)))
			case 2:
				b.WriteByte(byte(random.IntN(256)))
			default:
				fmt.Fprintf(&b, "word%d ", random.IntN(1000))
			}
		}
		return b.String()
	}
	var value func(depth int) attribute.Value
	value = func(depth int) attribute.Value {
		switch random.IntN(8 - min(depth, 3)) {
		case 0:
			return attribute.Int64Value(random.Int64())
		case 1:
			return attribute.Float64Value(random.NormFloat64())
		case 2:
			return attribute.BoolValue(random.IntN(2) == 0)
		case 3:
			return attribute.Value{}
		case 5:
			return attribute.ByteSliceValue([]byte(text()))
		case 6:
			return attribute.SliceValue(value(depth+1), value(depth+1))
		case 7:
			return attribute.MapValue(attribute.KeyValue{Key: attribute.Key(text()), Value: value(depth + 1)})
		default:
			return attribute.StringValue(text())
		}
	}
	e := mapping.Entry{
		Severity: random.IntN(26), SeverityText: []string{"", "INFO", "warn", "AUDIT"}[random.IntN(4)],
		Body: attribute.StringValue(text()), ScopeName: []string{"", "app", text()}[random.IntN(3)],
	}
	if random.IntN(10) == 0 {
		e.Body = value(0)
	}
	for range random.IntN(5) {
		e.Attributes = append(e.Attributes, attribute.KeyValue{Key: attribute.Key(text()), Value: value(0)})
	}
	if random.IntN(10) == 0 {
		e.Attributes = append(e.Attributes, attribute.String("exception.message", text()), attribute.String("exception.stacktrace", text()))
	}
	return e
}
