// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
)

// traceParentLabel is where Prefect's engine keeps the span of a run since 3.1.6
// (prefect/telemetry/run_telemetry.py).
const traceParentLabel = "__OTEL_TRACEPARENT"

// maxRuns bounds an answer with runs, in bytes. A run carries its parameters.
const maxRuns = 256 << 20

// TracedRun is a run whose span is known.
type TracedRun struct {
	ID          string // a UUID
	TaskRun     bool
	FlowRunID   string // of a task run; "" where it has none
	Sub         bool   // a flow run that another run called, and waits for
	TraceParent string // of the run's span, as W3C writes it
}

// TracedRuns hands found the flow runs that are running, then their task runs that are,
// then the 200 of their task runs that ended last, in so far as they carry their
// trace: those of Prefect 3.1.6 and later, in processes with an OpenTelemetry tracer
// provider. A task run that merely stands for a sub-flow, and so carries the span
// of its flow run, is left out. At most limit runs are read of each of the first two kinds, the
// latest ones; all tells that there were not more. An error is an [*Error], as
// of CountLogs; found has then got some.
func (c *Client) TracedRuns(ctx context.Context, limit int, found func(TracedRun)) (all bool, err error) {
	running := runConditions{State: stateCondition{stateType{Any: []string{"RUNNING"}}}}
	ended := runConditions{State: stateCondition{stateType{Any: []string{"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}}}}
	var spans []string // of flow runs, sorted
	all, err = c.filterRuns(ctx, "/flow_runs/filter", runFilter{FlowRuns: running, Sort: "START_TIME_DESC"}, limit, func(r storedRun) {
		spans = append(spans, r.traceParent())
		found(TracedRun{ID: r.ID, Sub: r.ParentTaskRunID != "", TraceParent: r.traceParent()})
	})
	if err != nil || len(spans) == 0 {
		return all, err
	}
	slices.Sort(spans)
	task := func(r storedRun) {
		if _, ofFlow := slices.BinarySearch(spans, r.traceParent()); !ofFlow {
			found(TracedRun{ID: r.ID, TaskRun: true, FlowRunID: r.FlowRunID, TraceParent: r.traceParent()})
		}
	}
	allTasks, err := c.filterRuns(ctx, "/task_runs/filter",
		runFilter{FlowRuns: running, TaskRuns: &running, Sort: "EXPECTED_START_TIME_DESC"}, limit, task)
	if err != nil {
		return false, err
	}
	_, err = c.filterRuns(ctx, "/task_runs/filter",
		runFilter{FlowRuns: running, TaskRuns: &ended, Sort: "END_TIME_DESC"}, pageSize, task)
	return all && allTasks, err
}

// runFilter is the body of POST /flow_runs/filter and /task_runs/filter.
type runFilter struct {
	FlowRuns runConditions  `json:"flow_runs"`
	TaskRuns *runConditions `json:"task_runs,omitempty"`
	Limit    int            `json:"limit"`
	Offset   int            `json:"offset"`
	Sort     string         `json:"sort"`
}

type runConditions struct {
	State stateCondition `json:"state"`
}

type stateCondition struct {
	Type stateType `json:"type"`
}

type stateType struct {
	Any []string `json:"any_"`
}

// storedRun is a run as the API gives it back, as far as it matters here.
type storedRun struct {
	ID              string         `json:"id"`
	FlowRunID       string         `json:"flow_run_id"`        // of task runs
	ParentTaskRunID string         `json:"parent_task_run_id"` // of flow runs
	Labels          map[string]any `json:"labels"`
}

func (r storedRun) traceParent() string {
	text, _ := r.Labels[traceParentLabel].(string)
	return text
}

// filterRuns hands each run of the answers that carries its trace to found, page by page, and reports
// whether there were at most limit runs.
func (c *Client) filterRuns(ctx context.Context, path string, filter runFilter, limit int, found func(storedRun)) (all bool, err error) {
	for filter.Offset < limit {
		filter.Limit = min(pageSize, limit-filter.Offset)
		rows := 0
		err := c.runsPage(ctx, path, filter, func(r storedRun) {
			if rows++; r.traceParent() != "" {
				found(r)
			}
		})
		if err != nil {
			return false, err
		}
		if rows < filter.Limit {
			return true, nil
		}
		filter.Offset += filter.Limit
	}
	return false, nil
}

func (c *Client) runsPage(ctx context.Context, path string, filter runFilter, found func(storedRun)) error {
	body, err := json.Marshal(filter)
	if err != nil {
		return &Error{Kind: KindRequest, Err: errBrokenRuns, host: c.api.Host, reading: "runs"}
	}
	err = c.post(ctx, path, jsonBody(body), func(answer io.Reader) error {
		source := &source{from: io.LimitReader(answer, maxRuns)}
		switch {
		case decodeList(source, found):
			return nil
		case source.err != nil:
			return source.err
		}
		return errBrokenRuns
	})
	if failed, ok := errors.AsType[*Error](err); ok {
		failed.reading = "runs"
		failed.Ambiguous, failed.Ended = false, false // reading stores nothing
		if errors.Is(failed.Err, errBrokenRuns) {
			failed.Kind = KindAccess
		}
	}
	return err
}
