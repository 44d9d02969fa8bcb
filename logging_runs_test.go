// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"context"
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/runlog"
)

// withBaggage puts baggage that names a run into a context.
func withBaggage(t testing.TB, ctx context.Context, ids run.Info) context.Context {
	t.Helper()
	ctx, err := run.ContextWithBaggage(run.NewContext(ctx, ids))
	if err != nil {
		t.Fatal(err)
	}
	return baggage.ContextWithBaggage(t.Context(), baggage.FromContext(ctx)) // the run itself stays behind
}

func TestTheRunThatIsCurrentSaysWhoseRulesARunLoggerHas(t *testing.T) {
	flow, task := run.Info{FlowRunID: flowA}, run.Info{FlowRunID: flowA, TaskRunID: taskA}
	in := func(info run.Info) func(context.Context) context.Context {
		return func(ctx context.Context) context.Context { return run.NewContext(ctx, info) }
	}
	carried := func(info run.Info) func(context.Context) context.Context {
		return func(ctx context.Context) context.Context { return withBaggage(t, ctx, info) }
	}
	span := func(ctx context.Context) context.Context {
		ctx, _ = sdktrace.NewTracerProvider().Tracer("").Start(ctx, "work", trace.WithAttributes(
			attribute.String(run.FlowRunIDKey, flowA), attribute.String(run.TaskRunIDKey, taskA)))
		return ctx
	}
	for name, tt := range map[string]struct {
		inherited run.Info // by the environment
		ctx       []func(context.Context) context.Context
		attrs     []any
		ofTask    bool   // the rules are those of prefect.task_runs
		storedIn  string // the task run of the record, where it is stored
	}{
		"a flow run of the context":                    {ctx: []func(context.Context) context.Context{in(flow)}},
		"a task run of the context":                    {ctx: []func(context.Context) context.Context{in(task)}, ofTask: true},
		"a flow run of trusted baggage":                {ctx: []func(context.Context) context.Context{carried(flow), run.TrustBaggage}},
		"a task run of trusted baggage":                {ctx: []func(context.Context) context.Context{carried(task), run.TrustBaggage}, ofTask: true},
		"baggage that nobody trusts":                   {inherited: flow, ctx: []func(context.Context) context.Context{carried(task)}},
		"the context before baggage":                   {ctx: []func(context.Context) context.Context{carried(task), run.TrustBaggage, in(flow)}},
		"the context's task run in baggage's flow run": {ctx: []func(context.Context) context.Context{carried(flow), run.TrustBaggage, in(run.Info{TaskRunID: taskA})}, ofTask: true},
		"a task run of the environment":                {inherited: task, ofTask: true},
		"the context before the environment":           {inherited: task, ctx: []func(context.Context) context.Context{in(flow)}},
		"baggage before the environment":               {inherited: task, ctx: []func(context.Context) context.Context{carried(flow), run.TrustBaggage}},
		"a span says only whose a record is":           {ctx: []func(context.Context) context.Context{span}, storedIn: taskA},
		"and so do the attributes of records":          {ctx: []func(context.Context) context.Context{in(flow)}, attrs: []any{run.FlowRunIDKey, flowA, run.TaskRunIDKey, taskA}, storedIn: taskA},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(run.FlowRunIDVariable, tt.inherited.FlowRunID)
			t.Setenv(run.TaskRunIDVariable, tt.inherited.TaskRunID)
			g := setupFile(t, file, nil) // prefect.task_runs: {level: ERROR}
			ctx := t.Context()
			for _, f := range tt.ctx {
				ctx = f(ctx)
			}
			logger := g.Logger("orders")
			logger.InfoContext(ctx, "i", tt.attrs...)
			_ = g.stored(t)
			switch logs := g.server.Logs(); {
			case len(logs) == 0 != tt.ofTask:
				t.Errorf("stored %d logs of level INFO", len(logs))
			case len(logs) > 0 && logs[0].TaskRunID != tt.storedIn:
				t.Errorf("stored in task run %q, want %q", logs[0].TaskRunID, tt.storedIn)
			}
			if enabled := logger.Enabled(ctx, slog.LevelInfo); enabled == tt.ofTask {
				t.Errorf("enabled at INFO: %v", enabled)
			}
			bound, err := runlog.New(g.LoggerProvider()).Logger(ctx)
			if err == nil && bound.Enabled(ctx, slog.LevelInfo) == tt.ofTask {
				t.Error("the logger that runlog gives in this context has other rules")
			}
		})
	}
}
