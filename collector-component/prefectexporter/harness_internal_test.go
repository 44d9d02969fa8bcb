// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/goleak"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	flowRun = "11111111-1111-4111-8111-111111111111"
	other   = "22222222-2222-4222-8222-222222222222"
)

// day is the time of the first record of tests.
var day = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// bench is an exporter of one target to a server in memory, without the helper: what is pushed is what a test pushes.
type bench struct {
	*target
	server    *prefecttest.Server
	telemetry *componenttest.Telemetry
	host      *reportingHost
}

// newBench makes a bench; configure changes the default configuration.
func newBench(t *testing.T, configure func(*Config), opts ...prefecttest.Option) *bench {
	t.Helper()
	b := &bench{server: prefecttest.NewServer(t, opts...), telemetry: componenttest.NewTelemetry(), host: &reportingHost{Host: componenttest.NewNopHost()}}
	config := createDefaultConfig()
	config.ClientConfig.Endpoint = b.server.URL()
	if configure != nil {
		configure(config)
	}
	set := settingsOf(b.telemetry)
	e, err := newLogs(t.Context(), set, config)
	if err != nil {
		t.Fatal(err)
	}
	b.target = e.targets[0]
	e.health.start(b.host)
	if err := b.connect(b.server.Transport()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.end(nil)
		b.client.Close()
		if err := b.telemetry.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return b
}

func settingsOf(telemetry *componenttest.Telemetry) exporter.Settings {
	set := exportertest.NewNopSettings(Type)
	set.ID = component.NewID(Type)
	set.TelemetrySettings = telemetry.NewTelemetrySettings()
	return set
}

// reportingHost keeps what is reported of the component's status.
type reportingHost struct {
	component.Host
	mu     sync.Mutex // guards events
	events []string
}

func (h *reportingHost) Report(e *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := e.Status().String()
	if e.Err() != nil {
		text += ": " + e.Err().Error()
	}
	h.events = append(h.events, text)
}

func (h *reportingHost) reported() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.events)
}

// messages lists the messages on the server in the order of storing.
func (b *bench) messages() []string {
	all := []string{}
	for _, log := range b.server.Logs() {
		all = append(all, log.Message)
	}
	return all
}

// posts lists the requests that posted logs, as "3 201" of three records.
func (b *bench) posts() []string {
	all := []string{}
	for _, r := range b.server.Requests() {
		if r.Path == "/api/logs/" {
			all = append(all, fmt.Sprintf("%d %d", strings.Count(string(r.Body), `"level":`), r.Status))
		}
	}
	return all
}

// count returns a counter of the exporter, of all attributes or of those that have this value.
func (b *bench) count(t *testing.T, name, value string) int {
	t.Helper()
	return counted(t, b.telemetry, name, value)
}

func counted(t *testing.T, telemetry *componenttest.Telemetry, name, value string) int {
	t.Helper()
	m, err := telemetry.GetMetric("otelcol_exporter_prefect_" + name)
	if err != nil {
		return 0 // it has not been counted yet
	}
	sum := 0
	for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
		if value == "" || slices.ContainsFunc(point.Attributes.ToSlice(), func(kv attribute.KeyValue) bool { return kv.Value.Emit() == value }) {
			sum += int(point.Value)
		}
	}
	return sum
}

// logs makes a push of one record for each message, of the flow run and a time a second later than the one before.
func logs(messages ...string) plog.Logs {
	all := plog.NewLogs()
	resource := all.ResourceLogs().AppendEmpty()
	resource.Resource().Attributes().PutStr("flow_run_id", flowRun)
	scope := resource.ScopeLogs().AppendEmpty()
	scope.Scope().SetName("scope")
	for i, message := range messages {
		record := scope.LogRecords().AppendEmpty()
		record.Body().SetStr(message)
		record.SetTimestamp(pcommon.NewTimestampFromTime(day.Add(time.Duration(i) * time.Second)))
		record.SetObservedTimestamp(record.Timestamp())
		record.SetSeverityNumber(plog.SeverityNumberInfo)
	}
	return all
}

// records lists the records of a push.
func records(all plog.Logs) []plog.LogRecord {
	var list []plog.LogRecord
	for _, resource := range all.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				list = append(list, record)
			}
		}
	}
	return list
}

func textsOf(all plog.Logs) []string {
	list := []string{}
	for _, record := range records(all) {
		list = append(list, record.Body().Str())
	}
	return list
}

// numbers lists the numbers from 0.
func numbers(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}
	return list
}

func stamp(at time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(at) }
