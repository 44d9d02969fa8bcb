// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"

	"github.com/prefectlogs/prefectlogs/run"
)

// setEnvironment makes these the only variables that name a run or a trace.
func setEnvironment(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range []string{
		"PREFECT__FLOW_RUN_ID", "PREFECT__TASK_RUN_ID", "PREFECT__FLOW_ID", "PREFECT__FLOW_NAME", "PREFECT__DEPLOYMENT_ID",
		"PREFECT__DEPLOYMENT_NAME", "PREFECT__WORKER_ID", "PREFECT__WORKER_NAME", "TRACEPARENT", "TRACESTATE",
	} {
		t.Setenv(name, env[name])
	}
}

type vars = map[string]string

func TestFromEnvironment(t *testing.T) {
	tests := map[string]struct {
		env      vars
		want     run.Info
		problems []string
	}{
		"nothing": {},
		"an agent of 2.0 to 2.13, which writes no dashes": {
			env: vars{"PREFECT__FLOW_RUN_ID": strings.ReplaceAll(flowA, "-", "")}, want: run.Info{FlowRunID: flowA},
		},
		"a worker of 2.20": {env: vars{"PREFECT__FLOW_RUN_ID": flowA}, want: run.Info{FlowRunID: flowA}},
		"a worker of 3.8": {
			env: vars{
				"PREFECT__FLOW_RUN_ID": flowA, "PREFECT__FLOW_ID": "f", "PREFECT__FLOW_NAME": "orders", "PREFECT__DEPLOYMENT_ID": "d",
				"PREFECT__DEPLOYMENT_NAME": "nightly", "PREFECT__WORKER_ID": "w", "PREFECT__WORKER_NAME": "process 1",
			},
			want: run.Info{FlowRunID: flowA, FlowID: "f", FlowName: "orders", DeploymentID: "d", DeploymentName: "nightly", WorkerID: "w", WorkerName: "process 1"},
		},
		"flow.serve() of 3.8, which names no run": {env: vars{"PREFECT__DEPLOYMENT_NAME": "nightly"}},
		"a parent that passes its task run on": {
			env: vars{"PREFECT__FLOW_RUN_ID": flowA, "PREFECT__TASK_RUN_ID": strings.ToUpper(taskA)}, want: run.Info{FlowRunID: flowA, TaskRunID: taskA},
		},
		"a task run alone":       {env: vars{"PREFECT__TASK_RUN_ID": taskA, "PREFECT__FLOW_NAME": "orders"}, want: run.Info{TaskRunID: taskA}},
		"two that are no UUIDs":  {env: vars{"PREFECT__FLOW_RUN_ID": "secret-1", "PREFECT__TASK_RUN_ID": "secret-2"}, problems: []string{"PREFECT__FLOW_RUN_ID", "PREFECT__TASK_RUN_ID"}},
		"a task run that is not": {env: vars{"PREFECT__FLOW_RUN_ID": flowA, "PREFECT__TASK_RUN_ID": "x"}, problems: []string{"PREFECT__TASK_RUN_ID"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, tt.env)
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

const parent = "00-0102030405060708090a0b0c0d0e0f10-0102030405060708-03"

// inTrace returns ctx within a span.
func inTrace(ctx context.Context, state string) context.Context {
	ts, err := trace.ParseTraceState(state)
	if err != nil {
		panic(err)
	}
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, SpanID: trace.SpanID{1, 2, 3, 4, 5, 6, 7, 8},
		TraceFlags: trace.FlagsSampled | trace.FlagsRandom, TraceState: ts,
	}))
}

