// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// record is what a program emits, and how it stands on the run's page.
type record struct {
	logger     string // empty: "shop"
	at         time.Time
	severity   otellog.Severity
	body       string
	attributes []attribute.KeyValue

	want stored
}

// stored is a log that was read back. Fields of want that are zero are those of an ordinary record.
type stored struct {
	Name    string
	Level   int
	Message string
	At      time.Time
	TaskRun string
}

// hostile are records that one server or another would refuse, choke on or show wrongly if they were sent as they are. Each
// group goes into a flow run of its own.
var hostile = []struct {
	name    string
	records []record
}{
	{"text that is no text", texts([][2]string{
		{"NUL \x00 in \x00\x00 it", "NUL  in  it"}, // PostgreSQL until Prefect 3.6.18: 500 or 503
		{"\x00", ""},
		{"byte \xff of no character", "byte \uFFFD of no character"}, // 400 for the whole request
		{"cut \xe2\x82", "cut \uFFFD\uFFFD"},
		{"surrogate \xed\xa0\x80", "surrogate \uFFFD\uFFFD\uFFFD"}, // 500 or 503
	})},
	{"text that is odd", texts([][2]string{
		{"", ""},
		{" ", " "},
		{"two\nlines\r\nand\ttabs", "two\nlines\r\nand\ttabs"},
		{"\x1b[31mred\x1b[0m \x7f \u0085 \u2028", "\x1b[31mred\x1b[0m \x7f \u0085 \u2028"},
		{`"quoted" \ud800 </script> {"a":null}`, `"quoted" \ud800 </script> {"a":null}`},
		{"🎉 Ünïcödé 東京 \uFFFE\uFFFF", "🎉 Ünïcödé 東京 \uFFFE\uFFFF"},
	})},
	{"names and attributes that are no text", []record{
		{logger: "a\x00b\xff", body: "m", want: stored{Name: "ab\uFFFD"}},
		{logger: strings.Repeat("n", 10_000), body: "m", want: stored{Name: strings.Repeat("n", 10_000)}},
		{body: "m", attributes: []attribute.KeyValue{attribute.String("k\x00", "v\x00\xff")}, want: stored{Message: `m "k\x00"="v\x00\xff"`}},
	}},
	{"every severity", severities()},
	{"a moment of year 1", at(time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC))},
	{"a moment before year 1 in UTC", at(time.Date(1, 1, 1, 0, 0, 0, 0, time.FixedZone("", 5*3600)), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))},
	{"a moment before 1678, where nanoseconds end", at(time.Date(1492, 10, 12, 0, 0, 0, 0, time.UTC), time.Date(1492, 10, 12, 0, 0, 0, 0, time.UTC))},
	{"a moment between two microseconds", at(time.Date(2026, 1, 2, 3, 4, 5, 999_999_999, time.UTC), time.Date(2026, 1, 2, 3, 4, 5, 999_999_000, time.UTC))},
	{"a moment of another zone", at(time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", -19800)), time.Date(2026, 1, 2, 8, 34, 5, 0, time.UTC))},
	{"a moment of year 9998", at(time.Date(9998, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(9998, 12, 31, 0, 0, 0, 0, time.UTC))},
	{"a moment of year 9999", at(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), latest)}, // PostgreSQL: every later read fails
	{"a moment of year 10000", at(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), latest)},
	{"a moment of a year that nobody will see", at(time.Unix(1<<55, 0), latest)},
	{"messages of the longest length and beyond", []record{
		{body: strings.Repeat("x", 990_000), want: stored{Message: strings.Repeat("x", 990_000)}},
		{body: strings.Repeat("x", 1_000_000)},
		{body: strings.Repeat(`"`, 1_000_000)}, // two bytes each on the wire
	}},
	{"three thousand records of one microsecond", oneMicrosecond(3000)},
}

// latest is the last moment that is sent.
var latest = time.Date(9998, 12, 31, 23, 59, 59, 999_999_000, time.UTC)

// ordinary is the time of a record whose group is not about time; each later one of a group is a second later.
var ordinary = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

func texts(pairs [][2]string) (records []record) {
	for _, pair := range pairs {
		records = append(records, record{body: pair[0], want: stored{Message: pair[1]}})
	}
	return records
}

func at(given, want time.Time) []record {
	return []record{{at: given, body: "m", want: stored{At: want}}}
}

// severities are all of OpenTelemetry's, those that are none too. A page paints a log by the first of the level's digits, so
// there must be two.
func severities() (records []record) {
	levels := []int{
		20, 10, 10, 10, 10, 10, 11, 12, 13, // none, TRACE, DEBUG
		20, 21, 22, 23, 30, 31, 32, 33, 40, 41, 42, 43, 50, 51, 52, 53, // INFO, WARN, ERROR, FATAL
	}
	for number, level := range levels {
		severity, body := otellog.Severity(number), fmt.Sprint("severity ", number)
		want := stored{Level: level, Message: body}
		if otellog.SeverityTrace1 <= severity && severity <= otellog.SeverityTrace4 {
			want.Message += " severity=" + severity.String() // no level is left to tell them by
		}
		records = append(records, record{severity: severity, body: body, want: want})
	}
	return records
}

