// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	otellog "go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
)

// collect returns what the instruments tell, by name and error.type.
func collect(t *testing.T, reader *metric.ManualReader) map[string]int64 {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			sum, ok := m.Data.(metricdata.Sum[int64])
			if !ok {
				t.Fatalf("%s is a %T", m.Name, m.Data)
			}
			for _, point := range sum.DataPoints {
				if kind, _ := point.Attributes.Value("otel.component.type"); kind.AsString() != "prefect_batch_log_processor" {
					t.Errorf("%s has component type %q", m.Name, kind.AsString())
				}
				name := m.Name
				if reason, ok := point.Attributes.Value("error.type"); ok {
					name += " " + reason.AsString()
				}
				if point.Value != 0 {
					got[name] = point.Value
				}
			}
		}
	}
	return got
}

func TestMetricsTellTheCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := metric.NewManualReader()
		r := newRig(t, nil, processor.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(reader))))
		r.server.Fault(prefecttest.Refuse(0))
		r.info(3)
		r.emit(t.Context(), otellog.SeverityInfo, "no run")
		if diff := cmp.Diff(map[string]int64{
			"otel.sdk.processor.log.processed no_run": 1, "otel.sdk.processor.log.queue.size": 3,
			"prefectlogs.queue.usage": 64 << 10, "prefectlogs.queue.limit": 16 * mib,
		}, collect(t, reader)); diff != "" {
			t.Error(diff)
		}
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // for the notice of the loss
		want := map[string]int64{
			"otel.sdk.processor.log.processed no_run": 1, "otel.sdk.processor.log.processed": 4,
			"otel.sdk.exporter.log.exported": 3, "otel.sdk.exporter.log.exported refused": 1,
			"prefectlogs.export.requests": 2, "prefectlogs.export.io": int64(r.batch.Stats().Bytes), // the second has the notice
			"prefectlogs.queue.limit": 16 * mib,
		}
		if diff := cmp.Diff(want, collect(t, reader)); diff != "" {
			t.Error(diff)
		}
		if err := r.batch.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		delete(want, "prefectlogs.queue.limit") // there is none any more; a provider that is shut down later exports the rest
		if diff := cmp.Diff(want, collect(t, reader)); diff != "" {
			t.Errorf("after the shutdown: %s", diff)
		}
	})
}
