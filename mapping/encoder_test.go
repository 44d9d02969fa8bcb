// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

const (
	flowA = "11111111-2222-3333-4444-555555555555"
	flowB = "99999999-2222-3333-4444-555555555555"
	taskA = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	taskB = "bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee"

	noLimit = 1_000_000
)

// logCreate is what the API takes, and nothing else.
type logCreate struct {
	Level     int     `json:"level"`
	Timestamp string  `json:"timestamp"`
	FlowRunID string  `json:"flow_run_id"`
	TaskRunID *string `json:"task_run_id"`
	Name      string  `json:"name"`
	Message   string  `json:"message"`
}

func (l logCreate) task() string {
	if l.TaskRunID == nil {
		return ""
	}
	return *l.TaskRunID
}

func decode(t testing.TB, line []byte) logCreate {
	t.Helper()
	var log logCreate
	decoder := json.NewDecoder(strings.NewReader(string(line)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&log); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return log
}

func newEncoder(t testing.TB, config mapping.Config) *mapping.Encoder {
	t.Helper()
	enc, err := mapping.NewEncoder(config)
	if err != nil {
		t.Fatal(err)
	}
	return enc
}

func encode(t testing.TB, config mapping.Config, e mapping.Entry, limit int) logCreate {
	t.Helper()
	line, _, err := newEncoder(t, config).Append(nil, &e, limit)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, line)
}

func ids(flow, task string) run.IDs {
	return run.Info{FlowRunID: flow, TaskRunID: task}.IDs()
}

var inRun = mapping.Config{Default: ids(flowA, "")}

