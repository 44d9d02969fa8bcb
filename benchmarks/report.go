// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// figure is a median and its spread.
type figure struct{ low, median, high float64 }

func figureOf[T any](all []T, of func(T) float64) figure {
	values := make([]float64, len(all))
	for i, one := range all {
		values[i] = of(one)
	}
	slices.Sort(values)
	return figure{values[0], values[len(values)/2], values[len(values)-1]}
}

func same(f float64) float64 { return f }

// writeTable writes the table of one case, and how it stands to the peers.
func writeTable(w *strings.Builder, name string, samples []*sample) {
	fmt.Fprintf(w, "### %s\n\n", name)
	fmt.Fprintln(w, "| | ns | allocs | CPU s/million | spread | records/s | spread | lost | bytes | peak MiB |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|")
	for _, s := range samples {
		cpu := figureOf(s.paced, func(r result) float64 { return r.CPU })
		rate := figureOf(s.full, func(r result) float64 { return r.Rate })
		lost, bytes := "", ""
		if !s.peer.local {
			lost = fmt.Sprintf("%.0f %%", 100*figureOf(s.lost, same).median)
			bytes = fmt.Sprintf("%.0f", figureOf(s.bytes, same).median)
		}
		if s.gone > 0 {
			lost += fmt.Sprintf(" (paced: %d records)", s.gone)
		}
		fmt.Fprintf(w, "| %s | %.0f | %.1f | %.2f | %.2f-%.2f | %.0f | %.0f-%.0f | %s | %s | %.0f |\n", s.peer.name,
			figureOf(s.full, func(r result) float64 { return r.NS }).median, figureOf(s.full, func(r result) float64 { return r.Allocs }).median,
			cpu.median, cpu.low, cpu.high, rate.median, rate.low, rate.high, lost, bytes,
			figureOf(s.full, func(r result) float64 { return r.PeakMiB }).median)
	}
	fmt.Fprintln(w)
	for _, r := range ratios {
		if f, ok := r.of(samples); ok {
			fmt.Fprintf(w, "- %s: %.3g (%.3g-%.3g)\n", r.name, f.median, f.low, f.high)
		}
	}
	fmt.Fprintln(w)
}

// ratio compares two peers round by round.
type ratio struct {
	name               string
	ours, peer         string
	beyond, peerBeyond string // what is subtracted before; empty: nothing
	figure             func(s *sample, round int) float64
	oursFigure         func(s *sample, round int) float64 // nil: figure
}

func pacedCPU(s *sample, round int) float64 { return s.paced[round].CPU }
func fullCPU(s *sample, round int) float64  { return s.full[round].CPU }
func fullRate(s *sample, round int) float64 { return s.full[round].Rate }

var ratios = []ratio{
	{"CPU beyond the bare SDK, against otlp", "ours", "otlp", "sdk-dup", "sdk", pacedCPU, nil},
	{"the same with WithBatchRecords(1000) and a backlog", "ours-1000", "otlp", "sdk-dup", "sdk", pacedCPU, fullCPU},
	{"whole CPU, against otlp", "ours", "otlp", "", "", pacedCPU, nil},
	{"records/s, against otlp-tuned", "ours", "otlp-tuned", "", "", fullRate, nil},
	{"whole CPU, against Prefect's own handler", "ours", python, "", "", pacedCPU, nil},
}

func (r ratio) of(samples []*sample) (figure, bool) {
	find := func(name string) *sample {
		for _, s := range samples {
			if s.peer.name == name {
				return s
			}
		}
		return nil
	}
	ours, other := find(r.ours), find(r.peer)
	if ours == nil || other == nil {
		return figure{}, false
	}
	oursFigure := r.figure
	if r.oursFigure != nil {
		oursFigure = r.oursFigure
	}
	var all []float64
	for round := range ours.full {
		mine, theirs := oursFigure(ours, round), r.figure(other, round)
		if r.beyond != "" {
			base, theirBase := find(r.beyond), find(r.peerBeyond)
			if base == nil || theirBase == nil {
				return figure{}, false
			}
			mine -= oursFigure(base, round)
			theirs -= r.figure(theirBase, round)
		}
		all = append(all, mine/theirs)
	}
	return figureOf(all, same), true
}

// writeRaw writes every result as `go test -bench` would, for benchstat.
func writeRaw(w *strings.Builder, name string, samples []*sample) {
	name = strings.NewReplacer(" ", "_", ",", "").Replace(name)
	for _, s := range samples {
		for i := range s.full {
			fmt.Fprintf(w, "BenchmarkLog/%s/%s 1 %.0f ns/op %.1f allocs/op %.3f cpu-s/million %.0f records/s %.0f wire-B/record %.0f peak-MiB\n",
				name, s.peer.name, s.full[i].NS, s.full[i].Allocs, s.paced[i].CPU, s.full[i].Rate, s.bytes[i], s.full[i].PeakMiB)
		}
	}
}

// border stands before and behind what replaceBetween replaces.
const border = "<!-- benchmarks -->\n"

func replaceBetween(path, text string) error {
	whole, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(whole), border)
	_, tail, closed := strings.Cut(rest, border)
	if !ok || !closed {
		return fmt.Errorf("%s has no two lines %q", path, strings.TrimSpace(border))
	}
	return os.WriteFile(path, []byte(head+border+"\n"+text+border+tail), 0o644)
}
