// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/run"
)

// tellVariable makes TestTellTheRun, in a process of its own, say which run that process is in.
const tellVariable = "PREFECTLOGS_TEST_TELL"

// TestTellTheRun is no test but what wantFromEnvironment runs.
func TestTellTheRun(t *testing.T) {
	if os.Getenv(tellVariable) == "" {
		return
	}
	info, err := run.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(info); err != nil {
		t.Fatal(err)
	}
}

// wantFromEnvironment checks that run.FromEnvironment, in a process with the environment of a program that a flow started
// which a worker had started, tells all that this generation's workers give to the process of a flow run.
func wantFromEnvironment(t *testing.T, s *servers.Server, env map[string]string, flowRun string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTellTheRun$")
	cmd.Env = []string{tellVariable + "=1"}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got run.Info
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := run.Info{FlowRunID: flowRun}
	if s.Row().Version == servers.Prefect38 {
		told := call[struct {
			FlowID       string `json:"flow_id"`
			DeploymentID string `json:"deployment_id"`
		}](t, s, "GET", "/flow_runs/"+flowRun, nil)
		named := func(path string) string {
			return call[struct {
				Name string `json:"name"`
			}](t, s, "GET", path, nil).Name
		}
		want.FlowID, want.FlowName = told.FlowID, named("/flows/"+told.FlowID)
		want.DeploymentID, want.DeploymentName = told.DeploymentID, named("/deployments/"+told.DeploymentID)
		want.WorkerName = got.WorkerName // which the worker gave itself
		if got.WorkerName == "" {
			t.Error("the worker's name is not told")
		}
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for name := range env {
		switch name {
		case run.FlowRunIDVariable, run.FlowIDVariable, run.FlowNameVariable, run.DeploymentIDVariable, run.DeploymentNameVariable, run.WorkerIDVariable, run.WorkerNameVariable:
		case "PREFECT__CONTROL_PORT", "PREFECT__CONTROL_TOKEN", "PREFECT__STORAGE_BASE_PATH", "PREFECT__FLOW_ENTRYPOINT", "PREFECT__ENABLE_CANCELLATION_AND_CRASHED_HOOKS":
			// of the runner, and no word about the run
		default:
			if strings.HasPrefix(name, "PREFECT__") || name == "TRACEPARENT" {
				t.Errorf("a worker of %s gives %s, which docs/runs.md does not know", s.Row(), name)
			}
		}
	}
}
