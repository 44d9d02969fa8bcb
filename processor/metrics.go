// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// componentType names this processor among those of OpenTelemetry's semantic
// conventions (otel.component.type).
const componentType = "prefect_batch_log_processor"

// components counts the processors of the process, for otel.component.name.
var components atomic.Int64

// observed is what metrics read: the counters of a batch and the size of its queue, and behind its shutdown the last counters. A
// meter provider that is shut down later still exports those; the batch is not kept for them.
type observed struct {
	mu        sync.Mutex // guards what follows
	stats     func() Stats
	queueSize int
}

func (o *observed) read() (stats Stats, queueSize int) {
	o.mu.Lock()
	read, queueSize := o.stats, o.queueSize
	o.mu.Unlock()
	return read(), queueSize
}

func (o *observed) end(last Stats) {
	o.mu.Lock()
	o.stats, o.queueSize = func() Stats { return last }, 0
	o.mu.Unlock()
}

// registerMetrics publishes the counters of a batch. The instruments read
// them when they are asked, so they cost a log call nothing.
func registerMetrics(provider metric.MeterProvider, source *observed) error {
	meter := provider.Meter("github.com/prefectlogs/prefectlogs/processor")
	var problems []error
	counter := func(name, unit, description string) metric.Int64Observable {
		instrument, err := meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		problems = append(problems, err)
		return instrument
	}
	gauge := func(name, unit, description string) metric.Int64Observable {
		instrument, err := meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		problems = append(problems, err)
		return instrument
	}
	const record, byteUnit = "{log_record}", "By"
	processed := counter("otel.sdk.processor.log.processed", record, "Log records for which the processing has finished, well or with an error.type.")
	size := gauge("otel.sdk.processor.log.queue.size", record, "Log records that wait.")
	exported := counter("otel.sdk.exporter.log.exported", record, "Log records for which the export has finished, well or with an error.type.")
	inFlight := gauge("otel.sdk.exporter.log.inflight", record, "Log records in the request under way.")
	requests := counter("prefectlogs.export.requests", "{request}", "Requests handed to the exporter.")
	sent := counter("prefectlogs.export.io", byteUnit, "Bytes of those requests.")
	retries := counter("prefectlogs.export.retries", "{retry}", "Tries again of those requests, each behind a wait.")
	resolved := counter("prefectlogs.log.resolved", record, "Log records found on the server though no answer said that they were stored.")
	resent := counter("prefectlogs.log.resent", record, "Log records stored by another try after one that might have stored them.")
	blind := counter("prefectlogs.log.blind", record, "Log records stored so without having been looked for, since the server could not be asked.")
	duplicated := counter("prefectlogs.log.duplicated", record, "Log records that were found to stand twice on the server.")
	adopted := counter("prefectlogs.spool.adopted", record, "Log records taken over from processes that have ended.")
	spooled := gauge("prefectlogs.spool.size", record, "Log records that wait in files alone.")
	unspooled := counter("prefectlogs.spool.missed", record, "Log records that are in no file, since the disk failed.")
	usage := gauge("prefectlogs.queue.usage", byteUnit, "Memory of the queue, records under way included.")
	limit := gauge("prefectlogs.queue.limit", byteUnit, "Memory that the queue may take.")
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("processor: metrics: %w", err)
	}

	component := []attribute.KeyValue{
		attribute.String("otel.component.type", componentType),
		attribute.String("otel.component.name", fmt.Sprintf("%s/%d", componentType, components.Add(1)-1)),
	}
	with := func(reason string) metric.ObserveOption {
		attributes := component[:len(component):len(component)]
		if reason != "" {
			attributes = append(attributes, attribute.String("error.type", reason))
		}
		return metric.WithAttributeSet(attribute.NewSet(attributes...))
	}
	plain := with("")
	reasons := map[string]metric.ObserveOption{}
	for reason := range (Stats{}).reasons() {
		reasons[reason] = with(reason)
	}
	refusedOption, unknownOption := with("refused"), with("unknown")

	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s, queueSize := source.read()
		o.ObserveInt64(processed, int64(s.Stored+s.Refused+s.Unknown), plain)
		for reason, n := range s.reasons() {
			o.ObserveInt64(processed, int64(n), reasons[reason])
		}
		o.ObserveInt64(size, int64(s.Queued), plain)
		o.ObserveInt64(exported, int64(s.Stored), plain)
		o.ObserveInt64(exported, int64(s.Refused), refusedOption)
		o.ObserveInt64(exported, int64(s.Unknown), unknownOption)
		o.ObserveInt64(inFlight, int64(s.InFlight), plain)
		o.ObserveInt64(requests, int64(s.Requests), plain)
		o.ObserveInt64(sent, int64(s.Bytes), plain)
		o.ObserveInt64(retries, int64(s.Retries), plain)
		o.ObserveInt64(resolved, int64(s.Resolved), plain)
		o.ObserveInt64(resent, int64(s.Resent), plain)
		o.ObserveInt64(blind, int64(s.Blind), plain)
		o.ObserveInt64(duplicated, int64(s.Duplicated), plain)
		o.ObserveInt64(adopted, int64(s.Adopted), plain)
		o.ObserveInt64(spooled, int64(s.Spooled), plain)
		o.ObserveInt64(unspooled, int64(s.Unspooled), plain)
		o.ObserveInt64(usage, int64(s.QueuedBytes), plain)
		o.ObserveInt64(limit, int64(queueSize), plain)
		return nil
	}, processed, size, exported, inFlight, requests, sent, retries, resolved, resent, blind, duplicated, adopted, spooled, unspooled, usage, limit)
	if err != nil {
		return fmt.Errorf("processor: metrics: %w", err)
	}
	return nil
}

// reasons returns why records were not handed to the exporter, and how many.
func (s Stats) reasons() map[string]uint64 {
	return map[string]uint64{
		"queue_full": s.Dropped.QueueFull,
		"too_large":  s.Dropped.TooLarge,
		"spool_full": s.Dropped.SpoolFull,
		"spool_lost": s.Dropped.SpoolLost,
		"shutdown":   s.Dropped.Shutdown,
		"no_run":     s.Skipped.NoRun,
		"opted_out":  s.Skipped.OptedOut,
		"disabled":   s.Skipped.Disabled,
		"own":        s.Skipped.Own,
	}
}
