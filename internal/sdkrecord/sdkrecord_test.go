// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package sdkrecord_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/prefectlogs/prefectlogs/internal/diag"
	"github.com/prefectlogs/prefectlogs/internal/sdkrecord"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/mapping/mappingtest"
	"github.com/prefectlogs/prefectlogs/run"
)

// capture hands each record that a provider makes to a function.
type capture func(context.Context, *sdklog.Record)

func (c capture) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (c capture) OnEmit(ctx context.Context, r *sdklog.Record) error     { c(ctx, r); return nil }
func (c capture) Shutdown(context.Context) error                         { return nil }
func (c capture) ForceFlush(context.Context) error                       { return nil }

// emit has the SDK make a record, and hands it to do.
func emit(ctx context.Context, r mappingtest.Record, do capture) {
	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(do),
		sdklog.WithResource(resource.NewSchemaless(r.ResourceAttributes...)),
		sdklog.WithAttributeCountLimit(-1),
	)
	var record log.Record
	record.SetTimestamp(r.Timestamp)
	record.SetObservedTimestamp(r.Observed)
	record.SetSeverity(log.Severity(r.Severity))
	record.SetSeverityText(r.SeverityText)
	record.SetEventName(r.EventName)
	record.SetBody(r.Body)
	record.AddAttributes(r.Attributes...)
	if r.TraceID != ([16]byte{}) {
		ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: r.TraceID, SpanID: r.SpanID}))
	}
	provider.Logger(r.Scope, log.WithInstrumentationAttributes(r.ScopeAttributes...)).Emit(ctx, record)
}

func TestRecordsOfTheSDKMapAsTheTableSays(t *testing.T) {
	for _, c := range mappingtest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			err := c.Check(func(enc *mapping.Encoder, dst []byte, r mappingtest.Record, limit int) (line []byte, meta mapping.Meta, err error) {
				reader := sdkrecord.NewReader(enc, diag.New(func(error) {}))
				emit(t.Context(), r, func(ctx context.Context, record *sdklog.Record) {
					var encoded *sdkrecord.Encoded
					encoded, err = reader.Encode(ctx, record, limit)
					line, meta = append(dst, encoded.Line...), encoded.Meta
					reader.Release(encoded)
					identifiesAlike(t, reader, ctx, record, meta, err)
				})
				return line, meta, err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// identifiesAlike checks that a record is said to be what its line, or the want of one, says.
func identifiesAlike(t *testing.T, reader *sdkrecord.Reader, ctx context.Context, record *sdklog.Record, meta mapping.Meta, err error) {
	t.Helper()
	if errors.Is(err, mapping.ErrTooLarge) {
		err = nil
	}
	if err == nil {
		meta.Parts, meta.Truncated = 1, false // which only the line tells
	}
	if got, gotErr := reader.Identify(ctx, record); got != meta || gotErr != err {
		t.Errorf("identified as %+v, %v; want %+v, %v", got, gotErr, meta, err)
	}
}

const (
	flowA, flowB = mappingtest.FlowA, mappingtest.FlowB
	taskA, taskB = mappingtest.TaskA, mappingtest.TaskB
)

// withBaggage puts baggage into a context.
func withBaggage(t *testing.T, ctx context.Context, members ...string) context.Context {
	t.Helper()
	var all []baggage.Member
	for i := 0; i < len(members); i += 2 {
		member, err := baggage.NewMemberRaw(members[i], members[i+1])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, member)
	}
	bag, err := baggage.New(all...)
	if err != nil {
		t.Fatal(err)
	}
	return baggage.ContextWithBaggage(ctx, bag)
}

func TestRunsOfTheContextStandBetweenRecordAndScope(t *testing.T) {
	withRun := func(ctx context.Context, flow, task string) context.Context {
		return run.NewContext(ctx, run.Info{FlowRunID: flow, TaskRunID: task})
	}
	withSpan := func(ctx context.Context, attributes ...attribute.KeyValue) context.Context {
		ctx, _ = sdktrace.NewTracerProvider().Tracer("").Start(ctx, "span", trace.WithAttributes(attributes...))
		return ctx
	}
	str := attribute.String
	tests := []struct {
		name       string
		ctx        func(context.Context) context.Context
		record     mappingtest.Record
		flow, task string
	}{
		{"the record wins over the context", func(ctx context.Context) context.Context { return withRun(ctx, flowB, taskB) },
			mappingtest.Record{Attributes: []attribute.KeyValue{str("flow_run_id", flowA)}}, flowA, ""},
		{"the context wins over baggage", func(ctx context.Context) context.Context {
			return run.TrustBaggage(withBaggage(t, withRun(ctx, flowA, ""), "flow_run_id", flowB))
		}, mappingtest.Record{}, flowA, ""},
		{"trusted baggage wins over the span", func(ctx context.Context) context.Context {
			return run.TrustBaggage(withBaggage(t, withSpan(ctx, str("flow_run_id", flowB)), "prefect.flow_run.id", flowA, "task_run_id", taskA))
		}, mappingtest.Record{}, flowA, taskA},
		{"baggage that is not trusted is not looked at", func(ctx context.Context) context.Context {
			return withBaggage(t, ctx, "prefect.flow_run.id", flowA)
		}, mappingtest.Record{ResourceAttributes: []attribute.KeyValue{str("flow_run_id", flowB)}}, flowB, ""},
		{"the span wins over the scope", func(ctx context.Context) context.Context {
			return withSpan(ctx, str("prefect.run.id", flowA), str("prefect.run.type", "flow"))
		}, mappingtest.Record{ScopeAttributes: []attribute.KeyValue{str("flow_run_id", flowB)}}, flowA, ""},
		{"a task's span in the flow run of the resource", func(ctx context.Context) context.Context {
			return withSpan(ctx, str("prefect.run.id", taskA), str("prefect.run.type", "task"))
		}, mappingtest.Record{ResourceAttributes: []attribute.KeyValue{str("flow_run_id", flowB)}}, flowB, taskA},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			enc, err := mapping.NewEncoder(mapping.Config{})
			if err != nil {
				t.Fatal(err)
			}
			reader := sdkrecord.NewReader(enc, diag.New(func(err error) { t.Error(err) }))
			emit(tt.ctx(t.Context()), tt.record, func(ctx context.Context, record *sdklog.Record) {
				encoded, err := reader.Encode(ctx, record, 1000)
				defer reader.Release(encoded)
				if want := (run.Info{FlowRunID: tt.flow, TaskRunID: tt.task}.IDs()); err != nil || encoded.Meta.Run != want {
					t.Errorf("got %v, %v", encoded.Meta.Run, err)
				}
			})
		})
	}
}

