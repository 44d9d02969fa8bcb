// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// measureStalled fills queues whose server never answers.
func measureStalled(b *bench) error {
	w := &b.section
	fmt.Fprintln(w, "| queue MiB | live heap beyond the SDK | spread | at most | peak beyond the SDK | spread |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	queues := stalledQueues
	if b.scale > 1 {
		queues = queues[:1]
	}
	for _, mib := range queues {
		var all []pair
		queue := mib << 20
		l := growing(3*queue/400, 1, 1) // a record takes about 480 bytes
		for round := range b.rounds {
			b.progress("a queue of %d MiB, round %d of %d", mib, round+1, b.rounds)
			var p pair
			var err error
			if p.ours, err = inProcess(job{Kind: "stalled", Server: b.null + stalled, Load: l, Queue: queue}); err != nil {
				return err
			}
			if p.other, err = inProcess(job{Kind: "stalled", Load: l}); err != nil {
				return err
			}
			all = append(all, p)
			writeLine(&b.raw, fmt.Sprintf("Stalled/queue=%dMiB", mib), p.ours.NS, "%.1f live-MiB %.1f live-MiB-sdk %.1f peak-MiB %.1f peak-MiB-sdk",
				p.ours.LiveMiB, p.other.LiveMiB, p.ours.PeakMiB, p.other.PeakMiB)
		}
		live := figureOf(all, func(p pair) float64 { return p.ours.LiveMiB - p.other.LiveMiB })
		peak := figureOf(all, func(p pair) float64 { return p.ours.PeakMiB - p.other.PeakMiB })
		b.found[stalledName("live heap", mib)], b.found[stalledName("peak", mib)] = live, peak
		fmt.Fprintf(w, "| %d | %.1f | %.1f-%.1f | %.1f | %.1f | %.1f-%.1f |\n", mib, live.median, live.low, live.high, stalledBound(mib), peak.median, peak.low, peak.high)
	}
	fmt.Fprintln(w)
	return nil
}

// stallHere logs three times what the queue holds, as it does by default: the oldest records go.
func stallHere(j job) (result, error) {
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
	r.LiveMiB = liveHeap()
	var err error
	r.PeakMiB, err = peakMemory()
	return r, err
}
