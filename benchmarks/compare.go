// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
)

// sample is what the rounds have found for one peer under one load.
type sample struct {
	peer  peer
	full  []result // as fast as it goes
	lost  []float64
	bytes []float64 // on the wire for a record
	paced []result
	gone  int // lost under the paced load
}

// comparePeers has every peer log every case. The first case is the one that goals are of.
func comparePeers(b *bench) error {
	for at, c := range cases {
		if b.cases != "" && !slices.Contains(strings.Split(b.cases, ";"), c.name) {
			continue
		}
		var samples []*sample
		for _, p := range peers {
			if b.only == "" || slices.Contains(strings.Split(b.only, ","), p.name) {
				samples = append(samples, &sample{peer: p})
			}
		}
		rounds := b.rounds
		if at > 0 {
			rounds = half(rounds)
		}
		for round := range rounds {
			for i := range samples { // each round another peer begins
				s := samples[(i+round)%len(samples)]
				b.progress("%-24s round %d of %d  %s", c.name, round+1, rounds, s.peer.name)
				if err := s.measure(b.null, b.shrink(c.load)); err != nil {
					return fmt.Errorf("%s, %s: %w", s.peer.name, c.name, err)
				}
			}
		}
		writeTable(&b.section, c.name, samples)
		writeRaw(&b.raw, c.name, samples)
		for _, r := range slices.Concat(ratios, further) {
			f, ok := r.of(samples)
			if !ok {
				continue
			}
			fmt.Fprintf(&b.section, "- %s: %s; %s\n", r.name, f, r.mode)
			if at == 0 {
				b.found[r.name] = f
			}
		}
		fmt.Fprintln(&b.section)
	}
	return nil
}

// half is how many rounds there are of what takes long.
func half(rounds int) int { return (rounds + 1) / 2 }

func (s *sample) measure(server string, l load) error {
	kind := ""
	if s.peer.name == python {
		kind = python
	}
	for _, l := range []load{l, l.paced()} {
		if s.peer.name == python {
			l = l.share(pythonShare)
		}
		r, err := inProcess(job{Kind: kind, Peer: s.peer.name, Server: server, Load: l})
		if err != nil {
			return err
		}
		got, err := ask(server)
		if err != nil {
			return err
		}
		sent := l.Records / l.Goroutines * l.Goroutines
		missing := sent - got.Records
		if s.peer.local {
			missing = 0
		}
		if l.Rate > 0 {
			s.paced = append(s.paced, r)
			s.gone += missing
			continue
		}
		s.full = append(s.full, r)
		s.lost = append(s.lost, float64(missing)/float64(sent))
		s.bytes = append(s.bytes, float64(got.Bytes)/float64(max(got.Records, 1)))
	}
	return nil
}

// writeTable writes the table of one case.
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
		allocs := fmt.Sprintf("%.1f", figureOf(s.full, func(r result) float64 { return r.Allocs }).median)
		if s.peer.name == python {
			allocs = "" // nobody counts them there
		}
		fmt.Fprintf(w, "| %s | %.0f | %s | %.2f | %.2f-%.2f | %.0f | %.0f-%.0f | %s | %s | %.0f |\n", s.peer.name,
			figureOf(s.full, func(r result) float64 { return r.NS }).median, allocs,
			cpu.median, cpu.low, cpu.high, rate.median, rate.low, rate.high, lost, bytes,
			figureOf(s.full, func(r result) float64 { return r.PeakMiB }).median)
	}
	fmt.Fprintln(w)
}

// writeRaw writes every result as `go test -bench` would, for benchstat.
func writeRaw(w *strings.Builder, name string, samples []*sample) {
	for _, s := range samples {
		for i := range s.full {
			writeLine(w, "Log/"+name+"/"+s.peer.name, s.full[i].NS, "%.1f allocs/op %.3f cpu-s/million %.0f records/s %.0f wire-B/record %.0f peak-MiB",
				s.full[i].Allocs, s.paced[i].CPU, s.full[i].Rate, s.bytes[i], s.full[i].PeakMiB)
		}
	}
}

// ratio compares two peers round by round.
type ratio struct {
	name               string // as its goal's, where there is one
	mode               string // what is measured how, for people
	ours, peer         string
	beyond, peerBeyond string // what is subtracted before, measured in the same mode; empty: nothing
	figure             func(s *sample, round int) float64
	oursFigure         func(s *sample, round int) float64 // nil: figure
}

func pacedCPU(s *sample, round int) float64 { return s.paced[round].CPU }
func fullCPU(s *sample, round int) float64  { return s.full[round].CPU }
func fullRate(s *sample, round int) float64 { return s.full[round].Rate }
func fullCall(s *sample, round int) float64 { return s.full[round].NS }

const bothPaced = "both at the pace"

// ratios are those that have a goal.
var ratios = []ratio{
	{"CPU beyond the bare SDK, against otlp", bothPaced, "ours", "otlp", "sdk-dup", "sdk", pacedCPU, nil},
	{"the same with WithBatchRecords(1000) and a backlog", "`ours-1000` and its SDK at full speed, otlp and its SDK at the pace", "ours-1000", "otlp", "sdk-dup", "sdk", pacedCPU, fullCPU},
	{"whole CPU, against otlp", bothPaced, "ours", "otlp", "", "", pacedCPU, nil},
	{"records/s, against otlp-tuned", "both at full speed", "ours", "otlp-tuned", "", "", fullRate, nil},
	{"whole CPU, against Prefect's own handler", bothPaced, "ours", python, "", "", pacedCPU, nil},
}

// further are those that help to read the others.
var further = []ratio{
	{"`ours-1000` without a backlog, CPU beyond the bare SDK, against otlp", bothPaced, "ours-1000", "otlp", "sdk-dup", "sdk", pacedCPU, nil},
	{"`ours-1000` with a backlog, CPU beyond the bare SDK, against otlp-tuned", "both at full speed, key duplication allowed in both", "ours-1000", "otlp-tuned", "sdk-dup", "sdk-dup", fullCPU, nil},
	{"the bare SDK's part of our whole CPU", bothPaced, "sdk-dup", "ours", "", "", pacedCPU, nil},
	{"the bare SDK's part of the time of our log call", "both at full speed", "sdk-dup", "ours", "", "", fullCall, nil},
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
