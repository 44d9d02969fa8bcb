// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
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
	last := len(values) - 1
	return figure{values[0], (values[last/2] + values[(last+1)/2]) / 2, values[last]}
}

func same(f float64) float64 { return f }

// compared is a number of ours in terms of others' in the same round.
func compared[T any](ours, others []T, of func(T) float64) figure {
	ratios := make([]float64, min(len(ours), len(others)))
	for round := range ratios {
		ratios[round] = of(ours[round]) / of(others[round])
	}
	return figureOf(ratios, same)
}

// String is "0.25 (0.24-0.31)".
func (f figure) String() string {
	return fmt.Sprintf("%s (%s-%s)", short(f.median), short(f.low), short(f.high))
}

// short is a number with three digits that count.
func short(f float64) string {
	whole := strconv.FormatFloat(f, 'f', 0, 64)
	if len(strings.TrimPrefix(whole, "-")) >= 3 {
		return whole
	}
	return strconv.FormatFloat(f, 'g', 3, 64)
}

// pair is what a round has found for ours and for what ours is compared with.
type pair struct{ ours, other result }

// goal is what a measure is to reach.
type goal struct {
	name  string // of what is measured, as the part that measures it has it
	text  string
	bound float64
	least bool // the figure is to be at least the bound; otherwise at most
}

// goals are the targets of the project, in the order of its table.
var goals = []goal{
	{"CPU beyond the bare SDK, against otlp", "at most 0.25", 0.25, false},
	{"the same with WithBatchRecords(1000) and a backlog", "at most 0.20", 0.20, false},
	{"whole CPU, against otlp", "at most 0.30", 0.30, false},
	{"records/s, against otlp-tuned", "at least 2.5", 2.5, true},
	{"OnEmit alone, ns", "at most 400", 400, false},
	{"OnEmit alone, allocations", "0", 0.0005, false}, // rounded: what the runtime does meanwhile counts too
	{"encoding 10 kB of ASCII, against copying it", "at most 35", 35, false},
	{"encoding 10 kB of other scripts, against utf8.ValidString", "at most 1.3", 1.3, false},
	{"whole CPU, against Prefect's own handler", "at most 1/100", 0.01, false},
	{storedGoal, "at most 1/2", 0.5, false},
	{aloneGoal, "at most 1/4", 0.25, false},
	{builtGoal, "at most 1", 1, false},
	{stalledName("live heap", 16), stalledText(16), stalledBound(16), false},
	{stalledName("live heap", 64), stalledText(64), stalledBound(64), false},
	{stalledName("peak", 16), stalledText(16), stalledBound(16), false},
	{stalledName("peak", 64), stalledText(64), stalledBound(64), false},
}

func (g goal) isMet(f figure) bool {
	if g.least {
		return f.median >= g.bound
	}
	return f.median <= g.bound
}

// goalTable holds the figures that were found against the goals.
func goalTable(found map[string]figure) string {
	var w strings.Builder
	fmt.Fprintln(&w, "| measure | target | figure | spread | |")
	fmt.Fprintln(&w, "|---|---|---|---|---|")
	for _, g := range goals {
		f, ok := found[g.name]
		if !ok {
			continue
		}
		verdict := "**missed**"
		if g.isMet(f) {
			verdict = "met"
		}
		fmt.Fprintf(&w, "| %s | %s | %s | %s-%s | %s |\n", g.name, g.text, short(f.median), short(f.low), short(f.high), verdict)
	}
	fmt.Fprintln(&w)
	return w.String()
}

// tellRounds says how many rounds have made the figures.
func tellRounds(rounds int) string {
	return fmt.Sprintf("Rounds of this run: %d; %d of what takes long, which is every case of the peers but the first, growth, and the real server. The middle of two is their mean.\n\n", rounds, half(rounds))
}

// writeLine writes a result as `go test -bench` would: what it is of, nanoseconds,
// and numbers with their units.
func writeLine(w *strings.Builder, name string, ns float64, format string, args ...any) {
	name = strings.NewReplacer(" ", "_", ",", "").Replace(name)
	fmt.Fprintf(w, "Benchmark%s 1 %.1f ns/op %s\n", name, ns, fmt.Sprintf(format, args...))
}

// readLine reads a line as [writeLine] writes it: numbers by their units. A line that is none has no name.
func readLine(line string) (name string, numbers map[string]float64) {
	fields := strings.Fields(line)
	if len(fields) < 4 || len(fields)%2 != 0 || !strings.HasPrefix(fields[0], "Benchmark") {
		return "", nil
	}
	numbers = make(map[string]float64)
	for i := 2; i < len(fields); i += 2 {
		number, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return "", nil
		}
		numbers[fields[i+1]] = number
	}
	return strings.TrimPrefix(fields[0], "Benchmark"), numbers
}

// replaceBetween puts text between the two lines of a document that have the name.
func replaceBetween(path, name, text string) error {
	border := "<!-- " + name + " -->\n"
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
