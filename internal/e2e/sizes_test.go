// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// BenchmarkRequestSizes compares fixed sizes of requests with the one that the
// processor finds by itself, on real servers and with a backlog:
//
//	go test ./internal/e2e -run '^$' -bench RequestSizes -benchtime 3x
func BenchmarkRequestSizes(b *testing.B) {
	for _, row := range []servers.Row{servers.Prefect38SQLite, servers.Prefect38PostgreSQL} {
		for _, size := range []int{50, 200, 1000, 0} {
			name := fmt.Sprintf("%v/records=%d", row, size)
			var opts []processor.Option
			if size > 0 {
				opts = append(opts, processor.WithBatchRecords(size))
			} else {
				name = fmt.Sprintf("%v/adaptive", row)
			}
			b.Run(name, func(b *testing.B) { benchmarkSize(b, row, opts) })
		}
	}
}

func benchmarkSize(b *testing.B, row servers.Row, opts []processor.Option) {
	const records = 20_000
	server := serverstest.Get(b, row)
	flow, err := server.NewFlowRun(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	loaded, err := settings.Load(settings.WithoutFiles(), settings.WithEnvironment(nil), settings.WithValue("PREFECT_API_URL", server.APIURL()))
	if err != nil {
		b.Fatal(err)
	}
	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: flow})
	body := strings.Repeat("x", 200)
	var spent time.Duration
	for b.Loop() {
		pipeline, err := prefectlogs.Setup(ctx, prefectlogs.WithSettings(loaded), prefectlogs.WithBatch(opts...))
		if err != nil {
			b.Fatal(err)
		}
		logger := pipeline.Logger("sizes")
		began := time.Now()
		for range records {
			logger.InfoContext(ctx, body)
		}
		if err := pipeline.Shutdown(ctx); err != nil {
			b.Fatal(err)
		}
		spent += time.Since(began)
		if s := pipeline.Stats(); s.Stored != records {
			b.Fatalf("stats %v", s)
		}
	}
	b.ReportMetric(float64(records)*float64(b.N)/spent.Seconds(), "rows/s")
	b.ReportMetric(0, "ns/op")
}
