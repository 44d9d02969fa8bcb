// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// warmUp is how many records a steady measurement logs before it begins.
const warmUp = 1000

// measure runs in a process of its own.
func measure(j job) (result, error) {
	at := slices.IndexFunc(peers, func(p peer) bool { return p.name == j.Peer })
	if at < 0 {
		return result{}, fmt.Errorf("there is no peer %q", j.Peer)
	}
	c := newCorpus(j.Load, j.FlowRun)
	live := liveHeap()
	logging, err := peers[at].open(j.Server, j.Load)
	if err != nil {
		return result{}, err
	}
	if j.Steady {
		for range warmUp {
			logging.log(&c, 0)
		}
		if err := logging.flush(); err != nil {
			return result{}, err
		}
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, err := processorTime()
	if err != nil {
		return result{}, err
	}
	began := time.Now()
	var group sync.WaitGroup
	each := j.Load.Records / j.Load.Goroutines
	for g := range j.Load.Goroutines {
		group.Go(func() { logAll(&c, logging.log, j.Load, g, each) })
	}
	group.Wait()
	called := time.Since(began)
	finish := logging.close
	if j.Steady {
		finish = logging.flush
	}
	if err := finish(); err != nil {
		return result{}, err
	}
	took := time.Since(began)
	end, err := processorTime()
	if err != nil {
		return result{}, err
	}
	runtime.ReadMemStats(&after)
	peak, err := peakMemory()
	if err != nil {
		return result{}, err
	}
	if j.Steady {
		live = liveHeap() - live
		runtime.KeepAlive(&c)
		if err := logging.close(); err != nil {
			return result{}, err
		}
	}
	n := float64(each * j.Load.Goroutines)
	return result{
		NS:      float64(called.Nanoseconds()) * float64(j.Load.Goroutines) / n,
		Allocs:  float64(after.Mallocs-before.Mallocs) / n,
		CPU:     (end - cpu).Seconds() / n * 1e6,
		Rate:    n / took.Seconds(),
		PeakMiB: peak,
		LiveMiB: live,
	}, nil
}

// liveHeap returns what the heap has in use, in MiB, once nothing is in it that nobody needs.
func liveHeap() float64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse) / (1 << 20)
}

// logAll makes one goroutine's calls, at its share of the rate.
func logAll(c *corpus, log func(*corpus, int), l load, g, n int) {
	atOnce := max(100/l.Goroutines, 1)
	began := time.Now()
	for i := range n {
		if l.Rate > 0 && i%atOnce == 0 {
			due := began.Add(time.Duration(i) * time.Second * time.Duration(l.Goroutines) / time.Duration(l.Rate))
			time.Sleep(time.Until(due))
		}
		log(c, (i*l.Goroutines+g)%l.Runs)
	}
}
