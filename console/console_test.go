// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/console"
	"github.com/prefectlogs/prefectlogs/run"
)

const (
	flowA = "11111111-2222-3333-4444-555555555555"
	taskA = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
)

func emit(t *testing.T, e *console.Exporter, logger string, record otellog.Record) {
	t.Helper()
	emitIn(t.Context(), e, logger, record)
}

func emitIn(ctx context.Context, e *console.Exporter, logger string, record otellog.Record) {
	sdklog.NewLoggerProvider(sdklog.WithProcessor(e)).Logger(logger).Emit(ctx, record)
}

// said is a record of a text.
func said(text string, attributes ...attribute.KeyValue) (r otellog.Record) {
	r.SetTimestamp(time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.Local))
	r.SetSeverity(otellog.SeverityInfo)
	r.SetBody(attribute.StringValue(text))
	r.AddAttributes(attributes...)
	return r
}

// in returns an exporter into a buffer.
func in(t *testing.T, out *bytes.Buffer, opts ...console.Option) *console.Exporter {
	t.Helper()
	e, err := console.New(append(opts, console.WithWriter(out))...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAStandardLineIsPrefects(t *testing.T) {
	run1 := run.Info{FlowRunID: flowA, FlowRunName: "merry-fox", TaskRunID: taskA, TaskRunName: "count-0"}
	for name, tt := range map[string]struct {
		ctx    context.Context
		logger string
		record otellog.Record
		want   string
	}{
		"of a logger":         {t.Context(), "orders", said("hello"), "03:04:05.006 | INFO    | orders - hello\n"},
		"with attributes":     {t.Context(), "orders", said("hello", attribute.Int("n", 5)), "03:04:05.006 | INFO    | orders - hello n=5\n"},
		"of a flow run":       {run.NewContext(t.Context(), run1), "prefect.flow_runs", said("hello"), "03:04:05.006 | INFO    | Flow run 'merry-fox' - hello\n"},
		"of a task run":       {run.NewContext(t.Context(), run1), "prefect.task_runs", said("hello"), "03:04:05.006 | INFO    | Task run 'count-0' - hello\n"},
		"of a run of no name": {t.Context(), "prefect.flow_runs", said("hello"), "03:04:05.006 | INFO    | Flow run '<unknown>' - hello\n"},
		"of a run by attributes": {
			t.Context(), "prefect.flow_runs", said("hello", attribute.String("prefect.flow_run.id", flowA), attribute.String("prefect.flow_run.name", "wise-owl")),
			"03:04:05.006 | INFO    | Flow run 'wise-owl' - hello\n",
		},
		"of another run than the context's": {
			run.NewContext(t.Context(), run1), "prefect.flow_runs", said("hello", attribute.String("prefect.flow_run.id", taskA)),
			"03:04:05.006 | INFO    | Flow run '<unknown>' - hello\n",
		},
		"not for Prefect": {t.Context(), "orders", said("hello", attribute.Bool("send_to_api", false)), "03:04:05.006 | INFO    | orders - hello send_to_api=false\n"},
		"with a secret":   {t.Context(), "orders", said("the key is pnu_abc", attribute.String("password", "x")), "03:04:05.006 | INFO    | orders - the key is *******\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			e := in(t, &out, console.WithSecrets("pnu_abc"))
			emitIn(tt.ctx, e, tt.logger, tt.record)
			got := out.String()
			if name == "with a secret" {
				got = strings.ReplaceAll(got, "****", "*")
				tt.want = strings.ReplaceAll(tt.want, "*******", "*")
			}
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestTheRunOfTheEnvironmentHasItsNames(t *testing.T) {
	var out bytes.Buffer
	e := in(t, &out, console.WithRun(run.Info{FlowRunID: flowA, FlowName: "hunt"}), console.WithFormat(console.Format{Text: "%(flow_run_id)s %(flow_name)s %(task_run_id)s %(message)s"}))
	emit(t, e, "orders", said("hello"))
	if got, want := out.String(), flowA+" hunt <unknown> hello\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatASpecDoesNotFitIsShownAsText(t *testing.T) {
	var out bytes.Buffer
	e := in(t, &out, console.WithFormat(console.Format{Text: "%(name)d %(nothing)5.1f %(thread)d %(message)s"}))
	emit(t, e, "orders", said("hello"))
	if got, want := out.String(), "orders <unknown> - hello\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAFieldCannotBreakTheLineOrShowASecret(t *testing.T) {
	var out bytes.Buffer
	e := in(t, &out, console.WithSecrets("pnu_abc", ""), console.WithFormat(console.Format{Text: "%(own)s %(message)s"}))
	emit(t, e, "orders", said("hello", attribute.String("own", "a\n\x1b[2Jpnu_abc")))
	if got := out.String(); !strings.HasPrefix(got, "a  [2J******** hello") {
		t.Errorf("got %q", got)
	}
}

func TestNothingIsPaintedWhereThereIsNoTerminal(t *testing.T) {
	var out bytes.Buffer
	emit(t, in(t, &out, console.WithColors(true)), "orders", said("hello"))
	if got := out.String(); strings.Contains(got, "\x1b") {
		t.Errorf("painted for a buffer: %q", got)
	}
}

func TestJSONLinesHoldTheWholeRecord(t *testing.T) {
	record := said("hello <b>", attribute.Int("n", 5), attribute.Float64("no number", math.NaN()), attribute.String("name", "taken"), attribute.String("api_key", "x"),
		attribute.String("exception.type", "ValueError"), attribute.String("exception.message", "bad"), attribute.String("exception.stacktrace", "line 1"),
		attribute.String("code.file.path", "/src/main.go"), attribute.Int("code.line.number", 12), attribute.String("code.function.name", "main.work"))
	ctx := run.NewContext(t.Context(), run.Info{FlowRunID: flowA, FlowRunName: "merry-fox", DeploymentName: "nightly", TaskRunID: taskA})
	var plain, pretty bytes.Buffer
	emitIn(ctx, in(t, &plain, console.WithFormat(console.JSON("default"))), "orders", record)
	emitIn(ctx, in(t, &pretty, console.WithFormat(console.JSON("pretty"))), "orders", record)
	if strings.Count(plain.String(), "\n") != 1 || !strings.HasPrefix(pretty.String(), "{\n  \"name\": \"orders\",\n  \"msg\": \"hello <b>\",\n") {
		t.Errorf("default %q, pretty %q", plain.String(), pretty.String())
	}
	var got, same map[string]any
	if err := errors.Join(json.Unmarshal(plain.Bytes(), &got), json.Unmarshal(pretty.Bytes(), &same)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, same); diff != "" {
		t.Errorf("default and pretty differ: %s", diff)
	}
	want := map[string]any{
		"name": "orders", "msg": "hello <b>", "message": "hello <b>", "levelname": "INFO", "levelno": 20.0, "severity": "INFO",
		"pathname": "/src/main.go", "filename": "main.go", "module": "main", "lineno": 12.0, "funcName": "main.work",
		"exc_info": map[string]any{"type": "ValueError", "message": "bad", "traceback": "line 1"}, "process": float64(os.Getpid()),
		"created": float64(record.Timestamp().UnixMicro()) / 1e6, "msecs": 6.0, "flow_run_id": flowA, "flow_run_name": "merry-fox", "flow_name": "<unknown>", "deployment_name": "nightly",
		"task_run_id": taskA, "task_run_name": "<unknown>", "task_name": "<unknown>", "n": 5.0, "name_": "taken",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnExceptionStandsBelowItsLine(t *testing.T) {
	var out bytes.Buffer
	emit(t, in(t, &out), "orders", said("it failed", attribute.String("exception.type", "ValueError"), attribute.String("exception.message", "oh my"),
		attribute.String("exception.stacktrace", "main.work()\n\tmain.go:12")))
	if got, want := out.String(), "03:04:05.006 | INFO    | orders - it failed\nValueError: oh my\nmain.work()\n\tmain.go:12\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestALongLineIsOneLine(t *testing.T) {
	var out bytes.Buffer
	emit(t, in(t, &out), "orders", said(strings.Repeat("x", 10_000)))
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, strings.Repeat("x", 10_000)+"\n") {
		t.Errorf("%d lines, %d bytes", strings.Count(got, "\n"), len(got))
	}
}

func TestALongRecordIsCutAndStaysJSON(t *testing.T) {
	var out bytes.Buffer
	emit(t, in(t, &out, console.WithFormat(console.JSON("default"))), "orders", said(strings.Repeat("x", 2_000_000)))
	var got struct{ Name, Msg string }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Name != "orders" || len(got.Msg) > 1_000_000 || len(got.Msg) < 900_000 {
		t.Errorf("%v: %s with %d bytes", err, got.Name, len(got.Msg))
	}
}

func TestBadOptionsAreErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		option console.Option
		want   string
	}{
		"JSON of another kind":  {console.WithFormat(console.JSON("fancy")), "the format of JSON is fancy; want default or pretty"},
		"JSON of no kind":       {console.WithFormat(console.JSON("")), "want default or pretty"},
		"a lone sign":           {console.WithFormat(console.Format{Text: "100% %(message)s"}), `"% %(message)s", which is no field`},
		"an unknown conversion": {console.WithFormat(console.Format{FlowRun: "%(message)y"}), "is no field"},
		"a field of a secret":   {console.WithFormat(console.Format{Text: "%(db_password)s"}), "speaks of a secret"},
		"a folder":              {console.WithFile(t.TempDir(), false), "cannot be opened"},
	} {
		if _, err := console.New(tt.option); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

func TestAFileIsAppendedToOrEmptied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	for i, want := range []string{"a\n", "a\na\n", "a\n"} {
		e, err := console.New(console.WithFile(path, i == 2), console.WithFormat(console.Format{}))
		if err != nil {
			t.Fatal(err)
		}
		emit(t, e, "orders", said("a"))
		if err := errors.Join(e.ForceFlush(t.Context()), e.Shutdown(t.Context()), e.Shutdown(t.Context())); err != nil {
			t.Error(err)
		}
		emit(t, e, "orders", said("too late"))
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("round %d: %q, want %q", i, got, want)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWhatCannotBeWrittenIsSaidOnce(t *testing.T) {
	var told []string
	e, err := console.New(console.WithWriter(broken{}), console.WithErrorHandler(func(err error) { told = append(told, err.Error()) }))
	if err != nil {
		t.Fatal(err)
	}
	emit(t, e, "orders", said("a"))
	emit(t, e, "orders", said("b"))
	if len(told) != 1 || !strings.Contains(told[0], "disk full") {
		t.Errorf("told %q", told)
	}
}

func TestConcurrentLinesStayWhole(t *testing.T) {
	var out bytes.Buffer
	e := in(t, &out, console.WithFormat(console.Format{}))
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(e))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				provider.Logger("x").Emit(t.Context(), said(strings.Repeat("y", 50)))
			}
		})
	}
	wg.Wait()
	for line := range strings.Lines(out.String()) {
		if line != strings.Repeat("y", 50)+"\n" {
			t.Fatalf("a broken line: %q", line)
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 800 {
		t.Errorf("%d lines, want 800", n)
	}
}

func TestItIsAnExporterToo(t *testing.T) {
	var out bytes.Buffer
	e := in(t, &out)
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(e)))
	provider.Logger("orders").Emit(t.Context(), said("hello"))
	if err := provider.Shutdown(t.Context()); err != nil || !strings.Contains(out.String(), "orders - hello") {
		t.Errorf("%v: %q", err, out.String())
	}
}

func TestAFieldShowsNoSecretOfAGroup(t *testing.T) {
	var out bytes.Buffer
	lines, err := console.New(console.WithWriter(&out), console.WithFormat(console.Format{Text: "%(db)s %(all)s %(message)s"}))
	if err != nil {
		t.Fatal(err)
	}
	logger := otelslog.NewLogger("n", otelslog.WithLoggerProvider(sdklog.NewLoggerProvider(sdklog.WithProcessor(lines))))
	logger.Info("connected", slog.Group("db", "host", "db1", "password", "hunter2"), "all", []any{map[string]any{"api_key": "hunter3", "user": "u"}})
	if got := out.String(); strings.Contains(got, "hunter") || !strings.Contains(got, "db1") {
		t.Errorf("%q", got)
	}
}
