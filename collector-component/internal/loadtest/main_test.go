// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

func TestARunIsALineThatBenchstatReads(t *testing.T) {
	got := line("otlp_http, JSON", cost{cpu: 8 * time.Second, memory: 250 << 20, wall: 10 * time.Second, bytes: 1_000_000_000}, 2_000_000)
	const want = "BenchmarkCollector/otlp_http_JSON 2000000 5000 ns/op 4.000 cpu-s/million 250 peak-MiB 200000 records/s 500 wire-B/record"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRecordsAreCountedInEachForm(t *testing.T) {
	request := plogotlp.NewExportRequestFromLogs(corpus())
	proto, err := request.MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := request.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range exporters {
		body := proto
		switch e.mark {
		case `"severityNumber":`:
			body = asJSON
		case `"level":`:
			continue // a server of Prefect's tells
		}
		if n := count(body, e.mark); n != perPush {
			t.Errorf("%s: %d records counted, want %d", e.name, n, perPush)
		}
	}
	if n := count([]byte(`[{"level":20,"message":"a"},{"level":40,"message":"\"level\":"}]`), `"level":`); n != 2 {
		t.Errorf("%d lines counted, want 2", n)
	}
}
