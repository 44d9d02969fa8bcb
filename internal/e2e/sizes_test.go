// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"cmp"
	"context"
	"slices"
	"strconv"
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
// processor finds by itself, on real servers and with a backlog. In each round every
// size gets its turn on the same server, so that what else the machine does
// hits all alike; the first round is for finding the pace and is not counted.
//
//	go test ./internal/e2e -run '^$' -bench RequestSizes -benchtime 6x
func BenchmarkRequestSizes(b *testing.B) {
	for _, row := range []servers.Row{servers.Prefect38SQLite, servers.Prefect38PostgreSQL} {
		b.Run(row.String(), func(b *testing.B) {
			server := serverstest.Get(b, row)
			adaptive := newSized(b, server, 0)
			all := []*sized{adaptive}
			for _, size := range []int{50, 100, 200, 400, 1000} {
				all = append(all, newSized(b, server, size))
			}
			for _, s := range all {
				s.round(b)
				s.rates = nil
			}
			for i := 0; b.Loop(); i++ {
				for j := range all { // each time another one begins
					all[(i+j)%len(all)].round(b)
				}
			}
			best := slices.MaxFunc(all[1:], func(x, y *sized) int { return cmp.Compare(x.median(), y.median()) })
			var ratios []float64
			for i, rate := range adaptive.rates {
				ratios = append(ratios, rate/best.rates[i])
			}
			slices.Sort(ratios)
			for _, s := range all {
				b.ReportMetric(s.median(), "rows/s:"+s.name)
			}
			b.ReportMetric(ratios[len(ratios)/2], "adaptive/best")
			b.ReportMetric(0, "ns/op")
			b.Logf("adaptive against %s, by round: %.2f", best.name, ratios)
		})
	}
}

// sized is a pipeline with one size of requests.
type sized struct {
	name     string
	ctx      context.Context
	pipeline *prefectlogs.Pipeline
	rates    []float64 // rows per second of each round
}

func newSized(b *testing.B, server *servers.Server, size int) *sized {
	b.Helper()
	flow, err := server.NewFlowRun(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	loaded, err := settings.Load(settings.WithoutFiles(), settings.WithEnvironment(nil), settings.WithValue("PREFECT_API_URL", server.APIURL()))
	if err != nil {
		b.Fatal(err)
	}
	s := &sized{name: "adaptive", ctx: run.NewContext(context.Background(), run.Info{FlowRunID: flow})}
	var opts []processor.Option
	if size > 0 {
		s.name = strconv.Itoa(size)
		opts = append(opts, processor.WithBatchRecords(size))
	}
	if s.pipeline, err = prefectlogs.Setup(s.ctx, prefectlogs.WithSettings(loaded), prefectlogs.WithBatch(opts...)); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.pipeline.Shutdown(s.ctx); err != nil {
			b.Error(err)
		}
	})
	return s
}

// round logs so much that there is a backlog, and waits until all is stored.
func (s *sized) round(b *testing.B) {
	b.Helper()
	const records = 10_000
	logger := s.pipeline.Logger("sizes")
	body := strings.Repeat("x", 200)
	before := s.pipeline.Stats().Stored
	began := time.Now()
	for range records {
		logger.InfoContext(s.ctx, body)
	}
	if err := s.pipeline.ForceFlush(s.ctx); err != nil {
		b.Fatal(err)
	}
	s.rates = append(s.rates, records/time.Since(began).Seconds())
	if stats := s.pipeline.Stats(); stats.Stored != before+records {
		b.Fatalf("stats %v", stats)
	}
}

func (s *sized) median() float64 {
	sorted := slices.Sorted(slices.Values(s.rates))
	return sorted[len(sorted)/2]
}
