// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// A program in a run that sends OTLP alone: what processor.NewRunAttributes stamps on its records brings them to
// its task run.
func TestARunStampedByAProgramIsFoundInTheCollector(t *testing.T) {
	s := serverstest.Get(t, servers.Prefect38SQLite)
	flow, task := newRun(t, s)
	c := run(t, otelcol(t), sample(t, "otlp.yaml"), []string{"PREFECT_API_URL=" + s.APIURL()})
	program := filepath.Join(t.TempDir(), "otlp")
	examples := filepath.Join(componentFolder(t), "..", "examples")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./otlp")
	build.Dir = examples
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "PREFECT_HOME=" + t.TempDir(), "PREFECT_API_URL=" + s.APIURL(),
		"PREFECT_LOGGING_TO_API_ENABLED=false", // its own exporter is not what is tested
		"PREFECT__FLOW_RUN_ID=" + flow, "PREFECT__TASK_RUN_ID=" + task,
		"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=" + c.otlp + "/v1/logs",
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	awaitStored(t, s, c, flow, 2)
	c.stop()
	logs, err := s.Logs(t.Context(), flow)
	if err != nil {
		t.Fatal(err)
	}
	if len(logs) != 2 {
		t.Fatalf("%d logs are stored, want 2\n%s", len(logs), c.said())
	}
	for i, want := range []string{"order received order=4711", `order refused error="out of paper"`} {
		if log := logs[i]; log.Message != want || log.Name != "shop.otlp" || log.TaskRunID != task {
			t.Errorf("log %d is %+v, want %q of task run %s", i, log, want, task)
		}
	}
}
