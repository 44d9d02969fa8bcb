// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/settings"
)

// The size of a chaos: records of several goroutines, in runs that all of them share.
const (
	chaosRecords    = 20_000
	chaosGoroutines = 8
	chaosRuns       = 40
)

// chaosLimit is for any one wait of a chaos: more than all of it takes on a busy machine.
const chaosLimit = 8 * time.Minute

// Variables for people and make soak.
const (
	soakVariable = "PREFECTLOGS_SOAK" // how long to repeat the chaos with new seeds, such as "1h"
	seedVariable = "PREFECTLOGS_SEED" // the seed of the first one
)

// TestChaosLosesNothingAndStoresNothingTwice is the proof that a record is stored once, whatever happens on the way.
func TestChaosLosesNothingAndStoresNothingTwice(t *testing.T) {
	soak, err := time.ParseDuration(cmp.Or(os.Getenv(soakVariable), "0s"))
	if err != nil {
		t.Fatalf("%s: %v", soakVariable, err)
	}
	first, err := strconv.ParseUint(cmp.Or(os.Getenv(seedVariable), "1"), 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", seedVariable, err)
	}
	t.Parallel()
	for _, row := range []servers.Row{servers.Prefect38SQLite, servers.Prefect38PostgreSQL} {
		t.Run(row.String(), func(t *testing.T) {
			t.Parallel()
			s := serverstest.New(t, row)
			warm(t, s)
			began := time.Now()
			for seed := first; ; seed = rand.Uint64() {
				passed := t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { playChaos(t, s, seed) })
				if !passed || time.Since(began) >= soak {
					break
				}
			}
		})
	}
}

// playChaos logs through a proxy that breaks what passes, to a server that is restarted twice meanwhile.
func playChaos(t *testing.T, s *servers.Server, seed uint64) {
	began := time.Now()
	random := rand.New(rand.NewPCG(seed, 0))
	fifth := chaosRecords / 5
	proxy := newFaultyProxy(t, s, seed, fifth+random.IntN(fifth), 3*fifth+random.IntN(fifth))
	pipeline := newChaosPipeline(t, proxy.URL+"/api")
	story := newStory(t, s, seed)

	var programs, restarts sync.WaitGroup
	over := make(chan struct{})
	crashFirst := random.IntN(2) == 0
	restarts.Go(func() { restartTwice(t, s, proxy, over, crashFirst) })
	balanced := watchBalance(t, pipeline)
	for g := range chaosGoroutines {
		programs.Go(func() { story.tell(t, pipeline, g) })
	}
	programs.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), chaosLimit)
	defer cancel()
	if err := pipeline.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	balanced()
	stats := pipeline.Stats()
	t.Logf("%.0f s; %v; %d resolved, %d requests; %v", time.Since(began).Seconds(), stats, stats.Resolved, stats.Requests, proxy)
	close(over)
	restarts.Wait()
	proxy.late.Wait()

	lost := stats.Refused + stats.Dropped.Total() + stats.Skipped.Total() + stats.Queued + stats.InFlight + stats.Unknown
	if stats.Emitted != chaosRecords || stats.Stored != chaosRecords || lost+stats.Blind+stats.Duplicated > 0 {
		t.Errorf("of %d records: %v, %d blind", chaosRecords, stats, stats.Blind)
	}
	if stats.Resolved == 0 || stats.Resent == 0 {
		t.Errorf("the faults made nothing doubtful: %d resolved, %d resent", stats.Resolved, stats.Resent)
	}
	proxy.wantAllFaults(t)
	story.wantOnceInOrder(t, s)
}

// watchBalance checks all through a chaos that every record is accounted for, until it is called off.
func watchBalance(t *testing.T, pipeline *prefectlogs.Pipeline) (callOff func()) {
	over := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for looks := 1; ; looks++ {
			s := pipeline.Stats()
			if sum := s.Stored + s.Refused + s.Dropped.Total() + s.Skipped.Total() + s.Queued + s.InFlight + s.Spooled + s.Unknown; s.Emitted+s.Adopted != sum {
				t.Errorf("%d records emitted and %d adopted, %d accounted for: %v", s.Emitted, s.Adopted, sum, s)
				return
			}
			select {
			case <-over:
				t.Logf("the counters have balanced %d times", looks)
				return
			case <-ticker.C:
			}
		}
	})
	return func() {
		close(over)
		watch.Wait()
	}
}

func newChaosPipeline(t *testing.T, apiURL string) *prefectlogs.Pipeline {
	t.Helper()
	loaded, err := settings.Load(settings.WithoutFiles(), settings.WithEnvironment(nil), settings.WithValue("PREFECT_API_URL", apiURL))
	if err != nil {
		t.Fatal(err)
	}
	pipeline, err := prefectlogs.Setup(t.Context(), prefectlogs.WithSettings(loaded),
		prefectlogs.WithBatch(processor.WithQueueSize(64<<20)), // room for all: what a full queue drops is not the subject
		prefectlogs.WithErrorHandler(func(error) {}))           // what it says of faults neither
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Second)
		defer cancel()
		_ = pipeline.Shutdown(ctx) // a test that got that far has shut it down already
	})
	return pipeline
}

