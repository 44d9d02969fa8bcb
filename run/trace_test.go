// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/prefectlogs/prefectlogs/run"
)

// traces are those of flow runs, by id.
type traces map[string]string

var errServer = errors.New("no answer")

func (t traces) TraceParent(_ context.Context, flowRun run.ID) (string, error) {
	if parent, ok := t[flowRun.String()]; ok {
		return parent, nil
	}
	return "", errServer
}

func TestJoinTrace(t *testing.T) {
	inRun := func(ctx context.Context) context.Context {
		return run.NewContext(ctx, run.Info{FlowRunID: flowA, TaskRunID: taskA})
	}
	tests := map[string]struct {
		env    vars
		ctx    func(context.Context) context.Context
		traces traces
		traced bool
		err    error  // nil: see text
		text   string // in the error
	}{
		"a run that is traced":                     {ctx: inRun, traces: traces{flowA: parent}, traced: true},
		"the run of the environment":               {env: vars{"PREFECT__FLOW_RUN_ID": flowA, "PREFECT__TASK_RUN_ID": taskA}, traces: traces{flowA: parent}, traced: true},
		"a run that is not traced":                 {ctx: inRun, traces: traces{flowA: ""}, err: run.ErrNoTrace},
		"a label that is none":                     {ctx: inRun, traces: traces{flowA: "secret"}, text: "__OTEL_TRACEPARENT"},
		"a server that does not answer":            {ctx: inRun, err: errServer},
		"a context within a span asks for nothing": {ctx: func(ctx context.Context) context.Context { return inTrace(inRun(ctx), "") }, traced: true},
		"no run": {traces: traces{flowA: parent}, err: run.ErrNoRun},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, tt.env)
			ctx := t.Context()
			if tt.ctx != nil {
				ctx = tt.ctx(ctx)
			}
			got, err := run.JoinTrace(ctx, tt.traces)
			switch {
			case tt.err != nil && !errors.Is(err, tt.err), (err != nil) != (tt.err != nil || tt.text != ""):
				t.Errorf("error %v", err)
			case err != nil && (!strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "secret")):
				t.Errorf("error %v", err)
			}
			span := trace.SpanContextFromContext(got)
			if span.IsValid() != tt.traced || tt.traced && span.SpanID().String() != "0102030405060708" {
				t.Errorf("the span is %v", span)
			}
			info, ok := run.FromContext(got)
			if want := tt.err != run.ErrNoRun; ok != want || want && info != (run.Info{FlowRunID: flowA, TaskRunID: taskA}) {
				t.Errorf("the run is %+v", info)
			}
		})
	}
}