func TestRunComesFromTheFirstSourceThatNamesOne(t *testing.T) {
	str := attribute.String
	tests := []struct {
		name       string
		attributes []attribute.KeyValue
		context    run.IDs
		scope      run.IDs
		resource   run.IDs
		fallback   run.IDs
		flow, task string // flow "": no run
	}{
		{name: "nothing names a run"},
		{name: "attribute", attributes: []attribute.KeyValue{str("prefect.flow_run.id", flowA), str("prefect.task_run.id", taskA)}, context: ids(flowB, taskB), flow: flowA, task: taskA},
		{name: "context", context: ids(flowA, taskA), scope: ids(flowB, ""), flow: flowA, task: taskA},
		{name: "scope", scope: ids(flowA, ""), resource: ids(flowB, taskB), flow: flowA},
		{name: "resource", resource: ids(flowA, ""), fallback: ids(flowB, taskB), flow: flowA},
		{name: "environment", fallback: ids(flowA, taskA), flow: flowA, task: taskA},
		{name: "task from a higher source than the flow", attributes: []attribute.KeyValue{str("task_run_id", taskA)}, context: ids(flowA, taskB), flow: flowA, task: taskA},
		{name: "task from a lower source is another run's", attributes: []attribute.KeyValue{str("flow_run_id", flowA)}, context: ids(flowB, taskB), flow: flowA},
		{name: "a task alone makes no run", attributes: []attribute.KeyValue{str("task_run_id", taskA)}},
		{name: "first key that holds a UUID", attributes: []attribute.KeyValue{str("flow_run_id", flowB), str("prefect.flow_run_id", flowA), str("prefect.flow_run.id", "bad")}, flow: flowA},
		{name: "typed as Prefect's spans", attributes: []attribute.KeyValue{str("prefect.run.type", "flow"), str("prefect.run.id", flowA)}, flow: flowA},
		{name: "typed task with its flow", attributes: []attribute.KeyValue{str("prefect.run.id", taskA), str("prefect.run.type", "task"), str("flow_run_id", flowA)}, flow: flowA, task: taskA},
		{name: "typed without a type", attributes: []attribute.KeyValue{str("prefect.run.id", flowA)}},
		{name: "pod label", attributes: []attribute.KeyValue{str("k8s.pod.label.prefect.io/flow-run-id", flowA)}, flow: flowA},
		{name: "other spellings are sent canonical", attributes: []attribute.KeyValue{str("flow_run_id", "{"+strings.ToUpper(flowA)+"}")}, flow: flowA},
		{name: "placeholders of Python's loggers", attributes: []attribute.KeyValue{str("flow_run_id", "<unknown>"), str("task_run_id", "None")}, context: ids(flowA, ""), flow: flowA},
		{name: "last of two equal keys", attributes: []attribute.KeyValue{str("flow_run_id", flowB), str("flow_run_id", flowA)}, flow: flowA},
		{name: "the nil UUID names no run", attributes: []attribute.KeyValue{str("flow_run_id", "00000000-0000-0000-0000-000000000000")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := mapping.Entry{Attributes: tt.attributes, Context: tt.context, Scope: mapping.Source{Run: tt.scope}, Resource: mapping.Source{Run: tt.resource}}
			line, meta, err := newEncoder(t, mapping.Config{Default: tt.fallback}).Append([]byte("x"), &e, noLimit)
			if tt.flow == "" {
				if !errors.Is(err, mapping.ErrNoRun) || string(line) != "x" {
					t.Errorf("got %q, %v", line, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := decode(t, line[1:])
			if got.FlowRunID != tt.flow || got.task() != tt.task {
				t.Errorf("got flow run %s, task run %s", got.FlowRunID, got.task())
			}
			if got.Message != "" {
				t.Errorf("ids stand in the message: %s", got.Message)
			}
			if meta.Run != ids(tt.flow, tt.task) {
				t.Errorf("meta %+v", meta)
			}
		})
	}
}

func TestAnIDThatIsNoUUIDIsTold(t *testing.T) {
	var told []string
	enc := newEncoder(t, mapping.Config{BadID: func(key string) { told = append(told, key) }})
	e := mapping.Entry{Context: ids(flowA, ""), Attributes: []attribute.KeyValue{attribute.String("flow_run_id", "nope"), attribute.Int("task_run_id", 4)}}
	if _, _, err := enc.Append(nil, &e, noLimit); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"flow_run_id", "task_run_id"}, told); diff != "" {
		t.Error(diff)
	}
}

func TestRecordsOptOut(t *testing.T) {
	for key, out := range map[string]error{"send_to_api": mapping.ErrOptedOut, "send_to_orion": mapping.ErrOptedOut} {
		e := mapping.Entry{Attributes: []attribute.KeyValue{attribute.Bool(key, false)}}
		if _, _, err := newEncoder(t, inRun).Append(nil, &e, noLimit); !errors.Is(err, out) {
			t.Errorf("%s=false: %v", key, err)
		}
		if _, _, err := newEncoder(t, mapping.Config{}).Append(nil, &e, noLimit); !errors.Is(err, out) {
			t.Errorf("%s=false outside of a run: %v", key, err)
		}
		e = mapping.Entry{Attributes: []attribute.KeyValue{attribute.Bool(key, true)}}
		if _, _, err := newEncoder(t, inRun).Append(nil, &e, noLimit); err != nil {
			t.Errorf("%s=true: %v", key, err)
		}
	}
}

func TestLevel(t *testing.T) {
	for severity, want := range []int{20, 10, 10, 10, 10, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33, 40, 41, 42, 43, 50, 51, 52, 53} {
		if got := encode(t, inRun, mapping.Entry{Severity: severity}, noLimit).Level; got != want {
			t.Errorf("severity %d: level %d, want %d", severity, got, want)
		}
	}
	for text, want := range map[string]int{"": 20, "warning": 30, "Error": 40, "FATAL": 50, "debug": 10, "nonsense": 20, "ERROR3": 42, "trace2": 10, "WARN+2": 32, "DEBUG-4": 10, "INFO-1": 13, "Level 25": 25, "35": 35, "99": 59, "dpanic": 50} {
		if got := encode(t, inRun, mapping.Entry{SeverityText: text}, noLimit).Level; got != want {
			t.Errorf("severity text %q: level %d, want %d", text, got, want)
		}
	}
	for levelno, want := range map[int]int{9: 40, 10: 10, 25: 25, 59: 59, 60: 40} {
		e := mapping.Entry{Severity: 17, Attributes: []attribute.KeyValue{attribute.Int("levelno", levelno)}}
		if got := encode(t, inRun, e, noLimit).Level; got != want {
			t.Errorf("levelno %d: level %d, want %d", levelno, got, want)
		}
	}
}

func TestName(t *testing.T) {
	logger := attribute.String("logger.name", "from.attribute")
	tests := []struct {
		name  string
		entry mapping.Entry
		want  string
	}{
		{"scope", mapping.Entry{ScopeName: "scope", Attributes: []attribute.KeyValue{logger}}, "scope"},
		{"attribute", mapping.Entry{Attributes: []attribute.KeyValue{attribute.String("log.logger", "x"), logger}, Resource: mapping.Source{ServiceName: "service"}}, "from.attribute"},
		{"service", mapping.Entry{Resource: mapping.Source{ServiceName: "service"}}, "service"},
		{"flow run", mapping.Entry{}, "prefect.flow_runs"},
		{"task run", mapping.Entry{Context: ids(flowA, taskA)}, "prefect.task_runs"},
	}
	for _, tt := range tests {
		if got := encode(t, inRun, tt.entry, noLimit).Name; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTimestamp(t *testing.T) {
	stamp := time.Date(2026, 1, 2, 3, 4, 5, 6789, time.FixedZone("", -3600))
	for _, tt := range []struct {
		entry mapping.Entry
		want  string
	}{
		{mapping.Entry{Timestamp: stamp, Observed: time.Unix(0, 0)}, "2026-01-02T04:04:05.000006Z"},
		{mapping.Entry{Observed: time.Unix(0, 0)}, "1970-01-01T00:00:00.000000Z"},
		{mapping.Entry{Timestamp: time.Unix(math.MaxInt64, 0)}, "9998-12-31T23:59:59.999999Z"},
		{mapping.Entry{Timestamp: time.Unix(math.MinInt64, 0)}, "0001-01-01T00:00:00.000000Z"},
		{mapping.Entry{Observed: time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC)}, "9998-12-31T23:59:59.999999Z"},
	} {
		if got := encode(t, inRun, tt.entry, noLimit).Timestamp; got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	synctest.Test(t, func(t *testing.T) { // where now is known
		if got, want := encode(t, inRun, mapping.Entry{}, noLimit).Timestamp, time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"); got != want {
			t.Errorf("a record without a time is of %s, want %s", got, want)
		}
	})
}

func TestMessage(t *testing.T) {
	str := attribute.String
	body := attribute.StringValue
	tests := []struct {
		name  string
		entry mapping.Entry
		want  string
	}{
		{"body", mapping.Entry{Body: body("hello")}, "hello"},
		{"empty", mapping.Entry{}, ""},
		{"event name without a body", mapping.Entry{EventName: "user.login"}, "user.login"},
		{"attributes behind the body", mapping.Entry{Body: body("hello"), Attributes: []attribute.KeyValue{
			str("a", "b"), attribute.Int("n", -3), attribute.Bool("ok", true), attribute.Float64("f", 0.5), attribute.Float64("nan", math.NaN()),
		}}, "hello a=b n=-3 ok=true f=0.5 nan=NaN"},
		{"attributes alone", mapping.Entry{Attributes: []attribute.KeyValue{str("a", "b"), str("c", "d")}}, "a=b c=d"},
		{"quotes where needed", mapping.Entry{Body: body("x"), Attributes: []attribute.KeyValue{
			str("space", "a b"), str("empty", ""), str("eq", "a=b"), str("quote", `"`), str("lines", "a\nb"), str("ü", "日本"), str("a key", "v"),
		}}, `x space="a b" empty="" eq="a=b" quote="\"" lines="a\nb" ü=日本 "a key"=v`},
		{"last of equal keys", mapping.Entry{Attributes: []attribute.KeyValue{str("a", "1"), str("b", "2"), str("a", "3")}}, "b=2 a=3"},
		{"lists and maps", mapping.Entry{Attributes: []attribute.KeyValue{
			attribute.IntSlice("l", []int{1, 2}), {Key: "m", Value: attribute.MapValue(str("k", "v"))},
		}}, `l=[1,2] m.k=v`},
		{"map body", mapping.Entry{Body: attribute.MapValue(attribute.Int("k", 1))}, `{"k":1}`},
		{"several lines and other scripts", mapping.Entry{Body: body("first\n\tsecond — 日本語 🎉 \"q\" \\")}, "first\n\tsecond — 日本語 🎉 \"q\" \\"},
		{"secrets are left out", mapping.Entry{Body: body("x"), Attributes: []attribute.KeyValue{
			str("password", "p"), str("http.request.header.Authorization", "p"), str("accessToken", "p"), str("aws.api_key", "p"), str("token", "p"), str("Set-Cookie", "p"), attribute.Int("max_tokens", 5),
		}}, "x max_tokens=5"},
		{"exception", mapping.Entry{Body: body("failed"), Attributes: []attribute.KeyValue{
			str("exception.type", "*fs.PathError"), str("exception.message", "no such file"), str("exception.stacktrace", "main.main()\n\tmain.go:1\n"), str("path", "/x"),
		}}, "failed path=/x\n*fs.PathError: no such file\nmain.main()\n\tmain.go:1"},
		{"trace that tells the error itself", mapping.Entry{Body: body("failed"), Attributes: []attribute.KeyValue{
			str("exception.type", "ValueError"), str("exception.message", "boom"), str("exception.stacktrace", "Traceback:\nValueError: boom"),
		}}, "failed\nTraceback:\nValueError: boom"},
		{"exception alone", mapping.Entry{Attributes: []attribute.KeyValue{str("exception.type", "E")}}, "E"},
		{"invalid UTF-8 and NUL", mapping.Entry{Body: body("a\xffb\x00c\xed\xa0\x80")}, "a\ufffdbc\ufffd\ufffd\ufffd"},
		{"control characters", mapping.Entry{Body: body("\x01\x1f\x7f\u2028")}, "\x01\x1f\x7f\u2028"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, encode(t, inRun, tt.entry, noLimit).Message); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestManyAttributesKeepTheLastOfEachKey(t *testing.T) {
	var e mapping.Entry
	for i := range 100 {
		e.Attributes = append(e.Attributes, attribute.Int("k", i), attribute.Int("k"+string(rune('a'+i%20)), i))
	}
	fields := strings.Fields(encode(t, inRun, e, noLimit).Message)
	if len(fields) != 21 || fields[0] != "ka=80" || fields[20] != "kt=99" {
		t.Errorf("got %q", fields)
	}
}

func TestALongMessageIsCutAtABorderAndMarked(t *testing.T) {
	const mark = "... [truncated]"
	for name, unit := range map[string]string{
		"ASCII": "x", "Chinese": "日", "emoji": "🎉", "quotes": `"`, "backslashes": `\`, "control": "\x01",
		"newlines": "\n", "invalid": "\xff", "mixed": "a\\\"日\x02🎉\n", "NUL": "a\x00",
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Repeat(unit, 3000)
			for limit := mapping.MinLimit; limit < mapping.MinLimit+40; limit++ {
				e := mapping.Entry{Body: attribute.StringValue(text), ScopeName: "n"}
				line, _, err := newEncoder(t, inRun).Append(nil, &e, limit)
				if err != nil {
					t.Fatal(err)
				}
				if len(line) > limit || len(line) < limit-6 {
					t.Fatalf("line of %d bytes at a limit of %d", len(line), limit)
				}
				kept, ok := strings.CutSuffix(decode(t, line).Message, mark)
				whole := strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "")
				if name == "invalid" {
					whole = strings.Repeat("\ufffd", 3000)
				}
				if !ok || !strings.HasPrefix(whole, kept) || !utf8.ValidString(kept) {
					t.Fatalf("limit %d: message %q", limit, kept)
				}
			}
		})
	}
}

func TestALongNameLeavesRoomForTheMessage(t *testing.T) {
	e := mapping.Entry{ScopeName: strings.Repeat("n", 5000), Body: attribute.StringValue("hello")}
	line, _, err := newEncoder(t, inRun).Append(nil, &e, mapping.MinLimit)
	if err != nil || len(line) > mapping.MinLimit {
		t.Fatalf("%d bytes, %v", len(line), err)
	}
	if got := decode(t, line).Message; got != "hello" {
		t.Errorf("message %q", got)
	}
}

func TestExactlyTheLimitIsNotCut(t *testing.T) {
	e := mapping.Entry{Body: attribute.StringValue(strings.Repeat("x", 2000)), ScopeName: "n"}
	enc := newEncoder(t, inRun)
	whole, _, _ := enc.Append(nil, &e, noLimit)
	exact, _, _ := enc.Append(nil, &e, len(whole))
	if !strings.HasPrefix(decode(t, exact).Message, strings.Repeat("x", 2000)) {
		t.Error("a message that fits was cut")
	}
	short, _, _ := enc.Append(nil, &e, len(whole)-1)
	if len(short) != len(whole)-1 || !strings.HasSuffix(decode(t, short).Message, "... [truncated]") {
		t.Errorf("a message that is one byte too long became %d bytes", len(short))
	}
}

func BenchmarkAppend(b *testing.B) {
	enc := newEncoder(b, inRun)
	e := mapping.Entry{
		Timestamp: time.Now(), Severity: 9, ScopeName: "scope", Body: attribute.StringValue(strings.Repeat("x", 200)),
		Attributes: []attribute.KeyValue{
			attribute.String("prefect.flow_run.id", flowA), attribute.String("prefect.task_run.id", taskA),
			attribute.String("http.method", "GET"), attribute.Int("status", 200), attribute.String("path", "/a/b"), attribute.Bool("cached", true),
		},
	}
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := enc.Append(dst, &e, noLimit); err != nil {
			b.Fatal(err)
		}
	}
}
