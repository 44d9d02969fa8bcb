// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// loadtest is the command that sends records through the built Collector, and prints lines for benchstat.
var loadtest = []string{"go", "run", "./internal/loadtest"}

const builtGoal = "Collector: whole CPU of the program, against otlp_http protobuf"

const collectorFolder = "../collector-component"

// compareCollector measures the exporters alone, and the built Collector with each of them.
func compareCollector(b *bench) error {
	if err := compareExporters(b); err != nil {
		return err
	}
	b.progress("the built Collector, a million records, %d rounds", b.rounds)
	command := exec.Command(loadtest[0], append(loadtest[1:], "-rounds", strconv.Itoa(b.rounds))...)
	command.Dir, command.Stderr = collectorFolder, os.Stderr
	lines, err := command.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(loadtest, " "), err)
	}
	return tellCollector(b, string(lines))
}

// tellCollector makes a table of what loadtest printed. The rows took turns, so the nth line
// of one is of the same round as the nth line of another.
func tellCollector(b *bench, lines string) error {
	rows := make(map[string][]map[string]float64)
	var names []string
	for line := range strings.Lines(lines) {
		name, numbers := readLine(line)
		if name == "" {
			return fmt.Errorf("loadtest printed %q", line)
		}
		if rows[name] == nil {
			names = append(names, name)
		}
		rows[name] = append(rows[name], numbers)
	}
	b.raw.WriteString(lines)
	const ours = "Collector/prefect"
	if len(rows[ours]) == 0 {
		return fmt.Errorf("loadtest printed no line of %s", ours)
	}
	w := &b.section
	fmt.Fprintln(w, "| built Collector | CPU s/million | spread | peak MiB | records/s | bytes | CPU with prefect, against it |\n|---|---|---|---|---|---|---|")
	for _, name := range names {
		of := func(unit string) figure {
			return figureOf(rows[name], func(n map[string]float64) float64 { return n[unit] })
		}
		cpu := of("cpu-s/million")
		against := compared(rows[ours], rows[name], func(n map[string]float64) float64 { return n["cpu-s/million"] })
		title := strings.ReplaceAll(strings.TrimPrefix(name, "Collector/"), "_", " ")
		fmt.Fprintf(w, "| %s | %.2f | %.2f-%.2f | %.0f | %.0f | %.0f | %s |\n", title, cpu.median, cpu.low, cpu.high,
			of("peak-MiB").median, of("records/s").median, of("wire-B/record").median, against)
		if title == "otlp http protobuf" {
			b.found[builtGoal] = against
		}
	}
	fmt.Fprintln(w)
	return nil
}
