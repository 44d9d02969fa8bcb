// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/trace"

	"github.com/prefectlogs/prefectlogs/collector-component/prefectexporter"
)

// exporterRow is an exporter of the Collector.
type exporterRow struct {
	name    string
	factory func() exporter.Factory
	path    string
	config  map[string]any
}

// exporters are compared alone: what is pushed is sent when the push returns.
var exporters = []exporterRow{
	{"prefect", prefectexporter.NewFactory, "/api", nil},
	{"prefect, 1000 records a request", prefectexporter.NewFactory, "/api", map[string]any{"batch_records": 1000}},
	{"otlp_http, JSON", otlphttpexporter.NewFactory, "", map[string]any{"encoding": "json"}},
	{"otlp_http, protobuf", otlphttpexporter.NewFactory, "", map[string]any{"encoding": "proto"}},
}

const aloneGoal = "Collector: time of the exporter alone, against otlp_http JSON"

// perPush is how many records a push has.
const perPush = 1000

func compareExporters(b *bench) error {
	found := make([][]result, len(exporters))
	for round := range b.rounds {
		for i := range exporters {
			at := (i + round) % len(exporters)
			e := exporters[at]
			b.progress("%s alone, round %d of %d", e.name, round+1, b.rounds)
			l := b.shrink(growing(200_000, 1, 1))
			l.Records = max(l.Records/perPush*perPush, perPush)
			r, err := inProcess(job{Kind: "exporter", Peer: e.name, Server: b.null, Load: l})
			if err != nil {
				return err
			}
			got, err := ask(b.null)
			if err != nil {
				return err
			}
			if want := l.Records + perPush; got.Records != want {
				return fmt.Errorf("%s: %d records of %d came", e.name, got.Records, want)
			}
			found[at] = append(found[at], r)
			writeLine(&b.raw, "CollectorExporter/"+e.name, r.NS, "%.2f allocs/op %.3f cpu-s/million", r.Allocs, r.CPU)
		}
	}
	w := &b.section
	fmt.Fprintln(w, "| exporter alone | ns | spread | allocations | CPU s/million | time of prefect, against it | CPU of prefect, against it |\n|---|---|---|---|---|---|---|")
	for i, e := range exporters {
		ns := figureOf(found[i], func(r result) float64 { return r.NS })
		against := compared(found[0], found[i], func(r result) float64 { return r.NS })
		fmt.Fprintf(w, "| %s | %.0f | %.0f-%.0f | %.1f | %.2f | %s | %s |\n", e.name, ns.median, ns.low, ns.high,
			figureOf(found[i], func(r result) float64 { return r.Allocs }).median, figureOf(found[i], func(r result) float64 { return r.CPU }).median, against,
			compared(found[0], found[i], func(r result) float64 { return r.CPU }))
		if e.name == "otlp_http, JSON" {
			b.found[aloneGoal] = against
		}
	}
	fmt.Fprintln(w)
	return nil
}

// exportHere pushes records to an exporter of the Collector, without queue, compression and retries.
func exportHere(j job) (r result, err error) {
	ctx := context.Background()
	logs, err := openExporter(ctx, j, map[string]any{"enabled": false})
	if err != nil {
		return r, err
	}
	r, err = timePushes(ctx, logs, newPush(j.Load), max(j.Load.Records/perPush, 1))
	if err != nil {
		return r, err
	}
	return r, logs.Shutdown(ctx)
}

// openExporter starts the exporter that a job names, with a queue, without compression and retries.
func openExporter(ctx context.Context, j job, queue map[string]any) (exporter.Logs, error) {
	at := slices.IndexFunc(exporters, func(e exporterRow) bool { return e.name == j.Peer })
	if at < 0 {
		return nil, fmt.Errorf("there is no exporter %q", j.Peer)
	}
	e := exporters[at]
	factory := e.factory()
	config := factory.CreateDefaultConfig()
	told := map[string]any{
		"endpoint": "http://" + j.Server + e.path, "compression": "none",
		"sending_queue": queue, "retry_on_failure": map[string]any{"enabled": false},
	}
	maps.Copy(told, e.config)
	if err := confmap.NewFromStringMap(told).Unmarshal(config); err != nil {
		return nil, err
	}
	logs, err := factory.CreateLogs(ctx, exportertest.NewNopSettings(factory.Type()), config)
	if err != nil {
		return nil, err
	}
	return logs, logs.Start(ctx, componenttest.NewNopHost())
}

// newPush is a push of records as those of the corpus.
func newPush(l load) plog.Logs {
	c := newCorpus(l, "")
	span := trace.SpanContextFromContext(c.ctx)
	all := plog.NewLogs()
	scope := all.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	scope.Scope().SetName("benchmark")
	now := time.Now()
	for i := range perPush {
		record := scope.LogRecords().AppendEmpty()
		record.SetTimestamp(pcommon.NewTimestampFromTime(now.Add(time.Duration(i) * time.Microsecond)))
		record.SetSeverityNumber(plog.SeverityNumberInfo)
		record.Body().SetStr(c.message)
		record.SetTraceID(pcommon.TraceID(span.TraceID()))
		record.SetSpanID(pcommon.SpanID(span.SpanID()))
		for _, kv := range c.attributes[0] {
			_ = record.Attributes().PutEmpty(string(kv.Key)).FromRaw(kv.Value.AsInterface()) // texts and numbers are known
		}
	}
	return all
}

// timePushes pushes once to warm up, and then n times.
func timePushes(ctx context.Context, logs exporter.Logs, push plog.Logs, n int) (r result, err error) {
	if err := logs.ConsumeLogs(ctx, push); err != nil {
		return r, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, err := processorTime()
	if err != nil {
		return r, err
	}
	began := time.Now()
	for range n {
		if err := logs.ConsumeLogs(ctx, push); err != nil {
			return r, err
		}
	}
	took := time.Since(began)
	end, err := processorTime()
	if err != nil {
		return r, err
	}
	runtime.ReadMemStats(&after)
	records := float64(n * perPush)
	r.NS = float64(took.Nanoseconds()) / records
	r.Allocs = float64(after.Mallocs-before.Mallocs) / records
	r.CPU = (end - cpu).Seconds() / records * 1e6
	return r, nil
}
