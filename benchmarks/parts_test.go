// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	profiles "github.com/google/pprof/profile"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// smoke is a bench that measures as little as it can.
func smoke(t *testing.T) *bench {
	t.Helper()
	null, stop, err := startNull()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return &bench{rounds: 1, scale: 1_000_000, null: null, folder: t.TempDir(), found: make(map[string]figure)}
}

func TestEachPartFindsWhatItIsFor(t *testing.T) {
	tests := []struct {
		part  string
		run   func(*bench) error
		rows  []string // of its section
		lines string   // what those for benchstat begin with
		goals []string
	}{
		{"growth", measureGrowth, []string{"| 1,000 | ", "| 10,000,000 | ", "| 100,000 | ", "| 10,000 | "}, "BenchmarkGrowth/runs=100000 1 ", nil},
		{"stalled", measureStalled, []string{"| 16 |  | ", "| heap beside a queue of 16 MiB | ", "| " + inQueue + " | ", "- at that live heap, Go collects next"}, "BenchmarkStalled/queue=16MiB 1 ", []string{stalledName("live heap", 16), stalledName("peak", 16)}},
		{"encoding", measureEncoding, []string{"| ascii | ", "| non-ascii | ", "| quotes | "}, "BenchmarkEncode/10kB/ascii 1 ", []string{encodings[0].goal, encodings[1].goal}},
		{"onemit", measureOnEmit, []string{"| OnEmit alone | ", "| log call, bare SDK | "}, "BenchmarkOnEmit/OnEmit_alone 1 ", []string{"OnEmit alone, ns", "OnEmit alone, allocations"}},
		{"exporters", compareExporters, []string{"| prefect | ", "| otlp_http, JSON | "}, "BenchmarkCollectorExporter/prefect 1 ", []string{aloneGoal}},
	}
	for _, test := range tests {
		t.Run(test.part, func(t *testing.T) {
			b := smoke(t)
			if err := test.run(b); err != nil {
				t.Fatal(err)
			}
			for _, row := range test.rows {
				if !strings.Contains(b.section.String(), "\n"+row) {
					t.Errorf("no row %q in\n%s", row, &b.section)
				}
			}
			if !strings.Contains("\n"+b.raw.String(), "\n"+test.lines) {
				t.Errorf("no line %q in\n%s", test.lines, &b.raw)
			}
			for line := range strings.Lines(b.raw.String()) {
				if name, numbers := readLine(line); name == "" || numbers["ns/op"] <= 0 {
					t.Errorf("%q is no line of a benchmark", line)
				}
			}
			for _, goal := range test.goals {
				if f, ok := b.found[goal]; !ok || f.low > f.median || f.median > f.high {
					t.Errorf("%s: %v", goal, b.found)
				}
			}
		})
	}
}

func TestASampleCountsForTheInnermostPlace(t *testing.T) {
	tests := []struct {
		name, place, function string
		stack                 []string
	}{
		{"what a package uses is its own", inMapping, own + "/mapping.f", []string{"runtime.memmove", own + "/mapping.f", own + "/processor.g", "main.h"}},
		{"a request is HTTP's, whoever makes it", "HTTP", "net/http.f", []string{"runtime.chansend", "net/http.f", own + "/exporter/prefectapi.g", own + "/processor.h"}},
		{"what the kernel does is the kernel's", places[0].name, "internal/runtime/syscall.Syscall6", []string{"internal/runtime/syscall.Syscall6", "net.f", "net/http.g"}},
		{"help with a collection is the collection's", "garbage collection", "runtime.gcAssistAlloc", []string{"runtime.scanobject", "runtime.gcAssistAlloc", "go.opentelemetry.io/otel/sdk/log.f"}},
		{"what the Collector hands over is its own", "the Collector's records: reading, writing, OTLP", "go.opentelemetry.io/collector/pdata/plog.f", []string{"go.opentelemetry.io/collector/pdata/plog.f", own + "/collector-component/prefectexporter.g"}},
		{"what is nobody's is the scheduler's", elsewhere, "runtime.findRunnable", []string{"runtime.findRunnable", "runtime.mcall"}},
		{"a sample of nothing", elsewhere, "", nil},
	}
	for _, test := range tests {
		if place, function := placeOf(test.stack); place != test.place || function != test.function {
			t.Errorf("%s: %q, %q", test.name, place, function)
		}
	}
}

