// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
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

func ExampleJoinTrace() {
	// As an Exporter or a Pipeline does, which ask Prefect.
	prefect := traces{"11111111-2222-3333-4444-555555555555": "00-0102030405060708090a0b0c0d0e0f10-0102030405060708-01"}

	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"})
	ctx, err := run.JoinTrace(ctx, prefect)
	fmt.Println(trace.SpanContextFromContext(ctx).TraceID(), err)
	// Output: 0102030405060708090a0b0c0d0e0f10 <nil>
}

func ExampleEnviron() {
	ctx := run.NewContext(context.Background(), run.Info{
		FlowRunID: "11111111-2222-3333-4444-555555555555", TaskRunID: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
	})
	cmd := exec.CommandContext(ctx, "env")
	cmd.Env = append(os.Environ(), run.Environ(ctx)...)
	out, _ := cmd.Output()
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "PREFECT__FLOW_RUN_ID=") || strings.HasPrefix(line, "PREFECT__TASK_RUN_ID=") {
			fmt.Print(line)
		}
	}
	// Unordered output:
	// PREFECT__FLOW_RUN_ID=11111111-2222-3333-4444-555555555555
	// PREFECT__TASK_RUN_ID=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
}

func ExampleNewContext() {
	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555", FlowName: "orders"})
	ctx = run.NewContext(ctx, run.Info{TaskRunID: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", TaskName: "pack"}) // within the flow run

	info, _ := run.FromContext(ctx)
	fmt.Println(info.FlowName, info.FlowRunID)
	fmt.Println(info.TaskName, info.TaskRunID)
	// Output:
	// orders 11111111-2222-3333-4444-555555555555
	// pack aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
}
