// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package prefectlogs_test

import (
	"testing"

	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/run"
)

func TestEnabledDoesNotAllocate(t *testing.T) {
	g := setupFile(t, file, nil)
	logger := g.LoggerProvider().Logger("orders")
	ctx := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
	on, off := otellog.EnabledParameters{Severity: otellog.SeverityError}, otellog.EnabledParameters{Severity: otellog.SeverityDebug}
	if !logger.Enabled(ctx, on) || logger.Enabled(ctx, off) {
		t.Error("ERROR is to be enabled, and DEBUG not")
	}
	if n := testing.AllocsPerRun(10_000, func() { logger.Enabled(ctx, on); logger.Enabled(ctx, off) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEnabled(b *testing.B) {
	g := setupFile(b, file, nil)
	logger := g.LoggerProvider().Logger("orders")
	ctx := run.NewContext(b.Context(), run.Info{FlowRunID: flowA})
	off := otellog.EnabledParameters{Severity: otellog.SeverityDebug}
	b.ReportAllocs()
	for b.Loop() {
		logger.Enabled(ctx, off)
	}
}
