// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/prefectlogs/prefectlogs/internal/own"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
)

const (
	stampFlowA = "11111111-2222-3333-4444-555555555555"
	stampFlowB = "99999999-2222-3333-4444-555555555555"
	stampTaskA = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	stampTaskB = "bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee"
)

// keeper is an exporter that keeps what it is handed.
type keeper struct{ records []sdklog.Record }

func (k *keeper) Export(_ context.Context, records []sdklog.Record) error {
	for i := range records {
		k.records = append(k.records, records[i].Clone())
	}
	return nil
}
func (k *keeper) ForceFlush(context.Context) error { return nil }
func (k *keeper) Shutdown(context.Context) error   { return nil }

func attributesOf(record sdklog.Record) map[string]string {
	got := map[string]string{}
	record.WalkAttributes(func(kv attribute.KeyValue) bool {
		got[string(kv.Key)] = kv.Value.String()
		return true
	})
	return got
}

// stamped logs a record by way of a RunAttributes and the SDK's own batch processor, which exports
// without the context of the call.
func stamped(t *testing.T, ctx context.Context, attributes []attribute.KeyValue, opts ...sdklog.LoggerProviderOption) map[string]string {
	t.Helper()
	var kept keeper
	provider := sdklog.NewLoggerProvider(append([]sdklog.LoggerProviderOption{
		sdklog.WithProcessor(processor.NewRunAttributes()),
		sdklog.WithProcessor(sdklog.NewBatchProcessor(&kept)),
		sdklog.WithResource(resource.Empty()),
	}, opts...)...)
	var record otellog.Record
	record.AddAttributes(attributes...)
	provider.Logger("test").Emit(ctx, record)
	if err := provider.Shutdown(t.Context()); err != nil || len(kept.records) != 1 {
		t.Fatalf("%d records, %v", len(kept.records), err)
	}
	return attributesOf(kept.records[0])
}

