// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/join"
)

// scopeName is the scope of the processor's metrics.
const scopeName = "github.com/prefectlogs/prefectlogs/collector-component/prefectrunprocessor"

// From where a run was learnt.
const (
	fromSpan  = "span"
	fromLog   = "log"
	fromLabel = "label"
)

// rule is by what a log got its run: the rules of package join, and one of our own.
type rule uint8

const (
	ruleDefault = rule(join.RuleTrace) + 1
	rules       = ruleDefault + 1
)

var ruleNames = [rules]string{join.RuleNone: "none", join.RuleTask: "task", join.RuleFlow: "flow", join.RuleTrace: "trace", ruleDefault: "default"}

// telemetry are the processor's own metrics; metadata.yaml tells what each counts. It is safe for concurrent use.
type telemetry struct {
	id           metric.MeasurementOption // of the component
	by           map[string]metric.MeasurementOption
	registration metric.Registration

	spansSeen, learntRuns, stampedLogs, waitedLogs, settledLogs, lostLogs, forgotten, watches metric.Int64Counter
}

func newTelemetry(set processor.Settings, stats func() join.Stats) (*telemetry, error) {
	id := attribute.String("processor", set.ID.String())
	t := &telemetry{id: metric.WithAttributeSet(attribute.NewSet(id)), by: map[string]metric.MeasurementOption{}}
	for key, values := range map[string][]string{
		"from":    {fromSpan, fromLog, fromLabel},
		"rule":    ruleNames[:],
		"cause":   causeNames[:],
		"reason":  {"expired", "evicted", "refused"},
		"outcome": {"all", "some", "failed"},
	} {
		for _, value := range values {
			t.by[value] = metric.WithAttributeSet(attribute.NewSet(id, attribute.String(key, value)))
		}
	}
	meter := set.MeterProvider.Meter(scopeName)
	var problems []error
	for _, c := range []struct {
		counter           *metric.Int64Counter
		name, unit, about string
	}{
		{&t.spansSeen, "spans", "{span}", "Spans that were looked at."},
		{&t.learntRuns, "learnt", "{fact}", "Times that a span, a log or a label of Prefect's told the run of a span, by which of them."},
		{&t.stampedLogs, "log_records", "{record}", "Log records that were to be joined, by the rule that found their run."},
		{&t.waitedLogs, "waited_log_records", "{record}", "Log records that had to wait."},
		{&t.settledLogs, "settled_log_records", "{record}", "Log records that wait no more, by cause."},
		{&t.lostLogs, "lost_log_records", "{record}", "Log records that had waited and that the next component did not take."},
		{&t.forgotten, "forgotten", "{trace}", "Traces that are known no more, by reason; refused are spans and runs for which there was no room."},
		{&t.watches, "watches", "{question}", "Times that Prefect was asked which runs are under way, by outcome."},
	} {
		var err error
		*c.counter, err = meter.Int64Counter("otelcol_processor_prefectrun_"+c.name, metric.WithUnit(c.unit), metric.WithDescription(c.about))
		problems = append(problems, err)
	}
	var err error
	t.registration, err = t.observe(meter, stats)
	return t, errors.Join(append(problems, err)...)
}

// observe publishes the present state.
func (t *telemetry) observe(meter metric.Meter, stats func() join.Stats) (metric.Registration, error) {
	gauge := func(name, unit, about string) (metric.Int64ObservableGauge, error) {
		return meter.Int64ObservableGauge("otelcol_processor_prefectrun_"+name, metric.WithUnit(unit), metric.WithDescription(about))
	}
	traces, err1 := gauge("traces", "{trace}", "Traces that are known.")
	bytes, err2 := gauge("trace_bytes", "By", "Memory that what is known of traces takes.")
	waiting, err3 := gauge("waiting_log_records", "{record}", "Log records that wait.")
	waitingBytes, err4 := gauge("waiting_bytes", "By", "Log records that wait, in bytes.")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := stats()
		o.ObserveInt64(traces, int64(s.Traces), t.id)
		o.ObserveInt64(bytes, int64(s.Bytes), t.id)
		o.ObserveInt64(waiting, int64(s.Waiting), t.id)
		o.ObserveInt64(waitingBytes, int64(s.WaitingBytes), t.id)
		return nil
	}, traces, bytes, waiting, waitingBytes)
}

// close ends the publishing of the present state.
func (t *telemetry) close() error { return t.registration.Unregister() }

var causeNames = [...]string{join.Found: "found", join.Expired: "waited_in_vain", join.Crowded: "crowded", join.Drained: "shutdown"}

func (t *telemetry) add(counter metric.Int64Counter, n int, by metric.MeasurementOption) {
	if n > 0 {
		counter.Add(context.Background(), int64(n), by)
	}
}

func (t *telemetry) spans(seen, named int) {
	t.add(t.spansSeen, seen, t.id)
	t.learnt(fromSpan, named)
}

func (t *telemetry) learnt(from string, n int) { t.add(t.learntRuns, n, t.by[from]) }

func (t *telemetry) stamped(counts [rules]int) {
	for i, n := range counts {
		t.add(t.stampedLogs, n, t.by[ruleNames[i]])
	}
}

func (t *telemetry) waited(n int) { t.add(t.waitedLogs, n, t.id) }

func (t *telemetry) settled(causes [join.Drained + 1]int) {
	for i, n := range causes {
		t.add(t.settledLogs, n, t.by[causeNames[i]])
	}
}

func (t *telemetry) lost(n int) { t.add(t.lostLogs, n, t.id) }

func (t *telemetry) forgot(before, now join.Forgotten) {
	t.add(t.forgotten, now.Expired-before.Expired, t.by["expired"])
	t.add(t.forgotten, now.Evicted-before.Evicted, t.by["evicted"])
	t.add(t.forgotten, now.Refused-before.Refused, t.by["refused"])
}

func (t *telemetry) watched(err error, all bool) {
	switch {
	case err != nil:
		t.add(t.watches, 1, t.by["failed"])
	case all:
		t.add(t.watches, 1, t.by["all"])
	default:
		t.add(t.watches, 1, t.by["some"])
	}
}
