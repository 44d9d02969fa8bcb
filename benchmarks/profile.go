// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	profiles "github.com/google/pprof/profile"
)

// places are where the time or the memory of a record may go. A sample counts for the first place that one of its
// functions is in, from the innermost function outwards.
var places = []struct {
	name  string
	begin []string // of functions' names
}{
	{"the kernel: sockets, waking threads", []string{"internal/runtime/syscall", "runtime.futex", "runtime.usleep", "runtime.madvise"}},
	{"garbage collection", []string{"runtime.gc", "runtime.bgsweep", "runtime.bgscavenge"}},
	{inMapping, []string{own + "/mapping", own + "/internal/sdkrecord", "github.com/segmentio/"}},
	{inQueue, []string{own + "/processor", own + "/exporter/payload"}},
	{"levels of loggers", []string{own + ".(*router)"}},
	{"the Collector's exporter: its walk, its requests", []string{own + "/collector-component"}},
	{"HTTP", []string{own + "/exporter", "net/http.", "net."}},
	{"the Collector's records: reading, writing, OTLP", []string{"go.opentelemetry.io/collector/pdata", "github.com/json-iterator/", "google.golang.org/protobuf"}},
	{"the Collector: receiver, queue", []string{"go.opentelemetry.io/collector/", "go.opentelemetry.io/contrib/"}},
	{"the SDK and its record", []string{"go.opentelemetry.io/"}},
	{"the program: its clock, its call", []string{"main.", own + "/benchmarks."}},
}

const (
	own       = "github.com/prefectlogs/prefectlogs"
	inMapping = "mapping: level, ids, text, escaping"
	inQueue   = "the queue: pages, stamps, their lock"
	elsewhere = "Go's scheduler"
)

// profiled is a column of a table of profiles.
type profiled struct {
	title string
	job   job
}

// folder is where its profiles stay.
func (p profiled) folder() string {
	name := strings.TrimPrefix(p.job.Kind+" "+p.job.Peer, " ")
	if p.job.Load.Rate > 0 {
		name += " paced"
	}
	return strings.NewReplacer(" ", "-", ",", "").Replace(name)
}

// profileTable has profiles side by side.
type profileTable struct {
	title   string
	columns []profiled
}

// profileTables are the tables, each of what is to be seen side by side. The first column is ours, and names functions.
func profileTables() []profileTable {
	full, paced := growing(2_000_000, 1, 1), growing(800_000, 1, 1)
	paced.Rate = full.paced().Rate
	pushed := growing(1_000_000, 1, 1)
	return []profileTable{
		{"at full speed", []profiled{
			{"ours", job{Peer: "ours", Load: full}}, {"ours-1000", job{Peer: "ours-1000", Load: full}}, {"the bare SDK", job{Peer: "sdk-dup", Load: full}},
		}},
		{"at " + thousands(paced.Rate) + " records/s", []profiled{
			{"ours", job{Peer: "ours", Load: paced}}, {"the bare SDK", job{Peer: "sdk-dup", Load: paced}},
		}},
		{"the Collector's exporter alone", []profiled{
			{"prefect", job{Kind: "exporter", Peer: "prefect", Load: full}},
			{"otlp_http, JSON", job{Kind: "exporter", Peer: "otlp_http, JSON", Load: full}},
			{"otlp_http, protobuf", job{Kind: "exporter", Peer: "otlp_http, protobuf", Load: full}},
		}},
		{"a Collector in a process", []profiled{
			{"prefect", job{Kind: "collector", Peer: "prefect", Load: pushed}},
			{"otlp_http, protobuf", job{Kind: "collector", Peer: "otlp_http, protobuf", Load: pushed}},
		}},
	}
}

// measureProfile writes profiles, and tells where the time goes, ours beside others'.
func measureProfile(b *bench) error {
	for _, table := range profileTables() {
		var costs []cost
		for _, column := range table.columns {
			b.progress("profile of %s", column.folder())
			j := column.job
			j.Server, j.Load, j.Profile = b.null, b.shrink(j.Load), filepath.Join(b.folder, column.folder())
			r, err := inProcess(j)
			if err != nil {
				return err
			}
			if _, err := ask(b.null); err != nil { // for the next one to count from zero
				return err
			}
			c, err := readCost(filepath.Join(j.Profile, "cpu.pprof"))
			if err != nil {
				return err
			}
			c.scaleTo(r.CPU * 1000)
			costs = append(costs, c)
		}
		writeCosts(&b.section, table.title, table.columns, costs)
		if table.columns[0].job.Kind == "" {
			tellCopying(&b.section, costs[0])
		}
	}
	return nil
}

