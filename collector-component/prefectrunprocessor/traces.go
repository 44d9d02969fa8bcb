// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/join"
	"github.com/prefectlogs/prefectlogs/run"
)

// Compile-time check that tracesProcessor is what the Collector wants.
var _ processor.Traces = (*tracesProcessor)(nil)

// tracesProcessor learns from spans and hands them on as they are.
type tracesProcessor struct {
	user
	next consumer.Traces
}

// Capabilities says that spans are only read.
func (p *tracesProcessor) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// Start begins what all users of the core share.
func (p *tracesProcessor) Start(ctx context.Context, host component.Host) error {
	return p.core.start(ctx, host)
}

// Shutdown ends the use of the core.
func (p *tracesProcessor) Shutdown(context.Context) error {
	p.leave()
	return nil
}

// spanFact is what a span tells.
type spanFact struct {
	trace      join.TraceID
	id, parent join.SpanID
	run        run.IDs
	itself     bool
	around     run.IDs // what its resource or scope says: the trace knows of that run, but the span may be in a sub-flow of it
}

// ConsumeTraces learns and hands on. To learn the same twice, as when a push is sent again, does no harm.
func (p *tracesProcessor) ConsumeTraces(ctx context.Context, traces ptrace.Traces) error {
	facts := make([]spanFact, 0, traces.SpanCount())
	named := 0
	for _, resource := range traces.ResourceSpans().All() {
		around := p.core.idsOf(resource.Resource().Attributes()).run
		for _, scope := range resource.ScopeSpans().All() {
			around := p.core.idsOf(scope.Scope().Attributes()).run.Or(around)
			for _, span := range scope.Spans().All() {
				if span.TraceID().IsEmpty() {
					continue
				}
				own := p.core.idsOf(span.Attributes())
				fact := spanFact{
					trace: join.TraceID(span.TraceID()), id: join.SpanID(span.SpanID()), parent: join.SpanID(span.ParentSpanID()),
					run: own.run, itself: own.flowItself, around: around,
				}
				if own.run != (run.IDs{}) || around != (run.IDs{}) {
					named++
				}
				facts = append(facts, fact)
			}
		}
	}
	p.core.with(func(j *join.Joiner[held], now time.Time) {
		for i := range facts {
			f := &facts[i]
			j.Span(now, f.trace, f.id, f.parent, f.run, f.itself)
			if f.around != (run.IDs{}) {
				j.Log(now, f.trace, join.SpanID{}, f.around)
			}
		}
	})
	p.core.telemetry.spans(len(facts), named)
	return p.next.ConsumeTraces(ctx, traces)
}
