// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"context"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/run"
)

const (
	flowA = "11111111-2222-3333-4444-555555555555"
	flowB = "99999999-2222-3333-4444-555555555555"
	taskA = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	taskB = "bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee"
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
	for name, tt := range map[string]struct {
		ctx   context.Context
		flow  string
		valid bool
	}{
		"none":                       {t.Context(), "", true},
		"a flow run in capitals":     {run.NewContext(t.Context(), run.Info{FlowRunID: strings.ToUpper(flowA)}), flowA, true},
		"nothing of a run but names": {run.NewContext(t.Context(), run.Info{FlowRunName: "x"}), "", true},
		"a task run that is no UUID": {run.NewContext(t.Context(), run.Info{FlowRunID: flowA, TaskRunID: "no uuid"}), flowA, false},
		"a flow run that is no UUID": {run.NewContext(t.Context(), run.Info{FlowRunID: "no uuid"}), "", false},
	} {
		ids, valid := run.IDsFromContext(tt.ctx)
		if ids.Flow.IsZero() != (tt.flow == "") || tt.flow != "" && ids.Flow.String() != tt.flow || !ids.Task.IsZero() || valid != tt.valid {
			t.Errorf("%s: %v, %v", name, ids, valid)
		}
	}
}

func TestWhatAFlowRunIsToldStaysBesideItsTaskRuns(t *testing.T) {
	outer := run.Info{FlowRunID: flowA, FlowID: "f", DeploymentID: "d", DeploymentName: "nightly", WorkerID: "w", WorkerName: "process 1", TaskRunID: taskB, TaskRunName: "old"}
	got, _ := run.FromContext(run.NewContext(run.NewContext(t.Context(), outer), run.Info{TaskRunID: taskA}))
	want := outer
	want.TaskRunID, want.TaskRunName = taskA, ""
	if got != want {
		t.Errorf("got %+v", got)
	}
}
