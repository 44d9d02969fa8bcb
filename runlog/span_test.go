// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package runlog_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/runlog"
)

// spanFields are the attributes of a span.
func spanFields(span trace.Span) fields {
	got := fields{}
	for _, kv := range span.(sdktrace.ReadOnlySpan).Attributes() {
		got[string(kv.Key)] = kv.Value.String()
	}
	return got
}

func TestSpanProcessor(t *testing.T) {
	str := attribute.String
	stranger := func(ctx context.Context) context.Context {
		member, _ := baggage.NewMember("prefect.flow_run.id", flowB)
		bag, _ := baggage.New(member)
		return baggage.ContextWithBaggage(ctx, bag)
	}
	worker := fields{"PREFECT__FLOW_RUN_ID": flowB, "PREFECT__TASK_RUN_ID": taskB, "PREFECT__FLOW_NAME": "orders"}
	tests := map[string]struct {
		env        fields
		ctx        func(context.Context) context.Context
		attributes []attribute.KeyValue
		resource   []attribute.KeyValue
		want       fields
	}{
		"no run": {want: fields{}},
		"the run of the context": {
			env: worker,
			ctx: func(ctx context.Context) context.Context {
				return run.NewContext(ctx, run.Info{FlowRunID: flowA, FlowName: "packing", TaskRunID: taskA})
			},
			attributes: []attribute.KeyValue{str("n", "1")},
			want:       fields{"n": "1", "prefect.flow_run.id": flowA, "prefect.flow.name": "packing", "prefect.task_run.id": taskA},
		},
		"the run of the environment":           {env: worker, want: fields{"prefect.flow_run.id": flowB, "prefect.flow.name": "orders", "prefect.task_run.id": taskB}},
		"a stranger's baggage changes nothing": {ctx: stranger, want: fields{}},
		"trusted baggage":                      {ctx: func(ctx context.Context) context.Context { return run.TrustBaggage(stranger(ctx)) }, want: fields{"prefect.flow_run.id": flowB}},
		"a span's own run stays":               {env: worker, attributes: []attribute.KeyValue{str("prefect.flow_run.id", flowA)}, want: fields{"prefect.flow_run.id": flowA}},
		"the resource before the environment":  {env: worker, resource: []attribute.KeyValue{str("flow_run_id", flowA)}, want: fields{"prefect.flow_run.id": flowA}},
		"a span of Prefect's as its parent": {
			env: worker,
			ctx: func(ctx context.Context) context.Context {
				ctx, _ = sdktrace.NewTracerProvider().Tracer("").Start(ctx, "flow", trace.WithAttributes(str("prefect.run.id", flowA), str("prefect.run.type", "flow")))
				return ctx
			},
			want: fields{"prefect.flow_run.id": flowA},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"PREFECT__FLOW_RUN_ID", "PREFECT__TASK_RUN_ID", "PREFECT__FLOW_NAME", "PREFECT__DEPLOYMENT_NAME"} {
				t.Setenv(variable, tt.env[variable])
			}
			provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(runlog.NewSpanProcessor()), sdktrace.WithResource(resource.NewSchemaless(tt.resource...)))
			ctx := t.Context()
			if tt.ctx != nil {
				ctx = tt.ctx(ctx)
			}
			ctx, span := provider.Tracer("").Start(ctx, "span", trace.WithAttributes(tt.attributes...))
			if diff := cmp.Diff(tt.want, spanFields(span)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			delete(tt.want, "n")
			delete(tt.want, "prefect.flow.name") // of a run that is told by another span's attributes no names are known
			_, child := provider.Tracer("").Start(ctx, "child")
			got := spanFields(child)
			delete(got, "prefect.flow.name")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("its child (-want +got):\n%s", diff)
			}
			if err := provider.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