func TestARunOfAContextThatIsNoneIsToldOnce(t *testing.T) {
	enc, err := mapping.NewEncoder(mapping.Config{Default: run.Info{FlowRunID: flowB}.IDs()})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	reader := sdkrecord.NewReader(enc, diag.New(func(err error) { told = append(told, err.Error()) }))
	for i, info := range []run.Info{{FlowRunID: flowA}, {}, {FlowRunID: "secret-17"}, {FlowRunID: flowA, TaskRunID: "secret-19"}} {
		emit(run.NewContext(t.Context(), info), mappingtest.Record{Scope: "shop"}, func(ctx context.Context, record *sdklog.Record) {
			encoded, err := reader.Encode(ctx, record, 1000)
			if err != nil {
				t.Error(err)
			}
			reader.Release(encoded)
		})
		if i < 2 && len(told) > 0 {
			t.Errorf("%+v: told %q", info, told)
		}
	}
	if len(told) != 1 || !strings.Contains(told[0], "is no UUID") || strings.Contains(told[0], "secret") {
		t.Errorf("told %q", told)
	}
}

func TestARecordWithoutARunIsToldOncePerLoggerWithItsPlace(t *testing.T) {
	var told []string
	reporter := diag.New(func(err error) { told = append(told, err.Error()) })
	for _, policy := range []mapping.MissingRun{mapping.WarnMissingRun, mapping.ErrorMissingRun, mapping.IgnoreMissingRun} {
		enc, err := mapping.NewEncoder(mapping.Config{MissingRun: policy})
		if err != nil {
			t.Fatal(err)
		}
		reader := sdkrecord.NewReader(enc, reporter)
		for range 3 {
			emit(t.Context(), mappingtest.Record{Scope: "db", Body: attribute.StringValue("private"), Attributes: []attribute.KeyValue{
				attribute.String("code.function.name", "main.work"), attribute.String("code.file.path", "/src/ma\nin.go"), attribute.Int("code.line.number", 12),
			}}, func(ctx context.Context, record *sdklog.Record) {
				encoded, err := reader.Encode(ctx, record, 1000)
				if !errors.Is(err, mapping.ErrNoRun) {
					t.Error(err)
				}
				reader.Release(encoded)
			})
		}
	}
	reporter.Close()
	if len(told) != 5 { // warn once, error three times, and the count at the end
		t.Errorf("told %d times: %q", len(told), told)
	}
	for i, text := range told {
		if i < 4 && !strings.Contains(text, `logger "db", logged in main.work (/src/ma\nin.go:12), belongs to no run`) || i == 4 && !strings.Contains(text, "3 records") {
			t.Errorf("told %q", text)
		}
		if strings.Contains(text, "private") {
			t.Errorf("told what the record says: %q", text)
		}
	}
}