// restartTwice restarts the server at each of two milestones, once in order and once behind a crash.
func restartTwice(t *testing.T, s *servers.Server, proxy *faultyProxy, over <-chan struct{}, crashFirst bool) {
	for i := range 2 {
		select {
		case <-proxy.passed:
		case <-over:
			t.Errorf("all was over before restart %d of 2", i+1)
			return
		}
		if (i == 0) == crashFirst {
			if err := s.Kill(); err != nil {
				t.Error(err)
			}
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Error(err)
			return
		}
		warm(t, s)
		proxy.up()
	}
}

// warm posts logs until the server is as fast as it will be. A client waits for late commits 4 times as long as for the slowest
// answer of the last minutes, and the first answers of a server on a busy machine take many seconds.
func warm(t *testing.T, s *servers.Server) {
	run, err := s.NewFlowRun(t.Context())
	if err != nil {
		t.Error(err)
		return
	}
	logs := slices.Repeat([]object{{
		"name": "warm", "level": 20, "message": "m", "timestamp": "2026-01-02T03:04:05.000006Z", "flow_run_id": run,
	}}, 200)
	for range 20 {
		began := time.Now()
		if err := s.API().Do(t.Context(), "POST", "/logs/", logs, nil); err != nil {
			t.Error(err)
			return
		}
		if time.Since(began) < time.Second {
			return
		}
	}
}

// story is what the goroutines of a chaos log: each its records by number, each record in one of the runs.
type story struct {
	seed uint64
	runs []string
	home [chaosGoroutines][chaosRecords / chaosGoroutines]int // the run of a goroutine's record
}

func newStory(t *testing.T, s *servers.Server, seed uint64) *story {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 3))
	story := &story{seed: seed}
	for range chaosRuns {
		id, err := s.NewFlowRun(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		story.runs = append(story.runs, id)
	}
	for g := range story.home {
		for n := range story.home[g] {
			story.home[g][n] = random.IntN(chaosRuns)
		}
	}
	return story
}

// tell logs the records of one goroutine. Now and then it waits until they are stored, so that requests of
// all sizes are under way when something breaks.
func (s *story) tell(t *testing.T, pipeline *prefectlogs.Pipeline, g int) {
	random := rand.New(rand.NewPCG(s.seed, 10+uint64(g)))
	logger := pipeline.Logger("chaos")
	for n, home := range s.home[g] {
		level := slog.LevelInfo
		if random.IntN(20) == 0 {
			level = slog.LevelError // by the other lane
		}
		logger.Log(inRun(t.Context(), s.runs[home]), level, fmt.Sprintf("%d %d of a record that is as long as most", g, n))
		if random.IntN(500) == 0 {
			ctx, cancel := context.WithTimeout(t.Context(), chaosLimit)
			if err := pipeline.ForceFlush(ctx); err != nil {
				t.Errorf("flush: %v", err)
			}
			cancel()
		}
	}
}

// wantOnceInOrder checks that each record stands once, in its run, and each goroutine's records of a run in their order.
func (s *story) wantOnceInOrder(t *testing.T, server *servers.Server) {
	t.Helper()
	var times [chaosGoroutines][chaosRecords / chaosGoroutines]int
	var rows, foreign, disordered int
	example := ""
	for i, id := range s.runs {
		logs, err := server.Logs(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		rows += len(logs)
		last := slices.Repeat([]prefecttest.Log{{}}, chaosGoroutines)
		number := slices.Repeat([]int{-1}, chaosGoroutines)
		for _, log := range logs {
			var g, n int
			_, err := fmt.Sscanf(log.Message, "%d %d", &g, &n)
			if err != nil || g >= chaosGoroutines || n >= len(s.home[g]) || s.home[g][n] != i {
				foreign++
				continue
			}
			times[g][n]++
			if n < number[g] {
				disordered++
				example = fmt.Sprintf("record %d of goroutine %d, at %v, behind its %d, at %v", n, g, log.Timestamp, number[g], last[g].Timestamp)
			}
			last[g], number[g] = log, n
		}
	}
	missing, twice := 0, 0
	for g := range times {
		for _, count := range times[g] {
			switch {
			case count == 0:
				missing++
			case count > 1:
				twice++
			}
		}
	}
	if rows != chaosRecords || missing+twice+foreign+disordered > 0 {
		t.Errorf("%d rows of %d records: %d missing, %d twice, %d in another run, %d out of order (%s)",
			rows, chaosRecords, missing, twice, foreign, disordered, example)
	}
}
