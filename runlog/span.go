// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"context"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/prefectlogs/prefectlogs/internal/diag"
	"github.com/prefectlogs/prefectlogs/internal/sdkrecord"
)

// Compile-time check that SpanProcessor implements the SDK's interface.
var _ sdktrace.SpanProcessor = (*SpanProcessor)(nil)

// SpanProcessor puts the run of each span on it as attributes, under the keys that
// processor.NewRunAttributes uses for logs. All methods may be called concurrently. Get
// one from [NewSpanProcessor].
type SpanProcessor struct {
	stamper *sdkrecord.Stamper // nil: nothing is put on spans
}

// NewSpanProcessor returns a processor that puts the run on spans when they start,
// so that traces and run logs meet:
//
//	sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(runlog.NewSpanProcessor()), …)
//
// The run is that of the context the span is started with, of trusted baggage, of the
// parent span, of the resource, or of the environment, which is read once, here. A
// span whose own attributes name a flow run stays as it is. Prefect's own attributes of
// the spans of its runs, prefect.run.id and prefect.run.type, are not used: a span of a
// Go program is within a run and is not the run.
//
// A variable of the environment that holds no UUID counts as absent and is told of on
// standard error.
func NewSpanProcessor() *SpanProcessor {
	reporter := diag.New(nil)
	stamper, err := sdkrecord.NewStamper(reporter)
	if err != nil {
		reporter.Tell(err)
	}
	return &SpanProcessor{stamper: stamper}
}

// OnStart stamps the span.
func (p *SpanProcessor) OnStart(parent context.Context, span sdktrace.ReadWriteSpan) {
	if p.stamper == nil {
		return
	}
	if stamp := p.stamper.Span(parent, span.Attributes(), span.Resource()); len(stamp) > 0 {
		span.SetAttributes(stamp...)
	}
}

// OnEnd does nothing.
func (p *SpanProcessor) OnEnd(sdktrace.ReadOnlySpan) {}

// ForceFlush does nothing.
func (p *SpanProcessor) ForceFlush(context.Context) error { return nil }

// Shutdown does nothing.
func (p *SpanProcessor) Shutdown(context.Context) error { return nil }
