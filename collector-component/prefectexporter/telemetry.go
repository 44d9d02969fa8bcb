// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// scopeName is the scope of the exporter's metrics.
const scopeName = "github.com/prefectlogs/prefectlogs/collector-component/prefectexporter"

// Why records are not sent, beside the reasons for which a server refuses them.
const (
	reasonNoRun         = "no_run"
	reasonOptedOut      = "opted_out"
	reasonDisabled      = "disabled"
	reasonTooLarge      = "too_large"
	reasonNoTarget      = "no_target"
	reasonUnknownTarget = "unknown_target"
	reasonQueue         = "queue_full"
)

// telemetry are the exporter's own metrics; metadata.yaml tells what each counts. It is safe for concurrent use.
type telemetry struct {
	id     attribute.KeyValue // of the component
	target attribute.Set

	storedLogs, refusedLogs, skippedRecords, droppedRecords   metric.Int64Counter
	truncatedLogs, resolvedLogs, resentLogs, blindLogs, twice metric.Int64Counter
	requests                                                  metric.Int64Counter
}

func newTelemetry(set exporter.Settings) (*telemetry, error) {
	t := &telemetry{id: attribute.String("exporter", set.ID.String())}
	t.target = attribute.NewSet(t.id)
	meter := set.MeterProvider.Meter(scopeName)
	var problems []error
	for _, c := range []struct {
		counter           *metric.Int64Counter
		name, unit, about string
	}{
		{&t.storedLogs, "stored_logs", "{log}", "Logs that a server has stored."},
		{&t.refusedLogs, "refused_logs", "{log}", "Logs that a server does not store, by reason."},
		{&t.skippedRecords, "skipped_log_records", "{record}", "Log records that are not sent, by reason."},
		{&t.droppedRecords, "dropped_log_records", "{record}", "Log records given up for want of room, by reason."},
		{&t.truncatedLogs, "truncated_logs", "{log}", "Stored logs whose message was cut at the limit."},
		{&t.resolvedLogs, "resolved_logs", "{log}", "Stored logs that were found on the server although no answer had said so."},
		{&t.resentLogs, "resent_logs", "{log}", "Stored logs that were sent again after a try that might have stored them."},
		{&t.blindLogs, "blind_logs", "{log}", "Resent logs that could not be looked for, since the server does not let itself be asked."},
		{&t.twice, "duplicated_logs", "{log}", "Logs that were found to stand twice."},
		{&t.requests, "requests", "{request}", "Requests that post logs, by their outcome."},
	} {
		var err error
		*c.counter, err = meter.Int64Counter("otelcol_exporter_prefect_"+c.name, metric.WithUnit(c.unit), metric.WithDescription(c.about))
		problems = append(problems, err)
	}
	return t, errors.Join(problems...)
}

// of returns the metrics of a target.
func (t *telemetry) of(target string) *telemetry {
	own := *t
	if target != "" {
		own.target = attribute.NewSet(t.id, attribute.String("target", target))
	}
	return &own
}

func (t *telemetry) add(ctx context.Context, counter metric.Int64Counter, n int) {
	if n > 0 {
		counter.Add(ctx, int64(n), metric.WithAttributeSet(t.target))
	}
}

func (t *telemetry) addBy(ctx context.Context, counter metric.Int64Counter, key, value string, n int) {
	if n > 0 {
		counter.Add(ctx, int64(n), metric.WithAttributeSet(t.target), metric.WithAttributes(attribute.String(key, value)))
	}
}

// outcome counts what became of a request.
func (t *telemetry) outcome(ctx context.Context, o payload.Outcome) {
	t.add(ctx, t.storedLogs, o.Stored)
	t.add(ctx, t.resolvedLogs, o.Resolved)
	t.add(ctx, t.resentLogs, o.Resent)
	t.add(ctx, t.blindLogs, o.Blind)
	t.add(ctx, t.twice, o.Duplicated)
	for _, refusal := range o.Refused {
		t.addBy(ctx, t.refusedLogs, "reason", string(refusal.Reason), 1)
	}
}

func (t *telemetry) truncated(ctx context.Context, n int) { t.add(ctx, t.truncatedLogs, n) }

func (t *telemetry) skipped(ctx context.Context, reason string, n int) {
	t.addBy(ctx, t.skippedRecords, "reason", reason, n)
}

func (t *telemetry) lost(ctx context.Context, reason string, n int) {
	t.addBy(ctx, t.droppedRecords, "reason", reason, n)
}

// request counts a request that posted logs.
func (t *telemetry) request(ctx context.Context, err error) {
	t.addBy(ctx, t.requests, "outcome", outcomeOf(err), 1)
}

// outcomeOf tells in a word how a request ended.
func outcomeOf(err error) string {
	if err == nil {
		return "stored"
	}
	answer, ok := errors.AsType[*prefectapi.Error](err)
	if !ok {
		return "no_answer"
	}
	switch answer.Kind {
	case prefectapi.KindRecords, prefectapi.KindRequest, prefectapi.KindConflict:
		return "refused"
	case prefectapi.KindTooLarge:
		return "too_large"
	case prefectapi.KindAccess:
		return "no_access"
	case prefectapi.KindBusy:
		return "busy"
	case prefectapi.KindServer:
		return "server_error"
	}
	return "no_answer"
}

// reasonFor tells why a record has no line.
func reasonFor(err error) string {
	switch {
	case errors.Is(err, mapping.ErrNoRun):
		return reasonNoRun
	case errors.Is(err, mapping.ErrOptedOut):
		return reasonOptedOut
	case errors.Is(err, mapping.ErrDisabled):
		return reasonDisabled
	}
	return reasonTooLarge
}
