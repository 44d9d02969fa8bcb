// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
)

// accepting answers every request at once, as a server that stores it.
type accepting struct{}

func (accepting) RoundTrip(r *http.Request) (*http.Response, error) {
	_, err := io.Copy(io.Discard, r.Body)
	_ = r.Body.Close() // it has been read
	return &http.Response{StatusCode: http.StatusCreated, Body: http.NoBody, Request: r}, err
}

// corpus is a push of n records: message of 200 bytes, 6 attributes of which 2 are run ids.
func corpus(n int) plog.Logs {
	all := logs(numbers(n)...)
	all.ResourceLogs().At(0).Resource().Attributes().Clear()
	for _, record := range records(all) {
		record.Body().SetStr(strings.Repeat("x", 200))
		record.Attributes().PutStr("flow_run_id", flowRun)
		record.Attributes().PutStr("task_run_id", other)
		record.Attributes().PutStr("http.method", "GET")
		record.Attributes().PutInt("http.status", 200)
		record.Attributes().PutStr("user", "somebody")
		record.Attributes().PutDouble("seconds", 0.25)
	}
	return all
}

// A push of 1,000 records over no network at all: what the exporter itself costs, for one record.
func BenchmarkPush(b *testing.B) {
	config := createDefaultConfig()
	config.ClientConfig.Endpoint = "http://127.0.0.1:4200/api"
	set := exportertest.NewNopSettings(Type)
	e, err := newLogs(b.Context(), set, config)
	if err != nil {
		b.Fatal(err)
	}
	if err := e.targets[0].connect(accepting{}); err != nil {
		b.Fatal(err)
	}
	const n = 1000
	push := corpus(n)
	b.ReportAllocs()
	records := 0
	for b.Loop() {
		if err := e.targets[0].push(b.Context(), push); err != nil {
			b.Fatal(err)
		}
		records += n
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
}
