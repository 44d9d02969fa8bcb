// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
)

// ErrNoRun is returned where a run is needed and none is known: Prefect's
// MissingContextError.
var ErrNoRun = errors.New("run: no flow run or task run is known here; put one into the context with run.NewContext")

// Info is what is known of a run. Ids of runs are UUIDs in any spelling that
// [ParseID] takes; every field may be empty.
type Info struct {
	FlowRunID   string
	FlowRunName string
	FlowName    string

	TaskRunID   string
	TaskRunName string
	TaskName    string

	// What else workers tell of a flow run; see [FromEnvironment].
	FlowID         string
	DeploymentID   string
	DeploymentName string
	WorkerID       string // of Prefect Cloud's workers
	WorkerName     string
}

// IDs is what one source says of a record's run. Flow is zero where the source
// names no flow run; a Task without a Flow belongs to the flow run that a
// source of lower precedence names.
type IDs struct {
	Flow, Task ID
}

// IDs returns the ids of the run. An id that is no UUID counts as absent and
// is zero.
func (i Info) IDs() IDs {
	flow, _ := ParseID(i.FlowRunID)
	task, _ := ParseID(i.TaskRunID)
	return IDs{Flow: flow, Task: task}
}

// Or returns the ids with what a source of lower precedence says under them: its
// flow run, where none is known yet, and its task run with it.
func (ids IDs) Or(lower IDs) IDs {
	if ids.Flow.IsZero() {
		if ids.Task.IsZero() {
			ids.Task = lower.Task
		}
		ids.Flow = lower.Flow
	}
	return ids
}

// or is [IDs.Or] for all that is known, with ids in their canonical spelling.
func (i Info) or(lower Info) Info {
	own, all := i.IDs(), i.IDs().Or(lower.IDs())
	merged := i
	if own.Flow.IsZero() {
		merged = lower.flowOnly()
		if own.Task.IsZero() {
			i = lower
		}
	}
	merged.FlowRunID = canonical(all.Flow)
	merged.TaskRunID = canonical(all.Task)
	merged.TaskRunName, merged.TaskName = i.TaskRunName, i.TaskName
	return merged
}

// flowOnly returns the info without its task run.
func (i Info) flowOnly() Info {
	i.TaskRunID, i.TaskRunName, i.TaskName = "", "", ""
	return i
}

func canonical(id ID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

// contextKey is the key under which a context holds its *contextRun.
type contextKey struct{}

// contextRun keeps the parsed ids beside the Info, so that a record costs no parsing.
type contextRun struct {
	info  Info
	ids   IDs
	valid bool
}

// NewContext returns a context whose logs belong to the run. An Info without a
// flow run id belongs to the flow run that ctx already has: that is how a task
// run is added within its flow run. An id that is no UUID counts as absent; the exporter says so
// once, when a record is logged.
func NewContext(ctx context.Context, info Info) context.Context {
	if outer, ok := FromContext(ctx); ok && info.FlowRunID == "" {
		task := info
		info = outer
		info.TaskRunID, info.TaskRunName, info.TaskName = task.TaskRunID, task.TaskRunName, task.TaskName
	}
	run := &contextRun{info: info, ids: info.IDs()}
	run.valid = run.ids.Flow.IsZero() == (info.FlowRunID == "") && run.ids.Task.IsZero() == (info.TaskRunID == "")
	return context.WithValue(ctx, contextKey{}, run)
}

// FromContext returns the run that [NewContext] put into ctx.
func FromContext(ctx context.Context) (Info, bool) {
	run, ok := ctx.Value(contextKey{}).(*contextRun)
	if !ok {
		return Info{}, false
	}
	return run.info, true
}

// IDsFromContext returns the ids of the run that ctx carries, as [Info.IDs]
// gives them; they are zero where it carries none. valid is false where one of them is
// zero because it is no UUID. It does not allocate.
func IDsFromContext(ctx context.Context) (ids IDs, valid bool) {
	run, ok := ctx.Value(contextKey{}).(*contextRun)
	if !ok {
		return IDs{}, true
	}
	return run.ids, run.valid
}
