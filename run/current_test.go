// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/run"
)

func TestCurrent(t *testing.T) {
	put := func(info run.Info) func(context.Context) context.Context {
		return func(ctx context.Context) context.Context { return run.NewContext(ctx, info) }
	}
	trusted := func(members ...string) func(context.Context) context.Context {
		return func(ctx context.Context) context.Context { return run.TrustBaggage(withBaggage(ctx, members...)) }
	}
	worker := vars{"PREFECT__FLOW_RUN_ID": flowB, "PREFECT__TASK_RUN_ID": taskB, "PREFECT__FLOW_NAME": "orders"}
	inherited := run.Info{FlowRunID: flowB, TaskRunID: taskB, FlowName: "orders"}
	tests := map[string]struct {
		env  vars
		ctx  []func(context.Context) context.Context
		want run.Info
		err  string
	}{
		"nothing": {err: run.ErrNoRun.Error()},
		"the context before the environment": {
			env: worker, ctx: []func(context.Context) context.Context{put(run.Info{FlowRunID: strings.ToUpper(flowA), FlowRunName: "tapir"})},
			want: run.Info{FlowRunID: flowA, FlowRunName: "tapir"},
		},
		"the environment": {env: worker, want: inherited},
		"a task run of the context in the flow run of the environment": {
			env: worker, ctx: []func(context.Context) context.Context{put(run.Info{TaskRunID: taskA, TaskName: "pack"})},
			want: run.Info{FlowRunID: flowB, FlowName: "orders", TaskRunID: taskA, TaskName: "pack"},
		},
		"the context before trusted baggage": {
			ctx:  []func(context.Context) context.Context{trusted("prefect.flow_run.id", flowB, "prefect.task_run.id", taskB), put(run.Info{FlowRunID: flowA})},
			want: run.Info{FlowRunID: flowA},
		},
		"trusted baggage before the environment": {
			env: worker, ctx: []func(context.Context) context.Context{trusted("prefect.flow_run.id", flowA)}, want: run.Info{FlowRunID: flowA},
		},
		"a task run of trusted baggage in the flow run of the environment": {
			env: worker, ctx: []func(context.Context) context.Context{trusted("task_run_id", taskA)}, want: run.Info{FlowRunID: flowB, FlowName: "orders", TaskRunID: taskA},
		},
		"baggage that is not trusted is not looked at": {
			env: worker, ctx: []func(context.Context) context.Context{func(ctx context.Context) context.Context { return withBaggage(ctx, "prefect.flow_run.id", flowA) }},
			want: inherited,
		},
		"of two names in baggage the first one that is an id": {
			ctx: []func(context.Context) context.Context{trusted("flow_run_id", flowA, "prefect.flow_run.id", "none", "prefect.flow_run_id", flowB)}, want: run.Info{FlowRunID: flowB},
		},
		"ids that are none": {
			env: worker, ctx: []func(context.Context) context.Context{put(run.Info{FlowRunID: "none", FlowName: "of no run", TaskRunID: "none", TaskName: "of no run"})}, want: inherited,
		},
		"a task run alone":                    {ctx: []func(context.Context) context.Context{put(run.Info{TaskRunID: taskA})}, want: run.Info{TaskRunID: taskA}, err: run.ErrNoRun.Error()},
		"an environment that cannot be read":  {env: vars{"PREFECT__FLOW_RUN_ID": "x"}, err: "PREFECT__FLOW_RUN_ID"},
		"an environment that does not matter": {env: vars{"PREFECT__FLOW_RUN_ID": "x"}, ctx: []func(context.Context) context.Context{put(run.Info{FlowRunID: flowA})}, want: run.Info{FlowRunID: flowA}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, tt.env)
			ctx := t.Context()
			for _, f := range tt.ctx {
				ctx = f(ctx)
			}
			got, err := run.Current(ctx)
			if got != tt.want {
				t.Errorf("got %+v", got)
			}
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v", err)
			}
			if tt.err == run.ErrNoRun.Error() && !errors.Is(err, run.ErrNoRun) {
				t.Errorf("error %v is another than ErrNoRun", err)
			}
		})
	}
}
