// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector makes sync.Pool forget on purpose, which then allocates.

package sdkrecord_test

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/prefectlogs/prefectlogs/internal/diag"
	"github.com/prefectlogs/prefectlogs/internal/sdkrecord"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/mapping/mappingtest"
	"github.com/prefectlogs/prefectlogs/run"
)

func TestAppendAllocatesNothing(t *testing.T) {
	enc, err := mapping.NewEncoder(mapping.Config{Default: run.Info{FlowRunID: flowA}.IDs(), Secrets: []string{"pnu_0123456789", "user:password"}, TraceIDs: true})
	if err != nil {
		t.Fatal(err)
	}
	reader := sdkrecord.NewReader(enc, diag.New(nil))
	tracer := sdktrace.NewTracerProvider().Tracer("")
	ctx, span := tracer.Start(t.Context(), "span", trace.WithAttributes(attribute.String("a", "b")))
	defer span.End()
	emit(ctx, mappingtest.Record{
		Scope: "scope", Severity: 17, SeverityText: "ERROR+2", EventName: "event", Body: attribute.Float64Value(1.5),
		Attributes: []attribute.KeyValue{
			attribute.String("exception.type", "E"), attribute.String("exception.message", "m"), attribute.String("exception.stacktrace", "s"),
			attribute.Int("n", 1), attribute.Float64("f", 0.1), attribute.Bool("b", true), attribute.String("s", "a b"), attribute.String("task_run_id", taskA),
		},
	}, func(ctx context.Context, record *sdklog.Record) {
		if n := testing.AllocsPerRun(10_000, func() {
			encoded, err := reader.Encode(ctx, record, 100_000)
			if err != nil {
				t.Error(err)
			}
			reader.Release(encoded)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
