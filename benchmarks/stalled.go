// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	profiles "github.com/google/pprof/profile"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/processor"
)

// stalledQueues are the sizes of the queues that fill up, in MiB; the first one is the default.
var stalledQueues = []int{16, 64}

// What the memory for a queue may be beyond the program's own: it, a fifth more, and 8 MiB.
func stalledBound(queue int) float64 { return float64(queue)*1.2 + 8 }

func stalledText(queue int) string {
	return fmt.Sprintf("at most %s: queue + 20 %% + 8", short(stalledBound(queue)))
}

func stalledName(what string, queue int) string {
	return fmt.Sprintf("memory while the server is stalled, queue of %d MiB: %s, MiB", queue, what)
}

// stalling is what a round has found: ours, ours under a limit, and the SDK alone.
type stalling struct{ ours, limited, other result }

// measureStalled fills queues whose server never answers, and tells what is live in the first one.
func measureStalled(b *bench) error {
	w := &b.section
	fmt.Fprintln(w, "| queue MiB | GOMEMLIMIT MiB | live heap beyond the SDK | spread | at most | peak beyond the SDK | spread | ns of a log call |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
	queues := stalledQueues
	if b.scale > 1 {
		queues = queues[:1]
	}
	for _, mib := range queues {
		var all []stalling
		for round := range b.rounds {
			b.progress("a queue of %d MiB, round %d of %d", mib, round+1, b.rounds)
			s, err := b.stall(mib)
			if err != nil {
				return err
			}
			all = append(all, s)
			writeLine(&b.raw, fmt.Sprintf("Stalled/queue=%dMiB", mib), s.ours.NS, "%.1f live-MiB %.1f live-MiB-sdk %.1f peak-MiB %.1f peak-MiB-sdk %.1f peak-MiB-limited",
				s.ours.LiveMiB, s.other.LiveMiB, s.ours.PeakMiB, s.other.PeakMiB, s.limited.PeakMiB)
		}
		for _, row := range []struct {
			limit string
			of    func(stalling) result
		}{
			{"", func(s stalling) result { return s.ours }},
			{fmt.Sprintf("%.0f", figureOf(all, func(s stalling) float64 { return float64(memoryLimit(mib, s.other)) }).median), func(s stalling) result { return s.limited }},
		} {
			live := figureOf(all, func(s stalling) float64 { return row.of(s).LiveMiB - s.other.LiveMiB })
			peak := figureOf(all, func(s stalling) float64 { return row.of(s).PeakMiB - s.other.PeakMiB })
			if row.limit == "" {
				b.found[stalledName("live heap", mib)], b.found[stalledName("peak", mib)] = live, peak
			}
			fmt.Fprintf(w, "| %d | %s | %.1f | %.1f-%.1f | %.1f | %.1f | %.1f-%.1f | %.0f |\n", mib, row.limit, live.median, live.low, live.high, stalledBound(mib),
				peak.median, peak.low, peak.high, figureOf(all, func(s stalling) float64 { return row.of(s).NS }).median)
		}
	}
	fmt.Fprintln(w)
	return b.tellStalledHeap(queues[0])
}

// stalledLoad is three times what a queue holds: a record takes about 480 bytes.
func stalledLoad(mib int) load { return growing(3*(mib<<20)/400, 1, 1) }

// memoryLimit is a GOMEMLIMIT by which a program with a queue keeps the target: what it may take for the queue, and what Go
// has of the system in the same program without it.
func memoryLimit(mib int, without result) int { return int(stalledBound(mib) + without.GoMiB) }

func (b *bench) stall(mib int) (s stalling, err error) {
	if s.other, err = inProcess(job{Kind: "stalled", Load: stalledLoad(mib)}); err != nil {
		return s, err
	}
	ours := job{Kind: "stalled", Server: b.null + stalled, Load: stalledLoad(mib), Queue: mib << 20}
	if s.ours, err = inProcess(ours); err != nil {
		return s, err
	}
	ours.MemoryLimit = memoryLimit(mib, s.other)
	s.limited, err = inProcess(ours)
	return s, err
}

// tellStalledHeap makes a table of a heap profile: what is live beside a full queue, and who has allocated what was not.
func (b *bench) tellStalledHeap(mib int) error {
	b.progress("heap profile beside a queue of %d MiB", mib)
	j := job{Kind: "stalled", Server: b.null + stalled, Load: stalledLoad(mib), Queue: mib << 20, Profile: filepath.Join(b.folder, "stalled")}
	r, err := inProcess(j)
	if err != nil {
		return err
	}
	file, err := os.Open(filepath.Join(j.Profile, heapProfile))
	if err != nil {
		return err
	}
	defer file.Close()
	read, err := profiles.Parse(file)
	if err != nil {
		return err
	}
	live, allocated := costOf(read, heapInUse), costOf(read, heapAllocated)
	w := &b.section
	fmt.Fprintf(w, "| heap beside a queue of %d MiB | live MiB | share | allocated for a record, bytes | most of it by |\n|---|---|---|---|---|\n", mib)
	for _, place := range dearest(allocated.byPlace) {
		perRecord := allocated.byPlace[place] / float64(j.Load.Records)
		if perRecord < 1 && live.byPlace[place] < live.total/100 {
			continue
		}
		c := cost{byFunction: map[string]map[string]float64{place: maps.Clone(allocated.byFunction[place])}}
		for function := range c.byFunction[place] {
			c.byFunction[place][function] /= float64(j.Load.Records)
		}
		fmt.Fprintf(w, "| %s | %.1f | %.0f %% | %.0f | %s |\n", place, live.byPlace[place]/(1<<20), 100*live.byPlace[place]/max(live.total, 1), perRecord, c.most(place, "%.0f"))
	}
	fmt.Fprintf(w, "\n- at that live heap, Go collects next when the heap has %.1f MiB\n\n", r.GoalMiB)
	return nil
}

// heapProfile is the file of a profile of the heap while the queue is full.
const heapProfile = "heap.pprof"

// What a heap profile has for each sample, by its place: objects and bytes allocated, objects and bytes in use.
const heapAllocated, heapInUse = 1, 3

// stallHere logs three times what the queue holds, as it does by default: the oldest records go.
func stallHere(j job) (result, error) {
	if j.Profile != "" {
		runtime.MemProfileRate = 16 << 10 // a page of the queue is seen for certain
	}
	provider, full := sdklog.NewLoggerProvider(sdklog.WithAllowKeyDuplication(), sdklog.WithProcessor(nothing{})), func() bool { return true }
	if j.Queue > 0 {
		pipeline, err := setUp(j.Server, processor.WithQueueSize(j.Queue))
		if err != nil {
			return result{}, err
		}
		full = func() bool { s := pipeline.Stats(); return s.Dropped.QueueFull > 0 && s.InFlight > 0 }
		provider = pipeline.LoggerProvider()
		defer func() {
			ended, cancel := context.WithCancel(context.Background())
			cancel()
			_ = pipeline.Shutdown(ended) // what it says is lost
		}()
	}
	c, logger := newCorpus(j.Load, ""), overOTel(provider, provider.Shutdown)
	began := time.Now()
	for range j.Load.Records {
		logger.log(&c, 0)
	}
	r := result{NS: float64(time.Since(began).Nanoseconds()) / float64(j.Load.Records)}
	if !full() {
		return r, errors.New("the queue has not filled up, or nothing is under way")
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.GoMiB = float64(m.Sys-m.HeapReleased) / (1 << 20)
	r.LiveMiB = liveHeap()
	runtime.ReadMemStats(&m)
	r.GoalMiB = float64(m.NextGC) / (1 << 20)
	var err error
	if r.PeakMiB, err = peakMemory(); err != nil || j.Profile == "" {
		return r, err
	}
	file, err := os.Create(filepath.Join(j.Profile, heapProfile))
	if err != nil {
		return r, err
	}
	return r, errors.Join(pprof.Lookup("heap").WriteTo(file, 0), file.Close())
}
