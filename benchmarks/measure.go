// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"time"
)

// job is what one measuring process is told, and result what it answers; both travel as JSON.
type job struct {
	Peer   string
	Server string
	Load   load

	Profile string // folder for CPU and allocation profiles; empty: none
}

type result struct {
	NS      float64 // of a log call
	Allocs  float64 // for a record, of the whole process
	CPU     float64 // seconds for a million records, until all are sent
	Rate    float64 // records per second, until all are sent
	PeakMiB float64
}

// measure runs in a process of its own.
func measure(j job) (result, error) {
	at := slices.IndexFunc(peers, func(p peer) bool { return p.name == j.Peer })
	if at < 0 {
		return result{}, fmt.Errorf("there is no peer %q", j.Peer)
	}
	c := newCorpus(j.Load)
	logging, err := peers[at].open(j.Server, j.Load)
	if err != nil {
		return result{}, err
	}
	if j.Profile != "" {
		stop, err := startProfile(j.Profile)
		if err != nil {
			return result{}, err
		}
		defer stop()
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
	if err := logging.close(); err != nil {
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
	n := float64(each * j.Load.Goroutines)
	return result{
		NS:      float64(called.Nanoseconds()) * float64(j.Load.Goroutines) / n,
		Allocs:  float64(after.Mallocs-before.Mallocs) / n,
		CPU:     (end - cpu).Seconds() / n * 1e6,
		Rate:    n / took.Seconds(),
		PeakMiB: peak,
	}, nil
}

// startProfile begins to write profiles to a folder.
func startProfile(dir string) (stop func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	runtime.MemProfileRate = 4096
	file, err := os.Create(filepath.Join(dir, "cpu.pprof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close() // the profile is there or its reader says that it is not
		if file, err := os.Create(filepath.Join(dir, "allocs.pprof")); err == nil {
			_ = pprof.Lookup("allocs").WriteTo(file, 0)
			_ = file.Close()
		}
	}, nil
}

// logAll makes one goroutine's calls, at its share of the rate.
func logAll(c *corpus, log func(*corpus, int), l load, g, n int) {
	const burst = 100
	began := time.Now()
	for i := range n {
		if l.Rate > 0 && i%burst == 0 {
			due := began.Add(time.Duration(i) * time.Second * time.Duration(l.Goroutines) / time.Duration(l.Rate))
			time.Sleep(time.Until(due))
		}
		log(c, (i*l.Goroutines+g)%l.Runs)
	}
}
