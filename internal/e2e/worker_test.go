// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/servers"
)

// One worker runs both, as a start of Prefect's command line takes seconds. Nothing is configured but what Prefect sets.
func TestWhatAWorkerStartsLogsIntoItsOwnRun(t *testing.T) {
	eachWithWorkers(t, func(t *testing.T, s *servers.Server) {
		folder := flowFolder(t)
		pool := newPool(t, s)
		flow := schedule(t, s, pool, "deployed", object{
			"entrypoint": "flow.py:deployed", "path": folder,
			"parameters": object{"program": folder + "/worker"},
		})
		command := schedule(t, s, pool, "command", object{
			"job_variables": object{"command": workerProgram(t)},
		})
		output := client{folder: t.TempDir(), argv: []string{"prefect", "worker", "start", "--pool", pool, "--run-once"}}.run(t, s)
		defer func() {
			if t.Failed() {
				t.Logf("the worker said:\n%s", output)
			}
		}()

		t.Run("a program that a flow starts", func(t *testing.T) {
			readPage(t, s, flow).wantProgram(t, map[string][]line{"": linesOf("deployed")})
			wantPrefectsOwn(t, s, flow)
			env := childEnvironment(t, folder, "deployed")
			if diff := cmp.Diff(flow, env["PREFECT__FLOW_RUN_ID"]); diff != "" {
				t.Errorf("PREFECT__FLOW_RUN_ID (-want +got):\n%s", diff)
			}
			wantFromEnvironment(t, s, env, flow)
		})
		t.Run("a program that is the flow run's command", func(t *testing.T) {
			readPage(t, s, command).wantProgram(t, map[string][]line{"": linesOf("")})
		})
	})
}
