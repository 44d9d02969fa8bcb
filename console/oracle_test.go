// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/console"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// formatCase is a record and how it is to be laid out.
type formatCase struct {
	JSON    string            `json:"json"`
	Text    string            `json:"text"`
	Flow    string            `json:"flow"`
	Task    string            `json:"task"`
	Date    string            `json:"date"`
	Name    string            `json:"name"`
	Level   int               `json:"level"`
	Micros  int64             `json:"micros"`
	Message string            `json:"message"`
	Extra   map[string]string `json:"extra"`
}

// severities have the levels that they stand for.
var severities = map[int]otellog.Severity{10: 5, 20: 9, 21: 10, 30: 13, 40: 17, 50: 21}

func formatCases() (cases []formatCase) {
	add := func(f console.Format, c formatCase) {
		c.Text, c.Flow, c.Task, c.Date = f.Text, f.FlowRun, f.TaskRun, f.Date
		cases = append(cases, c)
	}
	base := formatCase{Name: "orders", Level: 20, Micros: 1_700_000_000_007_654, Message: "order received"}
	names := map[string]string{"flow_run_name": "merry-'fox'", "task_run_name": `say "hi"`}
	for _, name := range []string{"orders", "prefect.flow_runs", "prefect.task_runs"} {
		for level := range severities {
			c := base
			c.Name, c.Level, c.Extra = name, level, names
			for _, f := range []console.Format{console.Standard(), console.Simple(), {}, {Text: "%(levelname)s:%(name)s:%(message)s"}} {
				add(f, c)
			}
		}
	}
	for _, text := range []string{
		"%(levelname)-10s|%(levelname)10s|%(levelno)5d|%(levelno)-5d|%(levelno)05d|%(levelno)+d|%(levelno)x|%(levelno)o|%(message)s",
		"100%% %(message).5s %(message)20.3s|", "%(message)r %(name)r %(levelno)r", "%(levelno)s %(levelno).2f %(levelno)e",
		"%(asctime)s %(message)s", "%(asctime)-30s|%(asctime)10.4s|%(message)s", "%(msecs)03d %(msecs)d %(created).3f %(created)d %(message)s", "%(processName)s %(message)s",
		"%(own)s %(own)r", "%(message)a", "%(flow_run_name)20s|%(message)s", "%(message)c", "no field at all",
	} {
		c := base
		c.Extra = map[string]string{"flow_run_name": "fox"}
		if strings.Contains(text, "own") {
			c.Extra["own"] = "it's \\ \"quoted\""
		}
		add(console.Format{Text: text}, c)
	}
	for _, message := range []string{"", "two\nlines", "tab\there", "日本 é", "50%% of %(x)s", "it's", "it's \"both\"", "\\", "\u00a0nbsp \u200b"} {
		c := base
		c.Message = message
		add(console.Standard(), c)
		add(console.Format{Text: "%(message)r %(levelno)d"}, c)
	}
	for _, micros := range []int64{0, 1, 999_999, 951_782_400_000_000, 1_230_768_000_123_456, 1_704_067_199_999_999, 1_735_689_600_000_000, 4_102_444_800_000_000} {
		c := base
		c.Micros = micros
		add(console.Standard(), c)
		add(console.Format{Text: "%(asctime)s %(message)s"}, c)
		add(console.Format{Text: "%(asctime)s %(message)s", Date: "%a %A %b %B %h %c %C %d %D %e %F %g %G %H %I %j %m %M %n %p %r %R %S %s %t %T %u %U %V %w %W %x %X %y %Y %z %Z %% %q %Q %"}, c)
	}
	return cases
}

// lines lays a case out here.
func lines(t *testing.T, c formatCase, options ...console.Option) string {
	t.Helper()
	var attributes []attribute.KeyValue
	for key, v := range c.Extra {
		attributes = append(attributes, attribute.String(key, v))
	}
	format := console.Format{JSON: c.JSON, Text: c.Text, FlowRun: c.Flow, TaskRun: c.Task, Date: c.Date}
	var out bytes.Buffer
	e, err := console.New(append(options, console.WithWriter(&out), console.WithFormat(format))...)
	if err != nil {
		return "error: " + err.Error()
	}
	var record otellog.Record
	record.SetTimestamp(time.UnixMicro(c.Micros))
	record.SetSeverity(severities[c.Level])
	record.SetBody(attribute.StringValue(c.Message))
	record.AddAttributes(append(attributes, attribute.String("flow_run_id", flowA))...)
	emit(t, e, c.Name, record)
	return string(bytes.TrimSuffix(out.Bytes(), []byte("\n")))
}

func TestLinesAreLaidOutAsPrefectsFormatterLaysThemOut(t *testing.T) {
	before := time.Local // both have to be told, of a zone for which neither needs a file of the machine
	time.Local = time.FixedZone("IST", 5*3600+1800)
	defer func() { time.Local = before }()
	cases := formatCases()
	var in, stderr bytes.Buffer
	encoder := json.NewEncoder(&in)
	for _, c := range cases {
		if err := encoder.Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), serverstest.Python(t, servers.Prefect38), "testdata/format.py")
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "PYTHONUTF8=1", "DO_NOT_TRACK=1", "TZ=IST-5:30"}
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	refused := 0
	for _, c := range cases {
		var want string
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		got := lines(t, c)
		if strings.HasPrefix(want, "error: ") {
			refused++ // what Prefect cannot show is shown as text, see TestWhatASpecDoesNotFitIsShownAsText
			continue
		}
		if got != want {
			t.Errorf("%+v\nPrefect %q\nwe      %q", c, want, got)
		}
	}
	t.Logf("%d lines, of which Prefect cannot lay out %d", len(cases), refused)
	if refused > len(cases)/10 {
		t.Errorf("Prefect cannot lay out %d of %d: the cases say too little", refused, len(cases))
	}
}

// TestJSONHasTheMembersOfPrefects: of a record's members those that a Go program knows
// have the same names and values.
func TestJSONHasTheMembersOfPrefects(t *testing.T) {
	for _, format := range []string{"default", "pretty"} {
		c := formatCase{JSON: format, Name: "prefect.flow_runs", Level: 30, Micros: 1_700_000_000_007_654, Message: "it's <b> \"ü\"\n", Extra: map[string]string{
			"flow_run_name": "fox", "flow_name": "hunt", "own": "x",
		}}
		raw, _ := json.Marshal(c) // of texts and numbers it cannot fail
		cmd := exec.CommandContext(t.Context(), serverstest.Python(t, servers.Prefect38), "testdata/format.py")
		cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "PYTHONUTF8=1", "DO_NOT_TRACK=1"}
		cmd.Stdin = bytes.NewReader(raw)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var text string
		var want, got map[string]any
		if err := json.Unmarshal(out, &text); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err, text)
		}
		line := lines(t, c)
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err, line)
		}
		for _, key := range []string{"name", "msg", "levelname", "levelno", "exc_info", "created", "flow_run_name", "flow_name", "own", "severity"} {
			if want[key] != got[key] {
				t.Errorf("%s: %s is %v, in Prefect %v", format, key, got[key], want[key])
			}
		}
		if strings.Count(text, "\n  \"") > 1 != (strings.Count(line, "\n  \"") > 1) {
			t.Errorf("%s: laid out as\n%s\nin Prefect as\n%s", format, line, text)
		}
	}
}
