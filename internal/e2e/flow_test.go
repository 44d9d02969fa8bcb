// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

func TestAFlowThatIsCalledPassesItsRunOn(t *testing.T) {
	eachWithWorkers(t, func(t *testing.T, s *servers.Server) {
		folder := flowFolder(t)
		output := client{folder: folder, argv: []string{"python", "flow.py"}}.run(t, s)
		flowRun, taskRun := wantOrders(t, s, folder, output)
		wantPrefectsOwn(t, s, flowRun, taskRun)
	})
}

func TestAFlowThatIsServedPassesItsRunOn(t *testing.T) {
	eachWithWorkers(t, func(t *testing.T, s *servers.Server) {
		folder := flowFolder(t)
		name := unique("served")
		serve := client{
			folder: folder,
			argv:   []string{"python", "-c", "import sys, flow; flow.orders.serve(name=sys.argv[1])", name},
			env:    []string{"PREFECT_RUNNER_POLL_FREQUENCY=1"}, // seconds; the default is 10
		}
		flowRun := ""
		output := serve.serve(t, s,
			step{regexp.MustCompile("is being served"), func() {
				id := call[created](t, s, "GET", "/deployments/name/orders/"+name, nil).ID
				flowRun = call[created](t, s, "POST", "/deployments/"+id+"/create_flow_run", object{}).ID
			}},
			step{regexp.MustCompile("Flow run .* Finished in state Completed"), func() {}},
		)
		if got, _ := wantOrders(t, s, folder, output); got != flowRun {
			t.Errorf("the lines stand in run %s, want %s", got, flowRun)
		}
	})
}

// wantOrders checks what the flow called orders leaves, and gives its runs: a program that the flow starts logs into the flow's
// run, one that its task starts, into the task run.
func wantOrders(t *testing.T, s *servers.Server, folder, output string) (flowRun, taskRun string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("the flow said:\n%s", output)
		}
	}()
	flow, task := childEnvironment(t, folder, "flow"), childEnvironment(t, folder, "task")
	flowRun, taskRun = flow["PREFECT__FLOW_RUN_ID"], task["PREFECT__TASK_RUN_ID"]
	wantTaskOf(t, s, flowRun, taskRun)
	readPage(t, s, flowRun).wantProgram(t, map[string][]line{"": linesOf("flow"), taskRun: linesOf("task")})
	if trace := flow["TRACEPARENT"] + task["TRACEPARENT"]; trace != "" {
		t.Errorf("a flow that is not traced passed on trace %q", trace)
	}
	return flowRun, taskRun
}

// wantPrefectsOwn looks for the lines that Prefect's own client has logged by the end of a flow's process: they show whose the
// runs are.
func wantPrefectsOwn(t *testing.T, s *servers.Server, flowRun string, taskRuns ...string) {
	t.Helper()
	got := readPage(t, s, flowRun).prefect
	for _, run := range append(taskRuns, "") {
		if got[run] == 0 {
			t.Errorf("run %s has no line of Prefect's own for task run %q, so it is another run: %v", flowRun, run, got)
		}
	}
}

// wantTaskOf asks the server whether the task run is the one of the flow run.
func wantTaskOf(t *testing.T, s *servers.Server, flowRun, taskRun string) {
	t.Helper()
	var tasks []created
	// Prefect 3 learns of a task run by an event, which a server that is busy gets to later.
	for deadline := time.Now().Add(limit); len(tasks) == 0 && time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		tasks = call[[]created](t, s, "POST", "/task_runs/filter", object{"task_runs": object{"flow_run_id": object{"any_": []string{flowRun}}}})
	}
	if len(tasks) != 1 || tasks[0].ID != taskRun {
		t.Errorf("run %s has task runs %v, want one, %s", flowRun, tasks, taskRun)
	}
}

// readmeBlocks are the blocks of Python in the README: the lines that pass the ids on, and those that pass the trace on.
func readmeBlocks(t *testing.T) (ids, trace string) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for rest := string(readme); ; {
		_, after, found := strings.Cut(rest, "```python\n")
		if !found {
			break
		}
		block, after, _ := strings.Cut(after, "```")
		blocks, rest = append(blocks, block), after
	}
	if len(blocks) != 2 {
		t.Fatalf("the README has %d blocks of Python, want 2", len(blocks))
	}
	return blocks[0], blocks[1]
}

func TestTheLinesOfTheReadmePassTheRunOn(t *testing.T) {
	eachWithWorkers(t, func(t *testing.T, s *servers.Server) {
		ids, _ := readmeBlocks(t)
		folder := flowFolder(t)
		output := callTask(t, s, folder, "", ids)
		wantTask(t, s, folder, output)
	})
}

// Prefect traces runs since 3.1.6, if the program has set a tracer provider.
func TestTheLinesOfTheReadmePassTheTraceOn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, setup string
		traced      bool
	}{
		{"where a tracer provider is set", "from opentelemetry import trace\n" +
			"from opentelemetry.sdk.trace import TracerProvider\n" +
			"trace.set_tracer_provider(TracerProvider())\n", true},
		{"and nothing where none is set", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := serverstest.Get(t, servers.Prefect38SQLite)
			ids, trace := readmeBlocks(t)
			imports, start := ids, ""
			if at := strings.Index(ids, "subprocess.run"); at >= 0 {
				imports, start = ids[:at], ids[at:]
			}
			folder := flowFolder(t)
			output := callTask(t, s, folder, test.setup, imports+trace+start)
			env := wantTask(t, s, folder, output)

			labels := call[struct {
				Labels map[string]string `json:"labels"`
			}](t, s, "GET", "/flow_runs/"+env["PREFECT__FLOW_RUN_ID"], nil).Labels
			// "00-TRACE-SPAN-FLAGS": the task's span is another than the flow's, in the same trace.
			flow, task := strings.Split(labels["__OTEL_TRACEPARENT"], "-"), strings.Split(env["TRACEPARENT"], "-")
			switch {
			case !test.traced && (len(flow) != 1 || len(task) != 1):
				t.Errorf("without a provider the flow has trace %q and passed on %q", flow, task)
			case test.traced && (len(flow) != 4 || len(task) != 4 || flow[1] != task[1] || flow[2] == task[2]):
				t.Errorf("the flow's trace is %q, passed on was %q", flow, task)
			}
		})
	}
}

// callTask calls a flow with a task that consists of a block of Python.
func callTask(t *testing.T, s *servers.Server, folder, setup, block string) (output string) {
	t.Helper()
	var script strings.Builder
	script.WriteString(setup + "import os, subprocess\nfrom prefect import flow, task\n@task\ndef work():\n")
	for l := range strings.Lines(block) {
		script.WriteString("    " + l)
	}
	script.WriteString("@flow\ndef called():\n    work()\ncalled()\n")
	if err := os.WriteFile(filepath.Join(folder, "called.py"), []byte(script.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return client{folder: folder, argv: []string{"python", "called.py"}}.run(t, s)
}

// wantTask checks that the program that the task started has logged into the task run, and gives its environment.
func wantTask(t *testing.T, s *servers.Server, folder, output string) map[string]string {
	t.Helper()
	env := childEnvironment(t, folder, "alone")
	flowRun, taskRun := env["PREFECT__FLOW_RUN_ID"], env["PREFECT__TASK_RUN_ID"]
	wantTaskOf(t, s, flowRun, taskRun)
	readPage(t, s, flowRun).wantProgram(t, map[string][]line{taskRun: linesOf("")})
	wantPrefectsOwn(t, s, flowRun, taskRun)
	if t.Failed() {
		t.Logf("the flow said:\n%s", output)
	}
	return env
}
