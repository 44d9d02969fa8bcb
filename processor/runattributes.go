// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"context"
	"errors"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/internal/diag"
	"github.com/prefectlogs/prefectlogs/internal/sdkrecord"
)

// Compile-time check that RunAttributes implements the SDK's interface.
var _ sdklog.Processor = (*RunAttributes)(nil)

// RunAttributes is a processor that puts the run of each record on it as
// attributes. What follows then needs no context to know whose log it is: the SDK's
// own BatchProcessor, an OTLP exporter and the Collector behind it. All methods may be
// called concurrently. Get one from [NewRunAttributes].
type RunAttributes struct {
	stamper *sdkrecord.Stamper // nil: nothing is put on records
	next    []sdklog.Processor
}

// NewRunAttributes returns a processor that puts the run on each record, and then
// hands the record to next. Registered with a provider it needs no next, since the
// processors that are registered after it get the record with its run anyway:
//
//	sdklog.NewLoggerProvider(
//		sdklog.WithProcessor(processor.NewRunAttributes()), // the line to add
//		sdklog.WithProcessor(sdklog.NewBatchProcessor(otlp)),
//	)
//
// The run is found as package mapping says: in the record's attributes, the context
// of the call, trusted baggage, the span in the context, scope, resource and the
// environment, which is read once, here. A record whose own attributes name a flow run
// stays as it is; one that names a task run alone gets the flow run that goes with it.
//
//	attribute                                       where
//	prefect.flow_run.id                             the record belongs to a run
//	prefect.task_run.id                             it belongs to a task run
//	prefect.flow_run.name, prefect.flow.name,       context or environment tell the
//	prefect.deployment.name                         names of that flow run
//	prefect.task_run.name, prefect.task.name        and of that task run
//	send_to_api=false                               the record is of our own requests to Prefect
//
// A variable of the environment that holds no UUID counts as absent and is told of on
// standard error.
func NewRunAttributes(next ...sdklog.Processor) *RunAttributes {
	reporter := diag.New(nil)
	stamper, err := sdkrecord.NewStamper(reporter)
	if err != nil {
		reporter.Tell(err)
	}
	return &RunAttributes{stamper: stamper, next: next}
}

// Enabled reports whether a processor it hands records to wants one: by itself it
// wants none, it only changes those that somebody else wants.
func (p *RunAttributes) Enabled(ctx context.Context, param sdklog.EnabledParameters) bool {
	for _, next := range p.next {
		if next.Enabled(ctx, param) {
			return true
		}
	}
	return false
}

// OnEmit stamps the record. An error is one of the processors it hands records to.
func (p *RunAttributes) OnEmit(ctx context.Context, record *sdklog.Record) error {
	if p.stamper != nil {
		add(record, p.stamper.Record(ctx, record))
	}
	return p.each(func(next sdklog.Processor) error { return next.OnEmit(ctx, record) })
}

// add adds attributes. A record that is full, by the provider's limit of
// attributes, loses its last ones to them: without its run it would be lost itself.
func add(record *sdklog.Record, attributes []attribute.KeyValue) {
	if len(attributes) == 0 {
		return
	}
	before := record.AttributesLen()
	record.AddAttributes(attributes...)
	if record.AttributesLen() == before+len(attributes) {
		return
	}
	all := slices.Grow(slices.Clone(attributes), before)
	record.WalkAttributes(func(kv attribute.KeyValue) bool {
		if !slices.ContainsFunc(attributes, func(added attribute.KeyValue) bool { return added.Key == kv.Key }) {
			all = append(all, kv)
		}
		return true
	})
	record.SetAttributes(all...)
}

// ForceFlush flushes the processors it hands records to.
func (p *RunAttributes) ForceFlush(ctx context.Context) error {
	return p.each(func(next sdklog.Processor) error { return next.ForceFlush(ctx) })
}

// Shutdown shuts down the processors it hands records to.
func (p *RunAttributes) Shutdown(ctx context.Context) error {
	return p.each(func(next sdklog.Processor) error { return next.Shutdown(ctx) })
}

func (p *RunAttributes) each(do func(sdklog.Processor) error) error {
	var problems []error
	for _, next := range p.next {
		problems = append(problems, do(next))
	}
	return errors.Join(problems...)
}