func TestEnviron(t *testing.T) {
	flow := func(ctx context.Context) context.Context {
		return run.NewContext(ctx, run.Info{FlowRunID: strings.ToUpper(flowA), FlowName: "secret", FlowRunName: "secret", WorkerName: "secret"})
	}
	tests := map[string]struct {
		env  vars
		ctx  func(context.Context) context.Context
		want []string
	}{
		"no run and no trace": {ctx: func(ctx context.Context) context.Context { return ctx }},
		"a flow run": {
			ctx: flow, want: []string{"PREFECT__FLOW_RUN_ID=" + flowA, "PREFECT__TASK_RUN_ID="},
		},
		"a task run": {
			ctx: func(ctx context.Context) context.Context {
				return run.NewContext(flow(ctx), run.Info{TaskRunID: taskA})
			},
			want: []string{"PREFECT__FLOW_RUN_ID=" + flowA, "PREFECT__TASK_RUN_ID=" + taskA},
		},
		"the run of the environment goes on": {
			env: vars{"PREFECT__FLOW_RUN_ID": flowA, "PREFECT__TASK_RUN_ID": taskA, "PREFECT__FLOW_NAME": "orders"},
			ctx: func(ctx context.Context) context.Context { return ctx }, want: []string{"PREFECT__FLOW_RUN_ID=" + flowA, "PREFECT__TASK_RUN_ID=" + taskA},
		},
		"a task run in the flow run of the environment": {
			env: vars{"PREFECT__FLOW_RUN_ID": flowA, "PREFECT__FLOW_NAME": "orders"},
			ctx: func(ctx context.Context) context.Context { return run.NewContext(ctx, run.Info{TaskRunID: taskA}) }, want: []string{"PREFECT__FLOW_RUN_ID=" + flowA, "PREFECT__TASK_RUN_ID=" + taskA},
		},
		"nothing of another run is inherited": {
			env: vars{"PREFECT__FLOW_RUN_ID": flowB, "PREFECT__TASK_RUN_ID": taskA, "PREFECT__FLOW_NAME": "orders", "PREFECT__DEPLOYMENT_ID": "d", "PREFECT__WORKER_NAME": "w"},
			ctx: flow, want: []string{"PREFECT__FLOW_RUN_ID=" + flowA, "PREFECT__FLOW_NAME=", "PREFECT__DEPLOYMENT_ID=", "PREFECT__TASK_RUN_ID="},
		},
		"a trace": {
			env: vars{"TRACESTATE": "old=1"},
			ctx: func(ctx context.Context) context.Context { return inTrace(ctx, "") }, want: []string{"TRACEPARENT=" + parent, "TRACESTATE="},
		},
		"a trace with a state": {
			ctx: func(ctx context.Context) context.Context { return inTrace(ctx, "vendor=1") }, want: []string{"TRACEPARENT=" + parent, "TRACESTATE=vendor=1"},
		},
		"baggage stays here": {
			ctx: func(ctx context.Context) context.Context {
				return withBaggage(flow(ctx), "user", "secret", "prefect.flow_run.id", flowB)
			},
			want: []string{"PREFECT__FLOW_RUN_ID=" + flowA, "PREFECT__TASK_RUN_ID="},
		},
		"the run of trusted baggage goes on": {
			ctx: func(ctx context.Context) context.Context {
				return run.TrustBaggage(withBaggage(ctx, "prefect.flow_run.id", flowB, "prefect.task_run.id", taskB))
			},
			want: []string{"PREFECT__FLOW_RUN_ID=" + flowB, "PREFECT__TASK_RUN_ID=" + taskB},
		},
		"variables that cannot be read are left to the child": {
			env: vars{"PREFECT__FLOW_RUN_ID": "x"}, ctx: func(ctx context.Context) context.Context { return ctx },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, tt.env)
			if diff := cmp.Diff(tt.want, run.Environ(tt.ctx(t.Context()))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What a process passes on, its child reads, as if its context were the parent's.
func TestAChildGoesOnWhereItsParentWas(t *testing.T) {
	setEnvironment(t, vars{"PREFECT__FLOW_RUN_ID": flowB, "PREFECT__FLOW_NAME": "orders", "TRACEPARENT": "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-01"})
	ctx := inTrace(run.NewContext(t.Context(), run.Info{FlowRunID: flowA, TaskRunID: taskA}), "vendor=1")
	child := append(os.Environ(), run.Environ(ctx)...)
	for _, variable := range child { // the last of equal names counts
		name, value, _ := strings.Cut(variable, "=")
		if slices.Contains([]string{"TRACEPARENT", "TRACESTATE"}, name) || strings.HasPrefix(name, "PREFECT__") {
			t.Setenv(name, value)
		}
	}
	got, err := run.ContextFromEnvironment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := run.FromContext(got); info != (run.Info{FlowRunID: flowA, TaskRunID: taskA}) {
		t.Errorf("the child's run is %+v", info)
	}
	want := trace.SpanContextFromContext(ctx).WithRemote(true)
	if span := trace.SpanContextFromContext(got); !span.Equal(want) {
		t.Errorf("the child's parent span is %v, want %v", span, want)
	}
}

func TestContextFromEnvironment(t *testing.T) {
	tests := map[string]struct {
		env     vars
		inSpan  bool
		flow    string
		traced  bool
		problem []string
	}{
		"nothing":                             {},
		"a run":                               {env: vars{"PREFECT__FLOW_RUN_ID": flowA}, flow: flowA},
		"a trace":                             {env: vars{"TRACEPARENT": parent}, traced: true},
		"a trace that is none":                {env: vars{"PREFECT__FLOW_RUN_ID": flowA, "TRACEPARENT": "secret"}, flow: flowA, problem: []string{"TRACEPARENT"}},
		"a run that is none":                  {env: vars{"PREFECT__FLOW_RUN_ID": "secret", "TRACEPARENT": parent}, traced: true, problem: []string{"PREFECT__FLOW_RUN_ID"}},
		"both wrong":                          {env: vars{"PREFECT__FLOW_RUN_ID": "secret", "TRACEPARENT": "secret"}, problem: []string{"PREFECT__FLOW_RUN_ID", "TRACEPARENT"}},
		"a context within a span stays there": {env: vars{"TRACEPARENT": "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-01"}, inSpan: true, traced: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, tt.env)
			ctx := t.Context()
			if tt.inSpan {
				ctx = inTrace(ctx, "")
			}
			got, err := run.ContextFromEnvironment(ctx)
			if (err != nil) != (tt.problem != nil) {
				t.Fatal(err)
			}
			for _, want := range tt.problem {
				if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
					t.Errorf("error %v", err)
				}
			}
			info, _ := run.FromContext(got)
			span := trace.SpanContextFromContext(got)
			if info.FlowRunID != tt.flow || span.IsValid() != tt.traced || tt.traced && span.SpanID() != (trace.SpanID{1, 2, 3, 4, 5, 6, 7, 8}) {
				t.Errorf("got %+v in %v", info, span)
			}
		})
	}
}
