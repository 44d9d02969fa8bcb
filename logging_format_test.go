// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/run"
)

func TestTheJSONFormatterOfTheAPIHandlerMakesMessagesJSON(t *testing.T) {
	text := strings.Replace(file, "formatters:", "formatters:\n  json: {class: prefect.logging.formatters.JsonFormatter, format: default}", 1)
	text = strings.Replace(text, "APILogHandler}", "APILogHandler, formatter: json}", 1)
	g := setupFile(t, text, nil)
	g.Logger("orders").InfoContext(run.NewContext(t.Context(), run.Info{FlowRunID: flowA}), "hello", "n", 5)
	g.stored(t)
	var message struct {
		Body       string
		Attributes map[string]any
	}
	if logs := g.server.Logs(); len(logs) != 1 || json.Unmarshal([]byte(logs[0].Message), &message) != nil || message.Body != "hello" || message.Attributes["n"] != 5.0 {
		t.Errorf("stored %+v", logs)
	}
}

func TestTheFormatOfMessagesIsThatOfTheHandlerOfRunLoggers(t *testing.T) {
	const head = `
version: 1
formatters:
  json: {class: prefect.logging.formatters.JsonFormatter, format: default}
  same: {format: "%(message)s"}
  wordy: {format: "%(name)s %(message)s"}
handlers:
  api: {class: prefect.logging.handlers.APILogHandler}
  api_json: {class: prefect.logging.handlers.APILogHandler, formatter: json}
  api_same: {class: prefect.logging.handlers.APILogHandler, formatter: same}
  api_wordy: {class: prefect.logging.handlers.APILogHandler, formatter: wordy}
  worker_api: {class: prefect.logging.handlers.WorkerAPILogHandler, formatter: json}
filters: {none: {name: nobody}}
`
	for name, tt := range map[string]struct {
		loggers string
		json    bool
		told    []string // parts of the notices
	}{
		"that of workers does not matter": {
			loggers: "prefect.workers: {handlers: [worker_api]}, prefect.flow_runs: {handlers: [api]}, prefect.task_runs: {handlers: [api]}",
		},
		"flow runs in JSON": {
			loggers: "prefect.flow_runs: {handlers: [api_json]}, prefect.task_runs: {handlers: [api_json]}", json: true,
		},
		"flow runs before task runs": {
			loggers: "prefect.flow_runs: {handlers: [api]}, prefect.task_runs: {handlers: [api_json]}",
			told:    []string{"logging.yml: handlers.api_json has another formatter than handlers.api, "},
		},
		"task runs alone": {
			loggers: "prefect.task_runs: {handlers: [api_json]}", json: true,
		},
		"JSON for a logger of one's own": {
			loggers: "prefect.flow_runs: {handlers: [api]}, app: {handlers: [api_json]}",
			told:    []string{"logging.yml: handlers.api_json has another formatter than handlers.api, "},
		},
		"two handlers on the way up": {
			loggers: "prefect.flow_runs: {handlers: [api_json]}, prefect: {handlers: [api]}", json: true,
			told: []string{"logging.yml: handlers.api has another formatter than handlers.api_json, "},
		},
		"what no record passes is not reached": {
			loggers: "prefect.flow_runs: {handlers: [api]}, prefect.task_runs: {handlers: [api_json], filters: [none]}",
		},
		"text that is the message alone": {
			loggers: "prefect.flow_runs: {handlers: [api_same]}, prefect.task_runs: {handlers: [api]}",
		},
		"text that says more": {
			loggers: "prefect.flow_runs: {handlers: [api]}, app: {handlers: [api_wordy]}",
			told:    []string{"logging.yml: handlers.api_wordy has a formatter of text; "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := setupFile(t, head+"loggers: {"+tt.loggers+"}\nroot: {level: INFO}", nil)
			ctx := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
			if strings.HasPrefix(tt.loggers, "prefect.task_runs") {
				ctx = run.NewContext(ctx, run.Info{TaskRunID: taskA})
			}
			g.Logger("orders").InfoContext(ctx, "hello")
			g.stored(t)
			if logs := g.server.Logs(); len(logs) != 1 || json.Valid([]byte(logs[0].Message)) != tt.json {
				t.Errorf("stored %+v", logs)
			}
			told := g.told.all()
			if !slices.EqualFunc(told, tt.told, strings.Contains) {
				t.Errorf("told %q, want %q", told, tt.told)
			}
		})
	}
}