func TestRunAttributes(t *testing.T) {
	type attrs = map[string]string
	str := attribute.String
	inRun := func(ctx context.Context, info run.Info) context.Context { return run.NewContext(ctx, info) }
	withBaggage := func(ctx context.Context) context.Context {
		flow, _ := baggage.NewMember("prefect.flow_run.id", stampFlowB)
		task, _ := baggage.NewMember("prefect.task_run.id", stampTaskB)
		bag, _ := baggage.New(flow, task)
		return baggage.ContextWithBaggage(ctx, bag)
	}
	withSpan := func(ctx context.Context, attributes ...attribute.KeyValue) context.Context {
		ctx, _ = sdktrace.NewTracerProvider().Tracer("").Start(ctx, "span", trace.WithAttributes(attributes...))
		return ctx
	}
	worker := attrs{"PREFECT__FLOW_RUN_ID": stampFlowB, "PREFECT__TASK_RUN_ID": stampTaskB, "PREFECT__FLOW_NAME": "orders", "PREFECT__DEPLOYMENT_NAME": "nightly"}
	tests := []struct {
		name       string
		env        attrs
		ctx        func(context.Context) context.Context
		attributes []attribute.KeyValue
		provider   []sdklog.LoggerProviderOption
		want       attrs
	}{
		{name: "no run", want: attrs{}},
		{
			name: "the run of the context, with its names",
			ctx: func(ctx context.Context) context.Context {
				return inRun(ctx, run.Info{
					FlowRunID: strings.ToUpper(stampFlowA), FlowRunName: "tapir", FlowName: "orders", DeploymentName: "nightly",
					TaskRunID: stampTaskA, TaskRunName: "pack-0", TaskName: "pack", WorkerName: "not of interest",
				})
			},
			attributes: []attribute.KeyValue{str("n", "1")},
			want: attrs{
				"n": "1", "prefect.flow_run.id": stampFlowA, "prefect.task_run.id": stampTaskA, "prefect.flow_run.name": "tapir", "prefect.flow.name": "orders",
				"prefect.deployment.name": "nightly", "prefect.task_run.name": "pack-0", "prefect.task.name": "pack",
			},
		},
		{
			name: "the run of the environment, with its names", env: worker,
			want: attrs{"prefect.flow_run.id": stampFlowB, "prefect.task_run.id": stampTaskB, "prefect.flow.name": "orders", "prefect.deployment.name": "nightly"},
		},
		{
			name: "another run than the environment's has none of its names", env: worker,
			ctx:  func(ctx context.Context) context.Context { return inRun(ctx, run.Info{FlowRunID: stampFlowA}) },
			want: attrs{"prefect.flow_run.id": stampFlowA},
		},
		{
			name: "a task run of the context in the flow run of the environment", env: worker,
			ctx:  func(ctx context.Context) context.Context { return inRun(ctx, run.Info{TaskRunID: stampTaskA}) },
			want: attrs{"prefect.flow_run.id": stampFlowB, "prefect.task_run.id": stampTaskA, "prefect.flow.name": "orders", "prefect.deployment.name": "nightly"},
		},
		{name: "a stranger's baggage changes nothing", ctx: withBaggage, want: attrs{}},
		{
			name: "trusted baggage", ctx: func(ctx context.Context) context.Context { return run.TrustBaggage(withBaggage(ctx)) },
			want: attrs{"prefect.flow_run.id": stampFlowB, "prefect.task_run.id": stampTaskB},
		},
		{
			name: "the span of the context", env: worker,
			ctx: func(ctx context.Context) context.Context {
				return withSpan(ctx, str("prefect.run.id", stampFlowA), str("prefect.run.type", "flow"))
			},
			want: attrs{"prefect.flow_run.id": stampFlowA},
		},
		{
			name: "the resource before the environment", env: worker,
			provider: []sdklog.LoggerProviderOption{sdklog.WithResource(resource.NewSchemaless(str("flow_run_id", stampFlowA)))},
			want:     attrs{"prefect.flow_run.id": stampFlowA},
		},
		{
			name: "a record's own run stays, under its own name, and no other's task run is added", env: worker,
			ctx: func(ctx context.Context) context.Context {
				return inRun(ctx, run.Info{FlowRunID: stampFlowB, TaskRunID: stampTaskB})
			},
			attributes: []attribute.KeyValue{str("flow_run_id", stampFlowA)},
			want:       attrs{"flow_run_id": stampFlowA},
		},
		{
			name: "a record's own task run gets its flow run", env: worker,
			attributes: []attribute.KeyValue{str("task_run_id", stampTaskA), str("prefect.flow.name", "mine")},
			want:       attrs{"task_run_id": stampTaskA, "prefect.flow_run.id": stampFlowB, "prefect.flow.name": "mine", "prefect.deployment.name": "nightly"},
		},
		{
			name: "an id that is none counts as absent", env: worker, attributes: []attribute.KeyValue{str("prefect.flow_run.id", "none")},
			want: attrs{"prefect.flow_run.id": stampFlowB, "prefect.task_run.id": stampTaskB, "prefect.flow.name": "orders", "prefect.deployment.name": "nightly"},
		},
		{
			name: "what comes of our own requests is not for Prefect", env: worker,
			ctx: own.NewContext, want: attrs{"send_to_api": "false"},
		},
		{
			name: "an environment that cannot be read", env: attrs{"PREFECT__FLOW_RUN_ID": "none"},
			ctx:  func(ctx context.Context) context.Context { return inRun(ctx, run.Info{FlowRunID: stampFlowA}) },
			want: attrs{"prefect.flow_run.id": stampFlowA},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"PREFECT__FLOW_RUN_ID", "PREFECT__TASK_RUN_ID", "PREFECT__FLOW_NAME", "PREFECT__DEPLOYMENT_NAME"} {
				t.Setenv(name, tt.env[name])
			}
			ctx := t.Context()
			if tt.ctx != nil {
				ctx = tt.ctx(ctx)
			}
			if diff := cmp.Diff(tt.want, stamped(t, ctx, tt.attributes, tt.provider...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, stamped(t, ctx, tt.attributes, append(tt.provider, sdklog.WithAllowKeyDuplication())...)); diff != "" {
				t.Errorf("where keys may stand twice (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFullRecordKeepsItsRun(t *testing.T) {
	t.Setenv("PREFECT__FLOW_RUN_ID", stampFlowA)
	t.Setenv("PREFECT__TASK_RUN_ID", stampTaskA)
	for _, dups := range []bool{false, true} {
		for n := range 8 {
			var attributes []attribute.KeyValue
			for i := range n {
				attributes = append(attributes, attribute.Int(fmt.Sprint("n", i), i))
			}
			opts := []sdklog.LoggerProviderOption{sdklog.WithAttributeCountLimit(5)}
			if dups {
				opts = append(opts, sdklog.WithAllowKeyDuplication())
			}
			got := stamped(t, t.Context(), attributes, opts...)
			if got["prefect.flow_run.id"] != stampFlowA || got["prefect.task_run.id"] != stampTaskA || len(got) != min(n+2, 5) {
				t.Errorf("of %d attributes and the run: %v", n, got)
			}
			if _, first := got["n0"]; n > 0 && !first {
				t.Errorf("of %d attributes the first is lost: %v", n, got)
			}
		}
	}
}

func TestAnIDThatIsNoneDoesNotOutlastTheStampOfAFullRecord(t *testing.T) {
	t.Setenv("PREFECT__FLOW_RUN_ID", stampFlowA)
	t.Setenv("PREFECT__TASK_RUN_ID", stampTaskA)
	attributes := []attribute.KeyValue{attribute.String("prefect.flow_run.id", "none"), attribute.Int("n", 1), attribute.Int("m", 1)}
	got := stamped(t, t.Context(), attributes, sdklog.WithAttributeCountLimit(3), sdklog.WithAllowKeyDuplication())
	if diff := cmp.Diff(map[string]string{"prefect.flow_run.id": stampFlowA, "prefect.task_run.id": stampTaskA, "n": "1"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// follower is a processor that a RunAttributes hands records to.
type follower struct {
	wants   bool
	err     error
	records []map[string]string
	calls   []string
}

func (f *follower) Enabled(context.Context, sdklog.EnabledParameters) bool { return f.wants }
func (f *follower) OnEmit(_ context.Context, record *sdklog.Record) error {
	f.records = append(f.records, attributesOf(*record))
	return f.err
}
func (f *follower) ForceFlush(context.Context) error {
	f.calls = append(f.calls, "flush")
	return f.err
}
func (f *follower) Shutdown(context.Context) error {
	f.calls = append(f.calls, "shutdown")
	return f.err
}

func TestRunAttributesHandsRecordsOn(t *testing.T) {
	t.Setenv("PREFECT__FLOW_RUN_ID", stampFlowA)
	wrong := errors.New("wrong")
	first, second := &follower{}, &follower{wants: true, err: wrong}
	p := processor.NewRunAttributes(first, second)
	if !p.Enabled(t.Context(), sdklog.EnabledParameters{}) {
		t.Error("not enabled, though one of those behind it is")
	}
	second.wants = false
	if p.Enabled(t.Context(), sdklog.EnabledParameters{}) || processor.NewRunAttributes().Enabled(t.Context(), sdklog.EnabledParameters{}) {
		t.Error("enabled, though nobody wants records")
	}
	if err := p.OnEmit(t.Context(), new(sdklog.Record)); !errors.Is(err, wrong) {
		t.Errorf("error %v", err)
	}
	if err := errors.Join(p.ForceFlush(t.Context()), p.Shutdown(t.Context())); !errors.Is(err, wrong) {
		t.Errorf("error %v", err)
	}
	for _, f := range []*follower{first, second} {
		if diff := cmp.Diff([]string{"flush", "shutdown"}, f.calls); diff != "" || len(f.records) != 1 {
			t.Errorf("%d records and calls (-want +got):\n%s", len(f.records), diff)
		}
	}
}

func BenchmarkRunAttributes(b *testing.B) {
	p := processor.NewRunAttributes()
	ctx := run.NewContext(b.Context(), run.Info{FlowRunID: stampFlowA, TaskRunID: stampTaskA})
	var kept keeper
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(&kept)))
	provider.Logger("").Emit(ctx, otellog.Record{})
	b.ReportAllocs()
	for b.Loop() {
		record := kept.records[0]
		if err := p.OnEmit(ctx, &record); err != nil {
			b.Fatal(err)
		}
	}
}
