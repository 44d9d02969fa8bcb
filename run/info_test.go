// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/run"
)

const (
	flowA = "11111111-2222-3333-4444-555555555555"
	flowB = "99999999-2222-3333-4444-555555555555"
	taskA = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
)

func TestATaskRunIsAddedWithinItsFlowRun(t *testing.T) {
	if _, ok := run.FromContext(t.Context()); ok {
		t.Error("a context without a run has one")
	}
	flow := run.NewContext(t.Context(), run.Info{FlowRunID: flowA, FlowRunName: "tapir", FlowName: "orders"})
	task := run.NewContext(flow, run.Info{TaskRunID: taskA, TaskName: "pack"})
	got, ok := run.FromContext(task)
	if want := (run.Info{FlowRunID: flowA, FlowRunName: "tapir", FlowName: "orders", TaskRunID: taskA, TaskName: "pack"}); !ok || got != want {
		t.Errorf("got %+v", got)
	}
	other, _ := run.FromContext(run.NewContext(task, run.Info{FlowRunID: flowB}))
	if want := (run.Info{FlowRunID: flowB}); other != want {
		t.Errorf("another flow run inherits: %+v", other)
	}
	if outer, _ := run.FromContext(flow); outer.TaskRunID != "" {
		t.Errorf("the outer context has changed: %+v", outer)
	}
}

func TestIDsOfAContext(t *testing.T) {
	ids := run.IDsFromContext(run.NewContext(t.Context(), run.Info{FlowRunID: strings.ToUpper(flowA), TaskRunID: "no uuid"}))
	if ids.Flow.String() != flowA || !ids.Task.IsZero() {
		t.Errorf("got %v", ids)
	}
	if got := run.IDsFromContext(t.Context()); got != (run.IDs{}) {
		t.Errorf("a context without a run has %v", got)
	}
}

func TestFromEnvironment(t *testing.T) {
	tests := map[string]struct {
		flow, name, task string
		want             run.Info
		problems         []string
	}{
		"nothing":                {},
		"a flow run":             {flow: flowA, name: "orders", want: run.Info{FlowRunID: flowA, FlowName: "orders"}},
		"as Orion spells it":     {flow: strings.ReplaceAll(flowA, "-", ""), want: run.Info{FlowRunID: flowA}},
		"with a task run":        {flow: flowA, task: strings.ToUpper(taskA), want: run.Info{FlowRunID: flowA, TaskRunID: taskA}},
		"a task run alone":       {task: taskA, name: "orders", want: run.Info{TaskRunID: taskA}},
		"two that are no UUIDs":  {flow: "secret-1", task: "secret-2", problems: []string{"PREFECT__FLOW_RUN_ID", "PREFECT__TASK_RUN_ID"}},
		"a task run that is not": {flow: flowA, task: "x", problems: []string{"PREFECT__TASK_RUN_ID"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PREFECT__FLOW_RUN_ID", tt.flow)
			t.Setenv("PREFECT__FLOW_NAME", tt.name)
			t.Setenv("PREFECT__TASK_RUN_ID", tt.task)
			got, err := run.FromEnvironment()
			if got != tt.want || (err != nil) != (tt.problems != nil) {
				t.Fatalf("got %+v, %v", got, err)
			}
			for _, want := range tt.problems {
				if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
					t.Errorf("error %v", err)
				}
			}
		})
	}
}
