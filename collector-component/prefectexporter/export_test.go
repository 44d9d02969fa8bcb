// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// What holds where the configuration has 0.
const (
	DefaultBatchSize  = defaultBatchSize
	DefaultMaxLogSize = defaultMaxLogSize
)

// What outlives an exporter, in memory: a storage extension and its name.
var (
	NewMemory = newMemory
	MemoryID  = memoryID
)

// Counted returns a counter of the exporter, of all attributes or of those that have this value.
func Counted(t *testing.T, telemetry *componenttest.Telemetry, name, value string) int {
	return counted(t, telemetry, name, value)
}

// Metrics returns what each metric is said to count, and its unit.
func Metrics(t *testing.T) map[string]string {
	t.Helper()
	noted := &noting{metrics: map[string]string{}}
	set := settingsOf(componenttest.NewTelemetry())
	set.MeterProvider = noted
	if _, err := newTelemetry(set); err != nil {
		t.Fatal(err)
	}
	return noted.metrics
}

// RequestTimeout is the time-out of the first server, with the environment where it is asked.
func (c *Config) RequestTimeout() (time.Duration, error) {
	p, err := c.plan()
	return p.connections[0].HTTP.Timeout, err
}

// noting is a provider of meters that notes what is made.
type noting struct {
	noop.MeterProvider
	metrics map[string]string
}

func (n *noting) Meter(string, ...metric.MeterOption) metric.Meter { return notingMeter{noting: n} }

type notingMeter struct {
	noop.Meter
	*noting
}

func (n notingMeter) Int64Counter(name string, options ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	c := metric.NewInt64CounterConfig(options...)
	n.metrics[name] = c.Description() + " " + c.Unit()
	return noop.Int64Counter{}, nil
}
