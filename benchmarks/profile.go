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

// places are where the time of a record may go. A sample counts for the first place that one of its
// functions is in, from the innermost function outwards.
var places = []struct {
	name  string
	begin []string // of functions' names
}{
	{"the kernel: sockets, waking threads", []string{"internal/runtime/syscall", "runtime.futex", "runtime.usleep", "runtime.madvise"}},
	{"garbage collection", []string{"runtime.gc", "runtime.bgsweep", "runtime.bgscavenge"}},
	{"mapping: level, ids, text, escaping", []string{own + "/mapping", own + "/internal/sdkrecord", "github.com/segmentio/"}},
	{"the queue: pages, stamps, their lock", []string{own + "/processor", own + "/exporter/payload"}},
	{"levels of loggers", []string{own + ".(*router)"}},
	{"HTTP", []string{own + "/exporter", "net/http.", "net."}},
	{"the SDK and its record", []string{"go.opentelemetry.io/"}},
	{"the program: its clock, its call", []string{"main.", own + "/benchmarks."}},
}

const (
	own       = "github.com/prefectlogs/prefectlogs"
	elsewhere = "Go's scheduler"
)

// measureProfile writes profiles under the base load, and tells where the time of our defaults goes, at
// full speed and at the pace of the peers.
func measureProfile(b *bench) error {
	full, paced := growing(2_000_000, 1, 1), growing(800_000, 1, 1)
	paced.Rate = full.paced().Rate
	for _, one := range []struct {
		title string // of a table; empty: none
		job   job
	}{
		{"at full speed", job{Peer: "ours", Load: full}},
		{thousands(paced.Rate) + " records/s", job{Peer: "ours", Load: paced}},
		{"", job{Peer: "ours-1000", Load: full}},
		{"", job{Peer: "sdk-dup", Load: full}},
		{"", job{Peer: "sdk-dup", Load: paced}},
		{"", job{Kind: "exporter", Peer: "prefect", Load: full}},
		{"", job{Kind: "exporter", Peer: "otlp_http, JSON", Load: full}},
		{"", job{Kind: "exporter", Peer: "otlp_http, protobuf", Load: full}},
	} {
		j := one.job
		name := strings.TrimPrefix(j.Kind+" "+j.Peer, " ")
		if j.Load.Rate > 0 {
			name += " paced"
		}
		name = strings.NewReplacer(" ", "-", ",", "").Replace(name)
		b.progress("profile of %s", name)
		j.Server, j.Load, j.Profile = b.null, b.shrink(j.Load), filepath.Join(b.folder, name)
		r, err := inProcess(j)
		if err != nil {
			return err
		}
		if _, err := ask(b.null); err != nil { // for the next one to count from zero
			return err
		}
		if one.title == "" {
			continue
		}
		if err := tellProfile(b, one.title, filepath.Join(j.Profile, "cpu.pprof"), r.CPU*1000); err != nil {
			return err
		}
	}
	return nil
}

// tellProfile makes a table of a profile of records that took so many nanoseconds each.
func tellProfile(b *bench, title, path string, perRecord float64) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	read, err := profiles.Parse(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	total, byPlace, byFunction := 0.0, make(map[string]float64), make(map[string]map[string]float64)
	for _, s := range read.Sample {
		value := float64(s.Value[len(s.Value)-1])
		place, function := placeOf(functions(s))
		total += value
		byPlace[place] += value
		if byFunction[place] == nil {
			byFunction[place] = make(map[string]float64)
		}
		byFunction[place][function] += value
	}
	if total == 0 {
		return nil // a smoke test ends before the first sample
	}
	ns := func(value float64) float64 { return value / total * perRecord }
	w := &b.section
	fmt.Fprintf(w, "| %s: %.0f ns of CPU for a record | ns | share | most of it in |\n|---|---|---|---|\n", title, perRecord)
	for _, place := range dearest(byPlace) {
		var most []string
		for _, function := range dearest(byFunction[place])[:min(4, len(byFunction[place]))] {
			most = append(most, fmt.Sprintf("`%s` %.0f", strings.TrimPrefix(strings.TrimPrefix(function, own), "/"), ns(byFunction[place][function])))
		}
		fmt.Fprintf(w, "| %s | %.0f | %.0f %% | %s |\n", place, ns(byPlace[place]), 100*byPlace[place]/total, strings.Join(most, ", "))
	}
	line := make([]byte, 483)
	into := make([]byte, 0, len(line))
	copying := timeFor(50*time.Millisecond, func() { copied = append(into, line...) })
	ours := ns(byPlace[places[2].name] + byPlace[places[3].name])
	fmt.Fprintf(w, "\n- copying the bytes of its line once: %.0f ns; mapping and queue together are %.0f times that\n\n", copying, ours/copying)
	return nil
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
