// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/contrib/bridges/otelslog"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// withFile are settings of a home with a logging.yml of the text; "" is none.
func withFile(t testing.TB, text string, values ...string) settings.Settings {
	t.Helper()
	home := t.TempDir()
	if text != "" {
		if err := os.WriteFile(filepath.Join(home, "logging.yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := settings.Load(settings.WithDirectory(t.TempDir()), settings.WithEnvironment(append(values, "PREFECT_HOME="+home)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// governed is a pipeline under a logging.yml.
type governed struct {
	*prefectlogs.Pipeline
	server *prefecttest.Server
	told   said
	lines  bytes.Buffer // of the console, if it is on
}

// setupFile sets a pipeline up under a logging.yml of the text, "" for none.
func setupFile(t testing.TB, text string, values []string, opts ...prefectlogs.Option) *governed {
	t.Helper()
	g := &governed{server: prefecttest.NewServer(t)}
	if text != "" {
		opts = append([]prefectlogs.Option{prefectlogs.WithConsole(&g.lines)}, opts...)
	}
	var err error
	g.Pipeline, err = prefectlogs.Setup(t.Context(), append([]prefectlogs.Option{
		prefectlogs.WithSettings(withFile(t, text, append(values, "PREFECT_API_URL="+g.server.URL())...)),
		prefectlogs.WithExporter(exporter.WithTransport(g.server.Transport())),
		prefectlogs.WithErrorHandler(g.told.handle),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Shutdown(context.Background()) })
	return g
}

// stored flushes, and returns what the server has as "name level message".
func (g *governed) stored(t *testing.T) (logs []string) {
	t.Helper()
	if err := g.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, l := range g.server.Logs() {
		logs = append(logs, l.Name+" "+settings.Level(l.Level).String()+" "+l.Message)
	}
	return logs
}

const file = `
version: 1
formatters:
  plain: {format: "%(levelname)s %(name)s %(message)s"}
handlers:
  console: {class: prefect.logging.handlers.PrefectConsoleHandler, formatter: plain}
  alarms: {class: logging.StreamHandler, formatter: plain, level: ERROR}
  api: {class: prefect.logging.handlers.APILogHandler}
loggers:
  prefect: {level: "$PREFECT_LOGGING_LEVEL"}
  prefect.flow_runs: {level: NOTSET, handlers: [api]}
  prefect.task_runs: {handlers: [api], level: ERROR}
  prefect.extra: {handlers: [api], propagate: false}
  noisy: {level: ERROR, handlers: [api]}
  screen: {level: DEBUG, handlers: [console], propagate: false}
  wire: {level: DEBUG, handlers: [api, alarms], propagate: false}
root: {level: WARNING, handlers: [console]}
`

func TestALoggingYMLGovernsWhatGoesWhere(t *testing.T) {
	g := setupFile(t, file, []string{"PREFECT_LOGGING_EXTRA_LOGGERS=mylib"})
	flow := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
	task := run.NewContext(flow, run.Info{TaskRunID: taskA})
	for _, name := range []string{"orders", "noisy", "noisy.sub", "screen", "wire", "mylib", "prefect"} {
		logger := g.Logger(name)
		logger.DebugContext(flow, "d")
		logger.InfoContext(flow, "i")
		logger.ErrorContext(flow, "e")
	}
	g.Logger("orders").InfoContext(task, "it")
	g.Logger("orders").ErrorContext(task, "et")
	want := []string{
		"mylib ERROR e", "noisy ERROR e", "noisy.sub ERROR e", "orders ERROR e", "orders ERROR et", "orders INFO i",
		"wire DEBUG d", "wire ERROR e", "wire INFO i",
	}
	got := g.stored(t)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	lines := strings.Split(strings.TrimSpace(g.lines.String()), "\n")
	want = []string{
		"INFO orders i", "ERROR orders e", "ERROR noisy e", "ERROR noisy.sub e", "DEBUG screen d", "INFO screen i", "ERROR screen e",
		"ERROR wire e", "ERROR mylib e", "INFO prefect i", "ERROR prefect e", "ERROR orders et",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("console (-want +got):\n%s", diff)
	}
	for name, least := range map[string]slog.Level{"orders": slog.LevelInfo, "noisy": slog.LevelError, "screen": slog.LevelDebug} {
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			if enabled := g.Logger(name).Enabled(flow, level); enabled != (level >= least) {
				t.Errorf("%s is enabled at %v: %v", name, level, enabled)
			}
		}
	}
	if g.Logger("orders").Enabled(task, slog.LevelWarn) {
		t.Error("a run logger is enabled at WARN within a task run")
	}
}

func TestAFilterThatLetsPrefectsRunLoggersPassLetsAllRunLoggersPass(t *testing.T) {
	text := strings.Replace(file, "APILogHandler}", "APILogHandler, filters: [only]}\nfilters: {only: {name: prefect}}", 1)
	g := setupFile(t, text, nil)
	flow := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
	for _, name := range []string{"orders", "prefect.flow_runs", "wire"} { // an entry names wire: it is judged by its own name
		g.Logger(name).InfoContext(flow, "i")
	}
	if diff := cmp.Diff([]string{"orders INFO i", "prefect.flow_runs INFO i"}, g.stored(t)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestOverridesOfTheEnvironmentHoldWithAndWithoutAFile(t *testing.T) {
	for name, text := range map[string]string{"a file": file, "none": ""} {
		t.Run(name, func(t *testing.T) {
			g := setupFile(t, text, []string{"PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL=ERROR", "PREFECT_LOGGING_LEVEL=DEBUG"})
			flow := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
			g.Logger("orders").InfoContext(flow, "i")
			g.Logger("orders").ErrorContext(flow, "e")
			if diff := cmp.Diff([]string{"orders ERROR e"}, g.stored(t)); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithoutAFileEveryLoggerIsSentAndTheConsoleIsOff(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = write
	defer func() { os.Stderr = stderr }()
	g := setupFile(t, "", nil)
	flow := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
	for _, name := range []string{"orders", "prefect.etl", "prefect.flow_runs", "github.com/acme/x"} {
		g.Logger(name).DebugContext(flow, "d")
		g.Logger(name).InfoContext(flow, "i")
	}
	want := []string{"orders INFO i", "prefect.etl INFO i", "prefect.flow_runs INFO i", "github.com/acme/x INFO i"}
	if diff := cmp.Diff(want, g.stored(t)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	_ = write.Close()
	var printed bytes.Buffer
	if _, err := printed.ReadFrom(read); err != nil || printed.Len() > 0 {
		t.Errorf("%v: printed %q", err, printed.String())
	}
}

func TestALoggerThatPrefectsFileSendsNowhereIsTold(t *testing.T) {
	g := setupFile(t, "", nil)
	logger := g.Logger("prefect.client")
	flow := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
	if logger.Enabled(flow, slog.LevelError) {
		t.Error("a logger that goes nowhere is enabled")
	}
	logger.ErrorContext(flow, "e")
	if all := g.told.all(); len(all) != 1 || !strings.Contains(all[0], `"prefect.client" go nowhere`) {
		t.Errorf("told %q", all)
	}
}

func TestWithConsoleTurnsTheConsoleOnAndOff(t *testing.T) {
	var lines bytes.Buffer
	flow := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
	g := setupFile(t, "", []string{"PREFECT_API_KEY=pnu_hidden"}, prefectlogs.WithConsole(&lines))
	g.Logger("orders").InfoContext(flow, "hello pnu_hidden")
	if got := lines.String(); !strings.HasSuffix(got, " | INFO    | orders - hello ********\n") {
		t.Errorf("printed %q", got)
	}
	off := setupFile(t, file, nil, prefectlogs.WithConsole(nil))
	off.Logger("screen").ErrorContext(flow, "hello")
	if off.Logger("screen").Enabled(flow, slog.LevelError) {
		t.Error("a logger of the console alone is enabled, and the console is off")
	}
}

func TestTheConsoleMasksWhatOptionsAndHeadersHoldToo(t *testing.T) {
	for name, tt := range map[string]struct {
		values []string
		opt    exporter.Option
	}{
		"a key of an option":    {nil, exporter.WithAPIKey("pnu_hidden")},
		"a header":              {[]string{`PREFECT_CLIENT_CUSTOM_HEADERS={"X-Api-Key":"pnu_hidden","X-Team":"data"}`}, exporter.WithMaxLogSize(5000)},
		"a header of an option": {nil, exporter.WithHeaders(map[string]string{"Authorization": "Bearer pnu_hidden"})},
	} {
		t.Run(name, func(t *testing.T) {
			var lines bytes.Buffer
			g := setupFile(t, "", tt.values, prefectlogs.WithConsole(&lines), prefectlogs.WithExporter(tt.opt))
			g.Logger("orders").Info("database pnu_hidden")
			if got := lines.String(); !strings.HasSuffix(got, " orders - database ********\n") {
				t.Errorf("printed %q", got)
			}
		})
	}
}

func TestALoggingYMLChoosesTheStream(t *testing.T) {
	for class, want := range map[string]**os.File{
		"logging.StreamHandler": &os.Stderr, "prefect.logging.handlers.PrefectConsoleHandler, stream: ext://sys.stdout": &os.Stdout,
	} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		before := *want
		*want = write
		p, err := prefectlogs.Setup(t.Context(), prefectlogs.WithErrorHandler(new(said).handle),
			prefectlogs.WithSettings(withFile(t, "version: 1\nhandlers: {h: {class: "+class+"}}\nroot: {level: INFO, handlers: [h]}")))
		*want = before
		if err != nil {
			t.Fatal(err)
		}
		p.Logger("orders").Info("hello")
		_ = write.Close()
		var printed bytes.Buffer
		if _, err := printed.ReadFrom(read); err != nil || printed.String() != "hello\n" {
			t.Errorf("%s: %v, %q", class, err, printed.String())
		}
	}
}

func TestALoggerIsSwitchedOffByTheFile(t *testing.T) {
	g := setupFile(t, strings.Replace(file, "loggers:\n", "loggers:\n  quiet: {handlers: [], propagate: false}\n", 1), nil)
	quiet := g.Logger("quiet.sub")
	quiet.Error("e")
	if quiet.Enabled(t.Context(), slog.LevelError) || len(g.stored(t)) > 0 || g.lines.Len() > 0 || len(g.told.all()) > 0 {
		t.Errorf("stored %q, printed %q, told %q", g.stored(t), g.lines.String(), g.told.all())
	}
}

func TestTheConsoleWorksWithoutAServer(t *testing.T) {
	var lines bytes.Buffer
	var told said
	p, err := prefectlogs.Setup(t.Context(), prefectlogs.WithSettings(withFile(t, file)), prefectlogs.WithConsole(&lines), prefectlogs.WithErrorHandler(told.handle))
	if err != nil {
		t.Fatal(err)
	}
	p.Logger("orders").Info("hello")
	p.Logger("wire").Info("for Prefect alone")
	if err := p.Shutdown(t.Context()); err != nil || lines.String() != "INFO orders hello\n" {
		t.Errorf("%v: %q", err, lines.String())
	}
}

func TestAnAPIHandlerOfTwoLoggersStoresARecordOnce(t *testing.T) {
	g := setupFile(t, file, []string{"PREFECT_LOGGING_ROOT_HANDLERS=api"})
	g.Logger("orders").ErrorContext(run.NewContext(t.Context(), run.Info{FlowRunID: flowA}), "e")
	if got := g.stored(t); len(got) != 1 {
		t.Errorf("stored %q", got)
	}
}

func TestSetupRefusesABadLoggingYML(t *testing.T) {
	for text, want := range map[string]string{
		"version: 1\nroot: {level: loud}": "root.level: want a number",
		"version: 1\n# $PREFECT_NOTHING":  "logging.yml:2: $PREFECT_NOTHING: Prefect 3 has no such setting",
		"version: 1\nroot: [":             "is no YAML",
		"version: 1\nformatters: {f: {format: \"100% %(message)s\"}}\nhandlers: {h: {class: logging.StreamHandler, formatter: f}}\nroot: {handlers: [h]}": "handlers.h: console: the format has",
		"version: 1\nfilters: {f: {(): my.Filter}}\nroot: {filters: [f]}":                                                                                 "my.Filter",
	} {
		_, err := prefectlogs.Setup(t.Context(), prefectlogs.WithSettings(withFile(t, text, "PREFECT_API_URL=http://127.0.0.1:1/api")))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot %v, want %s", text, err, want)
		}
	}
}

func TestNoticesOfALoggingYMLAreTold(t *testing.T) {
	text := strings.Replace(file, "handlers:\n", "handlers:\n  slack: {class: mine.Slack}\n", 1)
	text = strings.Replace(text, "root: {level: WARNING, handlers: [console]}", "root: {level: WARNING, handlers: [console, slack]}", 1)
	g := setupFile(t, text, nil)
	if all := g.told.all(); len(all) != 1 || !strings.Contains(all[0], "handlers.slack is of class mine.Slack") {
		t.Errorf("told %q", all)
	}
	g = setupFile(t, "", []string{"PREFECT_LOGGING_CONFIG_PATH=/nowhere/logging.yml"})
	if all := g.told.all(); len(all) != 1 || !strings.Contains(all[0], "names a file that is not there") {
		t.Errorf("told %q", all)
	}
}

func TestExporterAndProcessorAloneNeverFilter(t *testing.T) {
	server := prefecttest.NewServer(t)
	exp, err := exporter.New(t.Context(), exporter.WithSettings(withFile(t, file, "PREFECT_API_URL="+server.URL(), "PREFECT_LOGGING_LEVEL=ERROR")), exporter.WithTransport(server.Transport()))
	if err != nil {
		t.Fatal(err)
	}
	batch, err := processor.NewBatch(exp)
	if err != nil {
		t.Fatal(err)
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(batch))
	otelslog.NewLogger("noisy", otelslog.WithLoggerProvider(provider)).DebugContext(run.NewContext(t.Context(), run.Info{FlowRunID: flowA}), "d")
	if err := batch.Shutdown(t.Context()); err != nil || len(server.Logs()) != 1 {
		t.Errorf("%v: stored %d logs, want 1", err, len(server.Logs()))
	}
}

func TestPipelinesOfEqualSettingsShareNothingAndAreFlushedTogether(t *testing.T) {
	server := prefecttest.NewServer(t)
	told := new(said)
	one := setup(t, server, told, "PREFECT_LOGGING_TO_API_BATCH_INTERVAL=1000")
	two := setup(t, server, told, "PREFECT_LOGGING_TO_API_BATCH_INTERVAL=1000")
	flow := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
	if requests := server.Requests(); len(requests) > 0 {
		t.Errorf("the server was reached for before there was a record: %v", requests)
	}
	one.Logger("one").InfoContext(flow, "1")
	two.Logger("two").InfoContext(flow, "2")
	if err := prefectlogs.FlushAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(server.Logs()); n != 2 {
		t.Errorf("stored %d logs after FlushAll, want 2", n)
	}
	if err := one.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	one.Logger("one").InfoContext(flow, "too late")
	two.Logger("two").InfoContext(flow, "3")
	if err := prefectlogs.FlushAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := one.Shutdown(t.Context()); err != nil {
		t.Errorf("a second Shutdown: %v", err)
	}
	if one.Logger("one").Enabled(flow, slog.LevelError) {
		t.Error("a logger of a pipeline that was shut down is enabled")
	}
	if n := len(server.Logs()); n != 3 || two.Stats().Stored != 2 || one.Stats().Stored != 1 {
		t.Errorf("stored %d logs, by one %v, by two %v", n, one.Stats(), two.Stats())
	}
}

func TestWhatIsDeniedIsDeniedOnTheConsoleToo(t *testing.T) {
	s, err := settings.Load(settings.WithoutFiles(), settings.WithEnvironment(nil))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	pipeline, err := prefectlogs.Setup(t.Context(), prefectlogs.WithSettings(s), prefectlogs.WithConsole(&out), prefectlogs.WithErrorHandler(func(error) {}),
		prefectlogs.WithExporter(exporter.WithDeniedAttributes("*email*")))
	if err != nil {
		t.Fatal(err)
	}
	pipeline.Logger("orders").Info("signed in", "email", "a@b.c", "id", 7)
	if err := pipeline.Shutdown(t.Context()); err != nil || strings.Contains(out.String(), "a@b.c") || !strings.Contains(out.String(), "id=7") {
		t.Errorf("%q, %v", out.String(), err)
	}
}
