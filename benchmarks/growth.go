// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
)

// growths are what grows, each from its first load on; the others stay as they are.
var growths = []struct {
	name  string
	of    func(load) int
	loads []load
}{
	{"records", func(l load) int { return l.Records }, []load{
		growing(1_000, 1, 1), growing(10_000, 1, 1), growing(100_000, 1, 1), growing(1_000_000, 1, 1), growing(10_000_000, 1, 1),
	}},
	{"runs", func(l load) int { return l.Runs }, []load{
		growing(1_000_000, 1, 1), growing(1_000_000, 100, 1), growing(1_000_000, 10_000, 1), growing(1_000_000, 100_000, 1),
	}},
	{"goroutines", func(l load) int { return l.Goroutines }, []load{
		growing(1_000_000, 1, 1), growing(1_000_000, 1, 100), growing(1_000_000, 1, 10_000),
	}},
	{"goroutines, 40,000 records/s", func(l load) int { return l.Goroutines }, []load{
		calm(1), calm(100), calm(10_000),
	}},
}

// calm is a load that the server keeps up with: no call waits for room in the queue.
func calm(goroutines int) load {
	l := growing(120_000, 1, goroutines)
	l.Rate = 40_000
	return l
}

// growing is the base case with other numbers.
func growing(records, runs, goroutines int) load {
	return load{200, ascii, goroutines, runs, records, 0}
}

// measureGrowth measures ours and the bare SDK under each load. Both hold the records'
// attributes, of all runs: what ours takes beyond the SDK is the pipeline's.
func measureGrowth(b *bench) error {
	found := make(map[load][]pair) // a load of several groups is measured once
	rounds := half(b.rounds)
	for round := range rounds {
		for _, g := range growths {
			for _, l := range g.loads {
				if len(found[l]) > round {
					continue
				}
				b.progress("%d records, %d runs, %d goroutines, round %d of %d", l.Records, l.Runs, l.Goroutines, round+1, rounds)
				p, err := b.steady(l)
				if err != nil {
					return err
				}
				found[l] = append(found[l], p)
			}
		}
	}
	w := &b.section
	for _, g := range growths {
		fmt.Fprintf(w, "| %s | ns | CPU s/million | spread | against the first | beyond the SDK | against the first | live heap MiB | peak MiB | beyond the SDK |\n", g.name)
		fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|")
		first := found[g.loads[0]]
		for _, l := range g.loads {
			all := found[l]
			cpu, beyond := figureOf(all, wholeCPU), figureOf(all, beyondCPU)
			ns := fmt.Sprintf("%.0f", figureOf(all, func(p pair) float64 { return 1e9 / p.ours.Rate }).median)
			if l.Rate > 0 {
				ns = "" // which is that of the rate
			}
			fmt.Fprintf(w, "| %s | %s | %.2f | %.2f-%.2f | %s | %.2f | %s | %.1f | %.0f | %+.0f |\n", thousands(g.of(l)), ns,
				cpu.median, cpu.low, cpu.high, compared(all, first, wholeCPU), beyond.median, compared(all, first, beyondCPU),
				figureOf(all, func(p pair) float64 { return p.ours.LiveMiB }).median,
				figureOf(all, func(p pair) float64 { return p.ours.PeakMiB }).median,
				figureOf(all, func(p pair) float64 { return p.ours.PeakMiB - p.other.PeakMiB }).median)
			if l == growing(1_000_000, 1, 1) && g.name != growths[0].name {
				continue // it stands with the records
			}
			for _, p := range all {
				writeLine(&b.raw, fmt.Sprintf("Growth/%s=%d", g.name, g.of(l)), 1e9/p.ours.Rate, "%.3f cpu-s/million %.3f cpu-s/million-beyond-sdk %.1f live-MiB %.0f peak-MiB",
					p.ours.CPU, beyondCPU(p), p.ours.LiveMiB, p.ours.PeakMiB)
			}
		}
		fmt.Fprintln(w)
	}
	return nil
}

func wholeCPU(p pair) float64  { return p.ours.CPU }
func beyondCPU(p pair) float64 { return p.ours.CPU - p.other.CPU }

// steady measures ours and the bare SDK once they are warm.
func (b *bench) steady(l load) (p pair, err error) {
	l = b.shrink(l)
	if p.ours, err = inProcess(job{Peer: "ours", Server: b.null, Load: l, Steady: true}); err != nil {
		return p, err
	}
	got, err := ask(b.null)
	if err != nil {
		return p, err
	}
	if want := l.Records/l.Goroutines*l.Goroutines + warmUp; got.Records != want {
		return p, fmt.Errorf("%d records of %d came", got.Records, want)
	}
	p.other, err = inProcess(job{Peer: "sdk-dup", Load: l, Steady: true})
	return p, err
}

// thousands is a number as people read it: "10,000".
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
