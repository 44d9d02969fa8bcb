// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// oneFile is a logging.yml for a flow and the program that it starts.
const oneFile = `
version: 1
disable_existing_loggers: false
formatters:
  marked:
    (): prefect.logging.formatters.PrefectFormatter
    format: "MARK %(levelname)s %(name)s %(message)s"
    flow_run_fmt: "MARK %(levelname)s Flow run %(flow_run_name)r %(message)s"
    task_run_fmt: "MARK %(levelname)s Task run %(task_run_name)r %(message)s"
handlers:
  console: {level: 0, class: prefect.logging.handlers.PrefectConsoleHandler, formatter: marked}
  api: {level: 0, class: prefect.logging.handlers.APILogHandler}
loggers:
  prefect: {level: "${PREFECT_LOGGING_LEVEL}"}
  prefect.flow_runs: {level: NOTSET, handlers: [api]}
  prefect.task_runs: {level: NOTSET, handlers: [api]}
root: {level: WARNING, handlers: [console]}
`

// TestOneLoggingYMLGovernsAFlowAndItsProgram: what it keeps back of the flow's own lines, it keeps back of the program's.
func TestOneLoggingYMLGovernsAFlowAndItsProgram(t *testing.T) {
	t.Parallel()
	s := serverstest.Get(t, servers.Prefect38SQLite)
	folder := flowFolder(t)
	file := filepath.Join(folder, "logging.yml")
	if err := os.WriteFile(file, []byte(oneFile), 0o600); err != nil {
		t.Fatal(err)
	}
	output := client{folder: folder, argv: []string{"python", "flow.py"}, env: []string{
		"PREFECT_LOGGING_SETTINGS_PATH=" + file, "PREFECT_LOGGING_LEVEL=WARNING", "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL=ERROR",
	}}.run(t, s)
	flowRun := childEnvironment(t, folder, "flow")["PREFECT__FLOW_RUN_ID"]
	taskRun := childEnvironment(t, folder, "task")["PREFECT__TASK_RUN_ID"]
	p := readPage(t, s, flowRun)
	p.wantProgram(t, map[string][]line{"": linesOf("flow")[1:], taskRun: linesOf("task")[2:]})
	if len(p.prefect) > 0 {
		t.Errorf("the page has lines of the flow's own, by task run: %v", p.prefect)
	}
	var marked []string
	for text := range strings.Lines(output) {
		if text = strings.TrimSpace(text); strings.HasPrefix(text, "MARK ") {
			marked = append(marked, text)
		}
	}
	want := "MARK WARNING shop.worker stock is low left=2\nMARK ERROR shop.worker the printer is out of paper\nMARK ERROR shop.worker the printer is out of paper"
	if got := strings.Join(marked, "\n"); got != want || t.Failed() {
		t.Errorf("the console shows\n%s\nof\n%s", got, output)
	}
}
