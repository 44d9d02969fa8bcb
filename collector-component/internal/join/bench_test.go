// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/join"
	"github.com/prefectlogs/prefectlogs/run"
)

func numbered(trace, span int) (t join.TraceID, s join.SpanID) {
	binary.LittleEndian.PutUint64(t[3:], uint64(trace+1)*0x9e3779b97f4a7c15)
	binary.LittleEndian.PutUint64(s[:], uint64(span))
	return t, s
}

// fill tells of traces with spans in a row each; with a flow run and a task run above them where the traces are Prefect's.
func fill(j *join.Joiner[int], traces, spans int, prefect bool) {
	for i := range traces {
		for k := range spans {
			t, of := numbered(i, k+1)
			_, parent := numbered(i, k)
			ids := run.IDs{}
			if prefect && k == 0 {
				ids.Flow = run.ID(t)
			} else if prefect && k == 1 {
				ids.Task = run.ID(t)
			}
			j.Span(start, t, of, parent, ids, k == 0)
		}
	}
}

// BenchmarkMemory measures the bytes of a live trace with a million of them: as counted, and as the heap grows.
func BenchmarkMemory(b *testing.B) {
	for _, spans := range []int{1, 4, 16} {
		for _, prefect := range []bool{false, true} {
			b.Run(fmt.Sprintf("spans=%d/prefect=%v", spans, prefect), func(b *testing.B) {
				const traces = 1_000_000
				var counted, grown float64
				for b.Loop() {
					var before, after runtime.MemStats
					runtime.GC()
					runtime.ReadMemStats(&before)
					j := join.New[int](join.Config{MaxBytes: 4 << 30, Expiry: time.Hour}, start)
					fill(j, traces, spans, prefect)
					runtime.GC()
					runtime.ReadMemStats(&after)
					counted = float64(j.Stats().Bytes) / traces
					grown = float64(after.HeapAlloc-before.HeapAlloc) / traces
					runtime.KeepAlive(j)
				}
				b.ReportMetric(counted, "bytes/trace")
				b.ReportMetric(grown, "heap-bytes/trace")
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*traces*spans), "ns/span")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// BenchmarkFind asks for the run of logs, four spans below the task run, with a million traces known.
func BenchmarkFind(b *testing.B) {
	const traces = 1_000_000
	j := join.New[int](join.Config{MaxBytes: 4 << 30, Expiry: time.Hour}, start)
	fill(j, traces, 6, true)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		t, of := numbered(i%traces, 6)
		if _, certain := j.Find(start, t, of); !certain {
			b.Fatal("not found")
		}
		i += 7919
	}
}

// BenchmarkWait has a log wait for the span that it is in.
func BenchmarkWait(b *testing.B) {
	j := join.New[int](join.Config{MaxBytes: 1 << 30, Expiry: time.Hour, MaxWait: time.Minute, MaxWaitBytes: 1 << 30}, start)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		t, of := numbered(i%100_000, 1)
		_, parent := numbered(i, i+2)
		j.Wait(start, t, parent, i, 100)
		j.Span(start, t, parent, of, run.IDs{Flow: run.ID{1}}, true)
		if len(j.Settled()) != 1 {
			b.Fatal("not settled")
		}
		i++
	}
}
