// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/mapping"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

// pythonRecord is a record of Python's logging.
type pythonRecord struct {
	Name             string         `json:"name"`
	Level            int            `json:"level"`
	Message          string         `json:"message"`
	Args             []string       `json:"args"`
	Micros           int64          `json:"micros"`
	Extra            map[string]any `json:"extra"`
	Exception        string         `json:"exception"`
	ExceptionMessage string         `json:"exception_message"`
}

// pythonAnswer is what Prefect's handler made of it.
type pythonAnswer struct {
	Log       *logCreate `json:"log"`
	Error     string     `json:"error"`
	Exception *struct {
		Type       string `json:"type"`
		Message    string `json:"message"`
		Stacktrace string `json:"stacktrace"`
	} `json:"exception"`
}

// TestMessagesAreWhatPrefectsHandlersSend puts the same records through the
// handlers of real Prefects and through an encoder of FormatMessage.
func TestMessagesAreWhatPrefectsHandlersSend(t *testing.T) {
	for _, version := range []servers.Version{servers.Prefect27, servers.Prefect220, servers.Prefect38} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			cases := append(handmadeRecords(), generatedRecords(600)...)
			met := map[string]int{}
			equal := 0
			for i, answer := range askHandler(t, version, cases) {
				if difference := compareWithHandler(t, cases[i], answer); difference == "" {
					equal++
				} else {
					met[difference]++
				}
			}
			for difference := range met {
				if !slices.Contains(deliberate, difference) {
					t.Errorf("the difference %q is not on the page", difference)
				}
			}
			t.Logf("%d equal; deliberate differences: %v", equal, met)
			if equal < 400 {
				t.Errorf("only %d of %d records are equal: the differences hide too much", equal, len(cases))
			}
		})
	}
}

func askHandler(t *testing.T, version servers.Version, cases []pythonRecord) []pythonAnswer {
	t.Helper()
	var in, stderr bytes.Buffer
	encoder := json.NewEncoder(&in)
	for _, c := range cases {
		if err := encoder.Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), serverstest.Python(t, version), "testdata/handle.py")
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "PYTHONUTF8=1", "DO_NOT_TRACK=1", "PREFECT_API_URL=http://127.0.0.1:1/api"}
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the handler of %v: %v\n%s", version, err, stderr.String())
	}
	var answers []pythonAnswer
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var a pythonAnswer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatalf("%v in %.300s", err, lines.Text())
		}
		answers = append(answers, a)
	}
	if len(answers) != len(cases) {
		t.Fatalf("the handler answered %d of %d records: %v\n%s", len(answers), len(cases), lines.Err(), stderr.String())
	}
	return answers
}

// entryOf is the record as OpenTelemetry's Python SDK would carry it.
func entryOf(r pythonRecord, answer pythonAnswer) mapping.Entry {
	body := r.Message
	for _, arg := range r.Args {
		body = strings.Replace(body, "%s", arg, 1)
	}
	e := mapping.Entry{Timestamp: time.UnixMicro(r.Micros), ScopeName: r.Name, Body: attribute.StringValue(body), Severity: otelSeverity(r.Level)}
	for key, value := range r.Extra {
		switch value := value.(type) {
		case string:
			e.Attributes = append(e.Attributes, attribute.String(key, value))
		case bool:
			e.Attributes = append(e.Attributes, attribute.Bool(key, value))
		case int:
			e.Attributes = append(e.Attributes, attribute.Int(key, value))
		case nil:
			e.Attributes = append(e.Attributes, attribute.KeyValue{Key: attribute.Key(key)})
		}
	}
	e.Attributes = append(e.Attributes, attribute.Int("levelno", r.Level))
	if x := answer.Exception; x != nil {
		e.Attributes = append(e.Attributes, attribute.String("exception.type", x.Type),
			attribute.String("exception.message", x.Message), attribute.String("exception.stacktrace", x.Stacktrace))
	}
	return e
}

// otelSeverity is std_to_otel of OpenTelemetry's Python SDK.
func otelSeverity(level int) int {
	switch {
	case level < 10:
		return 0
	case level >= 53:
		return 24
	}
	base := []int{0, 5, 9, 13, 17, 21}[level/10]
	return base + min(level%10, 3)
}