// cost is what a profile counts, by place and within each by function.
type cost struct {
	total      float64
	byPlace    map[string]float64
	byFunction map[string]map[string]float64
}

// readCost reads what a profile counts last: of CPU nanoseconds, of a heap the bytes in use.
func readCost(path string) (cost, error) {
	file, err := os.Open(path)
	if err != nil {
		return cost{}, err
	}
	defer file.Close()
	read, err := profiles.Parse(file)
	if err != nil {
		return cost{}, fmt.Errorf("%s: %w", path, err)
	}
	return costOf(read, len(read.SampleType)-1), nil
}

// costOf sums one of the values of a profile.
func costOf(read *profiles.Profile, value int) cost {
	c := cost{byPlace: make(map[string]float64), byFunction: make(map[string]map[string]float64)}
	for _, s := range read.Sample {
		value := float64(s.Value[value])
		place, function := placeOf(functions(s))
		c.total += value
		c.byPlace[place] += value
		if c.byFunction[place] == nil {
			c.byFunction[place] = make(map[string]float64)
		}
		c.byFunction[place][function] += value
	}
	return c
}

// scaleTo makes the total a number, and all else a part of that. A smoke test ends before the first sample: nothing is scaled then.
func (c *cost) scaleTo(total float64) {
	if c.total == 0 {
		return
	}
	by := total / c.total
	c.total = total
	for place := range c.byPlace {
		c.byPlace[place] *= by
		for function := range c.byFunction[place] {
			c.byFunction[place][function] *= by
		}
	}
}

// most names the functions of a place that cost most.
func (c *cost) most(place, format string) string {
	var most []string
	for _, function := range dearest(c.byFunction[place])[:min(4, len(c.byFunction[place]))] {
		most = append(most, fmt.Sprintf("`%s` "+format, strings.TrimPrefix(strings.TrimPrefix(function, own), "/"), c.byFunction[place][function]))
	}
	return strings.Join(most, ", ")
}

// writeCosts writes a table of profiles side by side.
func writeCosts(w *strings.Builder, title string, columns []profiled, costs []cost) {
	all := make(map[string]float64) // places, by what they cost ours, and then the others
	for i, c := range costs {
		for place, value := range c.byPlace {
			if i == 0 {
				value *= 1e6
			}
			all[place] += value
		}
	}
	fmt.Fprintf(w, "| %s: ns of CPU for a record |", title)
	for _, column := range columns {
		fmt.Fprintf(w, " %s | share |", column.title)
	}
	fmt.Fprintf(w, " of %s most in |\n|---|%s---|\n| **all** |", columns[0].title, strings.Repeat("---|---|", len(columns)))
	for _, c := range costs {
		fmt.Fprintf(w, " %.0f | |", c.total)
	}
	fmt.Fprintln(w, " |")
	for _, place := range dearest(all) {
		fmt.Fprintf(w, "| %s |", place)
		for _, c := range costs {
			fmt.Fprintf(w, " %.0f | %.0f %% |", c.byPlace[place], 100*c.byPlace[place]/max(c.total, 1))
		}
		fmt.Fprintf(w, " %s |\n", costs[0].most(place, "%.0f"))
	}
	fmt.Fprintln(w)
}

// tellCopying compares what is ours with copying a line.
func tellCopying(w *strings.Builder, c cost) {
	line := make([]byte, 483)
	into := make([]byte, 0, len(line))
	copying := timeFor(50*time.Millisecond, func() { copied = append(into, line...) })
	fmt.Fprintf(w, "- copying the bytes of its line once: %.0f ns; mapping and queue together are %.0f times that\n\n", copying, (c.byPlace[inMapping]+c.byPlace[inQueue])/copying)
}

// functions are those of a sample, the innermost first.
func functions(s *profiles.Sample) (names []string) {
	for _, location := range s.Location {
		for _, line := range location.Line {
			if line.Function != nil {
				names = append(names, line.Function.Name)
			}
		}
	}
	return names
}

// placeOf returns the place of a sample, and the function that is in it.
func placeOf(names []string) (place, function string) {
	for _, name := range names {
		for _, p := range places {
			if slices.ContainsFunc(p.begin, func(begin string) bool { return strings.HasPrefix(name, begin) }) {
				return p.name, name
			}
		}
	}
	if len(names) == 0 {
		return elsewhere, ""
	}
	return elsewhere, names[0]
}

// dearest are the keys of costs, the dearest first.
func dearest(costs map[string]float64) []string {
	return slices.SortedFunc(maps.Keys(costs), func(a, b string) int { return cmp.Or(cmp.Compare(costs[b], costs[a]), cmp.Compare(a, b)) })
}

// startProfile begins to write profiles to a folder.
func startProfile(dir string) (stop func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
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
