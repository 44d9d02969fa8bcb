// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package dictconfig_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/dictconfig"
	"github.com/prefectlogs/prefectlogs/settings"
)

// load reads the text of a logging.yml, by the settings and overrides given.
func load(t *testing.T, text string, environ ...string) settings.Logging {
	t.Helper()
	path := filepath.Join(t.TempDir(), "logging.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := settings.LoadLogging(path, settings.WithoutFiles(), settings.WithEnvironment(environ))
	if err != nil {
		t.Fatal(err)
	}
	l.File = "logging.yml"
	return l
}

// understood is a configuration of the text.
func understood(t *testing.T, text string, environ ...string) *dictconfig.Config {
	t.Helper()
	c, err := dictconfig.New(load(t, text, environ...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const handlers = `
version: 1
handlers:
  console: {class: prefect.logging.handlers.PrefectConsoleHandler}
  api: {class: prefect.logging.handlers.APILogHandler}
`

// TestNamesThatNoEntryStandsForAreRunLoggers: how the hierarchy and the levels
// work is held against Prefect's Python in package settings.
func TestNamesThatNoEntryStandsForAreRunLoggers(t *testing.T) {
	c := understood(t, handlers+`
loggers:
  prefect: {level: INFO}
  prefect.flow_runs: {handlers: [api]}
  prefect.task_runs: {handlers: [api], level: ERROR}
  app.db: {level: DEBUG}
`, "PREFECT_LOGGING_EXTRA_LOGGERS=extra")
	for _, tt := range []struct {
		name       string
		flow, task string
	}{
		{"orders", dictconfig.FlowRuns, dictconfig.TaskRuns},
		{"", dictconfig.FlowRuns, dictconfig.TaskRuns},
		{"app", dictconfig.FlowRuns, dictconfig.TaskRuns},
		{"app.dbx", dictconfig.FlowRuns, dictconfig.TaskRuns},
		{"prefect.etl", dictconfig.FlowRuns, dictconfig.TaskRuns},
		{"prefect", "prefect", "prefect"},
		{"prefect.flow_runs", dictconfig.FlowRuns, dictconfig.FlowRuns},
		{"app.db", "app.db", "app.db"},
		{"app.db.pool", "app.db.pool", "app.db.pool"},
		{"extra.sub", "extra.sub", "extra.sub"},
		{"prefect.task_runs", dictconfig.TaskRuns, dictconfig.TaskRuns},
	} {
		if flow, task := c.Stands(tt.name, false), c.Stands(tt.name, true); flow != tt.flow || task != tt.task {
			t.Errorf("%q: %s in a flow run and %s in a task run, want %s and %s", tt.name, flow, task, tt.flow, tt.task)
		}
	}
	without := understood(t, handlers+"loggers: {prefect: {}, prefect.flow_runs: {handlers: [api], level: DEBUG}}")
	for _, name := range []string{dictconfig.TaskRuns, dictconfig.TaskRuns + ".sub"} {
		if stands := without.Stands(name, false); stands != name {
			t.Errorf("%s, which no entry names, is taken for %s", name, stands)
		}
	}
	if routes := c.Routes("orders"); routes.Flow.API != 20 || routes.Task.API != 40 {
		t.Errorf("orders reaches the API from level %d in a flow run and %d in a task run, want 20 and 40", routes.Flow.API, routes.Task.API)
	}
	if routes := c.Routes("app.db"); routes.Flow != routes.Task {
		t.Error("app.db has two answers that are the same")
	}
}

func TestAHandlerOfTwoLoggersIsReachedOnce(t *testing.T) {
	c := understood(t, handlers+"loggers: {prefect.flow_runs: {handlers: [console]}}\nroot: {level: INFO, handlers: [console]}")
	if route := c.Routes("orders").Flow; len(route.Lines) != 1 {
		t.Errorf("reaches %d handlers, want 1", len(route.Lines))
	}
}

func TestWhatGoHasNotIsTold(t *testing.T) {
	c := understood(t, `
version: 1
filters: {odd: {class: mine.Filter}}
formatters:
  logfmt: {class: mine.Logfmt, format: "%(message)s"}
  braces: {style: "{", format: "{message}"}
handlers:
  slack: {class: mine.Slack, webhook: x}
  unused: {class: mine.Other}
  elsewhere: {class: logging.StreamHandler, stream: "ext://mine.stream"}
  console: {class: logging.StreamHandler, formatter: logfmt, filters: [odd]}
  other: {class: logging.StreamHandler, formatter: braces}
loggers: {prefect: {propagate: "false"}}
root: {level: INFO, handlers: [slack, console, other, elsewhere]}
`)
	want := []string{
		"logging.yml: filters.odd has a class, which Python passes over: every record passes; a class of filters stands under ()",
		`logging.yml: loggers.prefect.propagate is the text "false", which Python takes for true whatever it says`,
		"logging.yml: formatters.logfmt: class mine.Logfmt is not one that a Go program has; its format alone holds",
		"logging.yml: handlers.elsewhere is of class logging.StreamHandler on ext://mine.stream, which a Go program does not have; it is left out",
		"logging.yml: formatters.braces: of the styles only % can be read here; the format of Prefect's standard holds",
		"logging.yml: handlers.slack is of class mine.Slack, which a Go program does not have; it is left out",
	}
	if diff := cmp.Diff(want, c.Notices); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	if route := c.Routes("orders").Flow; len(route.Lines) != 2 || route.API != dictconfig.Never {
		t.Errorf("reaches %d handlers and the API from %d", len(route.Lines), route.API)
	}
}

func TestEveryProblemIsAnErrorThatNamesItsPlace(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"no version":           {"root: {}", "logging.yml: version: is missing"},
		"another version":      {"version: 2", "version: want the number 1"},
		"incremental":          {"version: 1\nincremental: true", "incremental: cannot be true"},
		"a level in words":     {"version: 1\nroot: {level: loud}", "root.level: want a number, or NOTSET"},
		"a level of a handler": {"version: 1\nhandlers: {h: {class: logging.NullHandler, level: 1.5}}", "handlers.h.level: want"},
		"a missing handler":    {"version: 1\nloggers: {a.b: {handlers: [h]}}", `loggers.a.b.handlers: there is no handler "h"`},
		"a missing formatter":  {"version: 1\nhandlers: {h: {class: logging.StreamHandler, formatter: f}}", `handlers.h.formatter: there is no formatter "f"`},
		"a missing filter":     {"version: 1\nroot: {filters: [f]}", `root.filters: there is no filter "f"`},
		"no class":             {"version: 1\nhandlers: {h: {level: 1}}", "handlers.h.class: is missing"},
		"handlers in a text":   {"version: 1\nroot: {handlers: 'api,console'}", "root.handlers: want a list of names, as [a, b]"},
		"a number of handlers": {"version: 1\nroot: {handlers: 1}", "root.handlers: want a list of names"},
		"a name with a blank":  {handlers + "root: {handlers: [api, ' console']}", `root.handlers: there is no handler " console"`},
		"no table":             {"version: 1\nloggers: {a: 1}", "loggers.a: want a table"},
		"no tables":            {"version: 1\nloggers: [a]", "loggers: want a table"},
		"an unknown key":       {"version: 1\nhandlers: {h: {class: prefect.logging.handlers.APILogHandler, stream: x}}", "handlers.h.stream: is nothing that class"},
		"another stream":       {"version: 1\nhandlers: {h: {class: logging.StreamHandler, stream: stderr}}", "handlers.h.stream: want ext://sys.stderr"},
		"no file":              {"version: 1\nhandlers: {h: {class: logging.FileHandler}}", "handlers.h.filename: want the path"},
		"another mode":         {"version: 1\nhandlers: {h: {class: logging.FileHandler, filename: x, mode: x}}", "handlers.h.mode: want a or w"},
		"JSON of another kind": {"version: 1\nformatters: {j: {class: prefect.logging.formatters.JsonFormatter, format: fancy}}", "formatters.j.format: want default or pretty"},
		"no field":             {"version: 1\nformatters: {f: {format: plain}}", "formatters.f.format: has no field"},
		"a filter in Python": {
			"version: 1\nfilters: {f: {(): mine.Secrets}}\nhandlers: {h: {class: prefect.logging.handlers.APILogHandler, filters: [f]}}\nroot: {handlers: [h]}",
			`handlers.h.filters: filter "f" is of class mine.Secrets`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := dictconfig.New(load(t, tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestFormatsAndTargetsAreRead(t *testing.T) {
	c := understood(t, `
version: 1
formatters:
  standard: {(): prefect.logging.formatters.PrefectFormatter, format: "a %(message)s", flow_run_fmt: "f %(message)s", task_run_fmt: "t %(message)s", datefmt: "%H"}
  json: {class: prefect.logging.formatters.JsonFormatter, format: pretty}
handlers:
  console: {class: prefect.logging.handlers.PrefectConsoleHandler, formatter: standard, level: INFO, styles: {log.x: red}}
  out: {class: logging.StreamHandler, stream: "ext://sys.stdout", formatter: json}
  file: {class: logging.FileHandler, filename: /tmp/x, mode: w}
root: {handlers: [console, out, file]}
`)
	type read struct {
		Name, Path, Text, Flow, Task, Date, JSON string
		Stdout, Colors, Truncate                 bool
		Level                                    int
	}
	var got []read
	for _, h := range c.Handlers {
		f := h.Format
		got = append(got, read{h.Name, h.Path, f.Text, f.FlowRun, f.TaskRun, f.Date, f.JSON, h.Stdout, h.Colors, h.Truncate, h.Level})
	}
	want := []read{
		{Name: "console", Text: "a %(message)s", Flow: "f %(message)s", Task: "t %(message)s", Date: "%H", Colors: true, Level: 20},
		{Name: "file", Path: "/tmp/x", Truncate: true},
		{Name: "out", JSON: "pretty", Stdout: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func BenchmarkRoutes(b *testing.B) {
	l, err := settings.LoadLogging("", settings.WithoutFiles(), settings.WithEnvironment(nil))
	if err != nil {
		b.Fatal(err)
	}
	c, err := dictconfig.New(l)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c.Routes("github.com/acme/orders")
	}
}
