// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"reflect"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// TestEveryCounterIsAMetric gives each counter a number of its own and looks for it among what the instruments tell.
func TestEveryCounterIsAMetric(t *testing.T) {
	var s Stats
	want := map[int64]string{}
	var fill func(v reflect.Value, prefix string)
	fill = func(v reflect.Value, prefix string) {
		for field, value := range v.Fields() {
			if value.Kind() == reflect.Struct {
				fill(value, field.Name+".")
				continue
			}
			n := uint64(1) << len(want)
			value.SetUint(n)
			want[int64(n)] = prefix + field.Name
		}
	}
	fill(reflect.ValueOf(&s).Elem(), "")

	reader := metric.NewManualReader()
	source := &observed{stats: func() Stats { return s }}
	if err := registerMetrics(metric.NewMeterProvider(metric.WithReader(reader)), source); err != nil {
		t.Fatal(err)
	}
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	told := map[int64]bool{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
				told[point.Value] = true
			}
		}
	}
	for n, counter := range want {
		if !told[n] && counter != "Emitted" { // which is the sum of what is processed, queued and under way
			t.Errorf("no metric tells %s", counter)
		}
	}
}
