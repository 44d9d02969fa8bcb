// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package runlog_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/runlog"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

type fields = map[string]string

// described is a logger of Prefect's: its name, its fields, and those of a call with flow_name and n.
type described struct {
	Name   string
	Fields map[string]*string
	Call   map[string]*string
}

// known are the fields that say something; Prefect 3 has one that may be null.
func known(all map[string]*string) fields {
	known := fields{}
	for name, value := range all {
		if value != nil {
			known[name] = *value
		}
	}
	return known
}

// TestLoggersAreAsPrefects holds our loggers against those of each generation of Prefect.
func TestLoggersAreAsPrefects(t *testing.T) {
	t.Setenv(run.FlowRunIDVariable, "")
	names := []string{"", "a", "prefect.a", "prefect", "prefect.", "prefectlogs", "prefect.flow_runs", "a.b", "Prefect.a", " ", "prefect.prefect.a"}
	in, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	flowRun := run.Info{FlowRunID: flowA, FlowRunName: "tapir", FlowName: "orders", DeploymentName: "nightly"}
	taskRun := run.Info{FlowRunID: flowA, FlowRunName: "tapir", FlowName: "orders", TaskRunID: taskA, TaskRunName: "pack-0", TaskName: "pack"}
	noFlow := flowRun
	noFlow.FlowName = ""
	make := map[string]func(runlog.Loggers) (*slog.Logger, error){
		"flow run":                  func(l runlog.Loggers) (*slog.Logger, error) { return l.FlowRunLogger(flowRun) },
		"flow run without its flow": func(l runlog.Loggers) (*slog.Logger, error) { return l.FlowRunLogger(noFlow) },
		"task run":                  func(l runlog.Loggers) (*slog.Logger, error) { return l.TaskRunLogger(taskRun) },
		"task run alone": func(l runlog.Loggers) (*slog.Logger, error) {
			return l.TaskRunLogger(run.Info{FlowRunID: flowA, TaskRunID: taskA, TaskRunName: "pack-0"})
		},
		"given fields win": func(l runlog.Loggers) (*slog.Logger, error) {
			return l.FlowRunLogger(flowRun, slog.String("flow_run_name", "given"), slog.String("more", "m"))
		},
	}
	for _, version := range []servers.Version{servers.Prefect27, servers.Prefect220, servers.Prefect38} {
		t.Run(version.Exact(), func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), serverstest.Python(t, version), "testdata/loggers.py")
			cmd.Env = []string{"PREFECT_HOME=" + t.TempDir(), "HOME=" + t.TempDir()}
			cmd.Stdin = bytes.NewReader(in)
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var prefect struct {
				Names   fields
				Same    bool
				Loggers map[string]described
			}
			if err := json.Unmarshal(out, &prefect); err != nil {
				t.Fatalf("%v: %s", err, out)
			}

			loggers, records := newLoggers()
			got := fields{}
			for _, name := range names {
				loggers.Named(name).Info("")
				got[name] = records.last().Name
			}
			if diff := cmp.Diff(prefect.Names, got); diff != "" {
				t.Errorf("names (-Prefect +ours):\n%s", diff)
			}
			if same := loggers.Named("a") == loggers.Named("prefect.a") && loggers.Named("") == loggers.Named("") && loggers.Named("a") == loggers.Named("a"); same != prefect.Same {
				t.Errorf("the same name gives the same logger: %v, with Prefect %v", same, prefect.Same)
			}
			if len(prefect.Loggers) != len(make) {
				t.Fatalf("Prefect told of %d loggers", len(prefect.Loggers))
			}
			for name, want := range prefect.Loggers {
				wantFields, wantCall := known(want.Fields), known(want.Call)
				if version != servers.Prefect38 && want.Name == "prefect.flow_runs" { // only Prefect 3 has the field
					wantFields["deployment_name"], wantCall["deployment_name"] = "nightly", "nightly"
				}
				logger, err := make[name](loggers)
				if err != nil {
					t.Fatal(err)
				}
				logger.Info("")
				if diff := cmp.Diff(logged{want.Name, "", wantFields}, records.last()); diff != "" {
					t.Errorf("%s (-Prefect +ours):\n%s", name, diff)
				}
				logger.Info("", "flow_name", "of the call", "n", "1")
				if diff := cmp.Diff(logged{want.Name, "", wantCall}, records.last()); diff != "" {
					t.Errorf("%s, in a call (-Prefect +ours):\n%s", name, diff)
				}
			}
		})
	}
}