func TestProfilesAreWritten(t *testing.T) {
	b := smoke(t)
	b.scale = 50
	if err := measureProfile(b); err != nil {
		t.Fatal(err)
	}
	// So short a run may end before the first sample: what is made of samples is tested below.
	for _, name := range []string{"ours/cpu.pprof", "ours/allocs.pprof", "sdk-dup/cpu.pprof", "exporter-otlp_http-JSON/cpu.pprof", "collector-prefect/cpu.pprof", "collector-otlp_http-protobuf/cpu.pprof"} {
		if info, err := os.Stat(filepath.Join(b.folder, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAProfileBecomesATable(t *testing.T) {
	read := &profiles.Profile{SampleType: []*profiles.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}}}
	for stack, cost := range map[string]int64{
		"runtime.memmove " + own + "/mapping.Append main.log":       30,
		own + "/mapping.escape " + own + "/mapping.Append main.log": 10,
		own + "/processor.(*Batch).OnEmit main.log":                 20,
		"runtime.findRunnable runtime.mcall":                        40,
	} {
		sample := &profiles.Sample{Value: []int64{1, cost}}
		for name := range strings.SplitSeq(stack, " ") {
			function := &profiles.Function{ID: uint64(len(read.Function) + 1), Name: name}
			location := &profiles.Location{ID: function.ID, Line: []profiles.Line{{Function: function}}}
			read.Function, read.Location = append(read.Function, function), append(read.Location, location)
			sample.Location = append(sample.Location, location)
		}
		read.Sample = append(read.Sample, sample)
	}
	path := filepath.Join(t.TempDir(), "cpu.pprof")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(read.Write(file), file.Close()); err != nil {
		t.Fatal(err)
	}
	ours, err := readCost(path)
	if err != nil {
		t.Fatal(err)
	}
	ours.scaleTo(500)
	theirs := cost{total: 60, byPlace: map[string]float64{"HTTP": 45, elsewhere: 15}}
	empty := costOf(&profiles.Profile{}, 1) // of a run that ended before the first sample
	empty.scaleTo(500)
	var w strings.Builder
	writeCosts(&w, "at rest", []profiled{{title: "ours"}, {title: "theirs"}, {title: "empty"}}, []cost{ours, theirs, empty})
	want := "| at rest: ns of CPU for a record | ours | share | theirs | share | empty | share | of ours most in |\n|---|---|---|---|---|---|---|---|\n" +
		"| **all** | 500 | | 60 | | 0 | | |\n" +
		"| Go's scheduler | 200 | 40 % | 15 | 25 % | 0 | 0 % | `runtime.findRunnable` 200 |\n" +
		"| mapping: level, ids, text, escaping | 200 | 40 % | 0 | 0 % | 0 | 0 % | `mapping.Append` 150, `mapping.escape` 50 |\n" +
		"| the queue: pages, stamps, their lock | 100 | 20 % | 0 | 0 % | 0 | 0 % | `processor.(*Batch).OnEmit` 100 |\n" +
		"| HTTP | 0 | 0 % | 45 | 75 % | 0 | 0 % |  |\n\n"
	if got := w.String(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	w.Reset()
	tellCopying(&w, ours)
	if !strings.HasPrefix(w.String(), "- copying the bytes of its line once: ") {
		t.Errorf("%s", &w)
	}
}

func TestRecordsAreStoredOnARealServer(t *testing.T) {
	server := serverstest.Get(t, servers.Prefect38SQLite)
	b := smoke(t)
	if err := storeOn(t.Context(), b, server); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"\n| ours | ", "\n| " + python + " | "} {
		if !strings.Contains(b.section.String(), row) {
			t.Errorf("no row %q in\n%s", row, &b.section)
		}
	}
	if f := b.found[storedGoal]; f.median <= 0 {
		t.Errorf("%v", b.found)
	}
}

func TestTheCollectorsLinesBecomeATable(t *testing.T) {
	b := &bench{found: make(map[string]figure)}
	err := tellCollector(b, "BenchmarkCollector/prefect 1000 5000 ns/op 4.000 cpu-s/million 239 peak-MiB 181440 records/s 448 wire-B/record\n"+
		"BenchmarkCollector/otlp_http_protobuf 1000 5000 ns/op 5.000 cpu-s/million 246 peak-MiB 174520 records/s 457 wire-B/record\n"+
		"BenchmarkCollector/otlp_http_protobuf 1000 5000 ns/op 8.000 cpu-s/million 246 peak-MiB 174520 records/s 457 wire-B/record\n"+
		"BenchmarkCollector/prefect 1000 5000 ns/op 6.000 cpu-s/million 239 peak-MiB 181440 records/s 448 wire-B/record\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := "| otlp http protobuf | 6.50 | 5.00-8.00 | 246 | 174520 | 457 | 0.775 (0.75-0.8) |\n"; !strings.Contains(b.section.String(), want) {
		t.Errorf("no row %q in\n%s", want, &b.section)
	}
	if f := b.found[builtGoal]; f != (figure{0.75, 0.775, 0.8}) {
		t.Errorf("%v", b.found)
	}
	for _, wrong := range []string{"", "BenchmarkCollector/prefect 1 2 ns/op\nnothing to see\n", "BenchmarkCollector/otlp_http_JSON 1 2 ns/op\n"} {
		if err := tellCollector(b, wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
