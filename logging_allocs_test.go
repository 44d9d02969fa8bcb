// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package prefectlogs_test

import (
	"context"
	"testing"

	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/run"
)

func TestEnabledDoesNotAllocate(t *testing.T) {
	g := setupFile(t, file, nil)
	logger := g.LoggerProvider().Logger("orders")
	ctx := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
	on, off := otellog.EnabledParameters{Severity: otellog.SeverityError}, otellog.EnabledParameters{Severity: otellog.SeverityDebug}
	carried := withBaggage(t, ctx, run.Info{FlowRunID: flowA, TaskRunID: taskA})
	for name, ctx := range map[string]context.Context{
		"no run": t.Context(), "a run": ctx, "baggage": carried, "trusted baggage": run.TrustBaggage(carried),
	} {
		if !logger.Enabled(ctx, on) || logger.Enabled(ctx, off) {
			t.Errorf("%s: ERROR is to be enabled, and DEBUG not", name)
		}
		if n := testing.AllocsPerRun(10_000, func() { logger.Enabled(ctx, on); logger.Enabled(ctx, off) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkEnabled(b *testing.B) {
	g := setupFile(b, file, nil)
	logger := g.LoggerProvider().Logger("orders")
	carried := withBaggage(b, b.Context(), run.Info{FlowRunID: flowA, TaskRunID: taskA})
	off := otellog.EnabledParameters{Severity: otellog.SeverityDebug}
	for _, bb := range []struct {
		run string
		ctx context.Context
	}{
		{"none", b.Context()},
		{"context", run.NewContext(b.Context(), run.Info{FlowRunID: flowA})},
		{"baggage", carried},
		{"trusted", run.TrustBaggage(carried)},
	} {
		b.Run("run="+bb.run, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				logger.Enabled(bb.ctx, off)
			}
		})
	}
}