func oneMicrosecond(n int) (records []record) {
	for i := range n {
		records = append(records, record{
			at: ordinary, body: fmt.Sprint("record ", i), want: stored{At: ordinary.Add(time.Duration(i) * time.Microsecond)},
		})
	}
	return records
}

// complete fills in what the group does not say.
func complete(records []record) []record {
	completed := make([]record, len(records))
	for i, r := range records {
		if r.at.IsZero() {
			r.at = ordinary.Add(time.Duration(i) * time.Second)
		}
		if r.severity == 0 && r.want.Level == 0 {
			r.severity, r.want.Level = otellog.SeverityInfo, 20
		}
		if r.logger == "" {
			r.logger = "shop"
		}
		if r.want.Name == "" {
			r.want.Name = r.logger
		}
		if r.want.At.IsZero() && r.at.UTC().Year() > 0 { // a year before 1 is wanted as the first moment of 1, which is Go's zero
			r.want.At = r.at
		}
		if r.want.Message == "" && strings.Trim(r.body, "\x00") != "" {
			r.want.Message = r.body
		}
		completed[i] = r
	}
	return completed
}

func TestHostileRecordsAreStoredAndReadBackOnEveryServer(t *testing.T) {
	t.Parallel()
	for _, row := range servers.Rows() {
		t.Run(row.String(), func(t *testing.T) {
			t.Parallel()
			s := serverstest.Get(t, row)
			pipe := newPipeline(t, s)
			runs := map[string]string{}
			emitted := 0
			for _, group := range hostile {
				flowRun, err := s.NewFlowRun(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				runs[group.name] = flowRun
				for _, r := range complete(group.records) {
					pipe.emit(inRun(t.Context(), flowRun), r)
					emitted++
				}
			}
			pipe.shutdown(t)

			for _, group := range hostile {
				t.Run(group.name, func(t *testing.T) {
					var want []stored
					for _, r := range complete(group.records) {
						want = append(want, r.want)
					}
					got := readStored(t, s, runs[group.name])
					cutWanted(t, want, got)
					if diff := cmp.Diff(abridged(want), abridged(got), sameTime(row)); diff != "" {
						t.Errorf("read back (-want +got):\n%s", diff)
					}
				})
			}
			if stats := pipe.batch.Stats(); stats.Stored != uint64(emitted) || stats.Emitted != uint64(emitted) {
				t.Errorf("%d records, but: %v", emitted, stats)
			}
			pipe.wire.wantOnlyStored(t, s.Row())
		})
	}
}

// sameTime compares times as exactly as the row's server keeps them. On PostgreSQL, Prefect's driver counts the seconds since
// 2000 in floating point: microseconds of other centuries, beyond 2^33 seconds or 272 years, are up to 16 off.
func sameTime(row servers.Row) cmp.Option {
	return cmp.Comparer(func(a, b time.Time) bool {
		distant := a.Year() < 1728 || a.Year() > 2271
		if row.Database == servers.PostgreSQL && distant {
			return a.Sub(b).Abs() <= 16*time.Microsecond
		}
		return a.Equal(b)
	})
}

// cutWanted cuts the messages that are too long for a log as they were cut, once it is sure that no more was cut than needed.
func cutWanted(t *testing.T, want, got []stored) {
	t.Helper()
	const mark, limit, frame = "... [truncated]", 1_000_000, 512
	for i := range min(len(want), len(got)) {
		quotes := strings.Count(want[i].Message, `"`)
		if len(want[i].Message)+quotes <= limit-frame {
			continue
		}
		kept, marked := strings.CutSuffix(got[i].Message, mark)
		if size := len(kept) + strings.Count(kept, `"`); !marked || size < limit-frame || size > limit {
			t.Errorf("message %d was cut to %d bytes on the wire, marked %t", i, size, marked)
		}
		want[i].Message = want[i].Message[:min(len(kept), len(want[i].Message))] + mark
	}
}

// abridged keeps the messages of a failing test readable.
func abridged(logs []stored) []stored {
	short := make([]stored, len(logs))
	for i, log := range logs {
		if n := len(log.Message); n > 1000 {
			log.Message = fmt.Sprintf("%s, ..., %s (%d bytes, of which %d are x and %d quotes)", log.Message[:20], log.Message[n-20:], n,
				strings.Count(log.Message, "x"), strings.Count(log.Message, `"`))
		}
		short[i] = log
	}
	return short
}