// compareWithHandler reports a record that differs in another way than one that
// is deliberate, and returns the name of the difference in docs/mapping.md, or
// "" for a record that is equal.
func compareWithHandler(t *testing.T, r pythonRecord, answer pythonAnswer) (difference string) {
	t.Helper()
	e := entryOf(r, answer)
	enc := newEncoder(t, mapping.Config{Format: mapping.FormatMessage})
	line, _, err := enc.Append(nil, &e, noLimit)
	var got logCreate
	if err == nil {
		got = decode(t, line)
	}
	python := "nothing"
	if answer.Log != nil {
		python = shorten(*answer.Log)
	}
	wrong := func(why string) string {
		t.Errorf("%s\n%s\nPrefect: %s %s\n   ours: %s %v", shorten(r), why, python, answer.Error, shorten(got), err)
		return "wrong"
	}
	flow, _ := r.Extra["flow_run_id"].(string)
	task, hasTask := r.Extra["task_run_id"].(string)
	if errors.Is(err, mapping.ErrOptedOut) {
		if answer.Log == nil && answer.Error == "" {
			return ""
		}
		return "opting out"
	}
	if errors.Is(err, mapping.ErrNoRun) {
		if answer.Error == "MissingContextError" {
			return ""
		}
		if answer.Log != nil && answer.Log.FlowRunID != "" || ids(flow, "") != ids("", "") {
			return wrong("a run is not found")
		}
		return "a flow run id that is none"
	}
	if err != nil {
		return wrong("an error")
	}
	if answer.Log == nil {
		switch {
		case hasTask && ids("", task) == ids("", ""):
			return "a task run id that is none"
		case answer.Error == "ValueError" && len(e.Body.AsString()) > noLimit/6:
			return "too long"
		}
		return wrong("Prefect sends nothing")
	}
	want := *answer.Log
	if want.FlowRunID == "00000000-0000-0000-0000-000000000000" {
		return wrong("the nil UUID")
	}
	stampOf := func(text string) time.Time {
		stamp, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Error(err)
		}
		return stamp
	}
	if !stampOf(want.Timestamp).Equal(stampOf(got.Timestamp)) {
		return wrong("the time")
	}
	want.Timestamp = got.Timestamp
	if want.Level != got.Level && (r.Level < 10 || r.Level > 59) {
		want.Level, difference = got.Level, "levels that no page paints"
	}
	if want.Name == "" && got.Name == "prefect.flow_runs" {
		want.Name, difference = got.Name, "a logger without a name"
	}
	if kept, cut := strings.CutSuffix(got.Message, "... [truncated]"); cut && got.Message != want.Message {
		whole := e.Body.AsString()
		if !strings.HasPrefix(whole, kept) || len(kept) <= len(strings.TrimSuffix(want.Message, "... [truncated]")) && want.Message != whole {
			return wrong("the cut")
		}
		want.Message, difference = got.Message, "too long"
	}
	if strings.HasSuffix(want.Message, "... [truncated]") && utf8.RuneCountInString(got.Message) > len(want.Message) {
		want.Message, difference = got.Message, "too long"
	}
	if safe := strings.NewReplacer("\x00", "", "\x1b[2J", "", "\x1b]0;title\x07", "").Replace(want.Message); safe != want.Message {
		want.Message, difference = safe, "unsafe text"
	}
	if e.Body.AsString() == "" && answer.Exception != nil {
		want.Message, difference = strings.TrimPrefix(want.Message, "\n"), "an exception without a message"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return wrong("(-Prefect +ours) " + diff)
	}
	return difference
}

// shorten shows a value, the beginning of it.
func shorten(v any) string { return fmt.Sprintf("%.500s", fmt.Sprintf("%+v", v)) }

func handmadeRecords() []pythonRecord {
	in := map[string]any{"flow_run_id": flowA}
	record := func(change func(*pythonRecord)) pythonRecord {
		r := pythonRecord{Name: "prefect.flow_runs", Level: 20, Message: "hello", Micros: 1_767_323_045_000_006, Extra: in}
		change(&r)
		return r
	}
	var all []pythonRecord
	for _, extra := range []map[string]any{
		nil, {"flow_run_id": nil}, {"flow_run_id": ""}, {"flow_run_id": "<unknown>"}, {"flow_run_id": "None"}, {"flow_run_id": "nope"},
		{"flow_run_id": strings.ToUpper(flowA)}, {"flow_run_id": "{" + flowA + "}"}, {"flow_run_id": "urn:uuid:" + flowA}, {"flow_run_id": strings.ReplaceAll(flowA, "-", "")},
		{"flow_run_id": flowA, "task_run_id": taskA}, {"flow_run_id": flowA, "task_run_id": nil}, {"flow_run_id": flowA, "task_run_id": "nope"},
		{"flow_run_id": flowA, "task_run_id": strings.ToUpper(taskA)}, {"task_run_id": taskA},
		{"flow_run_id": flowA, "send_to_api": false}, {"flow_run_id": flowA, "send_to_api": true}, {"flow_run_id": flowA, "send_to_orion": false},
		{"flow_run_id": flowA, "send_to_api": nil}, {"flow_run_id": flowA, "send_to_api": 0}, {"flow_run_id": flowA, "send_to_api": 1},
		{"flow_run_id": flowA, "send_to_api": "false"}, {"flow_run_id": flowA, "send_to_api": "yes"}, {"flow_run_id": flowA, "user": "x"},
	} {
		all = append(all, record(func(r *pythonRecord) { r.Extra = extra }))
	}
	for level := range 65 {
		all = append(all, record(func(r *pythonRecord) { r.Level = level }))
	}
	for _, message := range []string{"", " ", "\n", "a\n", "a\n\n", "日本語 🎉", "a\x00b", "\x1b[31mred\x1b[0m", "x\x1b[2Jy\x1b]0;title\x07", "\x01\x7f\u0085\u2028", "tab\tq\"b\\", "100%"} {
		for _, exception := range []string{"", "ValueError", "KeyError", "Refused", "chained"} {
			all = append(all, record(func(r *pythonRecord) {
				r.Message, r.Exception, r.ExceptionMessage = message, exception, "boom é"
			}))
		}
	}
	for _, message := range []string{"", "two\nlines", "ends\n", "日本", "\""} {
		all = append(all, record(func(r *pythonRecord) { r.Exception, r.ExceptionMessage = "Refused", message }))
	}
	for _, name := range []string{"", "root", "a.b", "日本", "with \"quotes\"\n"} {
		all = append(all, record(func(r *pythonRecord) { r.Name = name }))
	}
	for _, micros := range []int64{1, 999_999, 1_000_000, 946_684_799_999_999, 4_102_444_800_000_001} {
		all = append(all, record(func(r *pythonRecord) { r.Micros = micros }))
	}
	for _, unit := range []string{"x", "日", "🎉"} {
		all = append(all, record(func(r *pythonRecord) { r.Message = strings.Repeat(unit, 1_200_000/len(unit)) }))
	}
	all = append(all, record(func(r *pythonRecord) { r.Message = strings.Repeat("日", 250_000) }))
	return all
}

func generatedRecords(n int) []pythonRecord {
	random := rand.New(rand.NewPCG(5, 8))
	pick := func(choices ...string) string { return choices[random.IntN(len(choices))] }
	words := func() string {
		var b strings.Builder
		for range random.IntN(12) {
			b.WriteString(pick("word", " ", "\n", "日本", "é", "🎉", "\t", "\"", "\\", "\\n", "\\u0000", "{\"k\": 1}", "/", "<b>", "&", "\x01", "\x7f", "\r\n", "\u2028", "\ufeff", "\ufffd", "\U0010ffff", "\x1b[1;32m"))
		}
		return b.String()
	}
	var all []pythonRecord
	for range n {
		r := pythonRecord{
			Name: pick("prefect.flow_runs", "prefect.task_runs", "my.logger", words()+"x"), Level: 10 + random.IntN(50),
			Message: words(), Micros: 1_500_000_000_000_000 + random.Int64N(500_000_000_000_000), Extra: map[string]any{"flow_run_id": pick(flowA, flowB)},
		}
		if random.IntN(3) == 0 {
			r.Extra["task_run_id"] = pick(taskA, taskB)
		}
		if random.IntN(5) == 0 {
			r.Message, r.Args = strings.ReplaceAll(r.Message, "%", "")+" %s and %s", []string{pick("a", "é", "1"), pick("b", "\n", "")}
		}
		if random.IntN(4) == 0 {
			r.Exception, r.ExceptionMessage = pick("ValueError", "Refused", "chained"), words()
		}
		all = append(all, r)
	}
	return all
}
