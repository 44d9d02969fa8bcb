// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestANumberHasThreeDigitsThatCount(t *testing.T) {
	for f, want := range map[float64]string{0.29612: "0.296", 1.9: "1.9", 25.04: "25", 27.24: "27.2", 3192.4: "3192", 0.0113: "0.0113", 0: "0", -12345: "-12345"} {
		if got := short(f); got != want {
			t.Errorf("%v: %q, want %q", f, got, want)
		}
	}
	for n, want := range map[int]string{1: "1", 999: "999", 1000: "1,000", 10_000_000: "10,000,000"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestTheMedianIsInTheMiddle(t *testing.T) {
	for _, test := range []struct {
		all  []float64
		want figure
	}{{[]float64{3}, figure{3, 3, 3}}, {[]float64{3, 1}, figure{1, 2, 3}}, {[]float64{9, 1, 2}, figure{1, 2, 9}}, {[]float64{4, 1, 9, 2}, figure{1, 3, 9}}} {
		if got := figureOf(test.all, same); got != test.want {
			t.Errorf("%v: %v, want %v", test.all, got, test.want)
		}
	}
}

func TestTargetsAreMetOrMissed(t *testing.T) {
	at := func(f float64) figure { return figure{f * 0.9, f, f * 1.1} }
	table := goalTable(map[string]figure{
		"whole CPU, against otlp":         at(0.31),
		"records/s, against otlp-tuned":   at(2.5),
		"OnEmit alone, ns":                at(390),
		"of something that has no target": at(1),
	})
	want := []string{
		"| whole CPU, against otlp | at most 0.30 | 0.31 | 0.279-0.341 | **missed** |",
		"| records/s, against otlp-tuned | at least 2.5 | 2.5 | 2.25-2.75 | met |",
		"| OnEmit alone, ns | at most 400 | 390 | 351-429 | met |",
	}
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if got := lines[2:]; strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", table)
	}
}

func TestEveryRatioOfTheFirstCaseHasATarget(t *testing.T) {
	for _, r := range ratios {
		if !hasGoal(r.name) {
			t.Errorf("no target for %q", r.name)
		}
	}
}

func hasGoal(name string) bool {
	for _, g := range goals {
		if g.name == name {
			return true
		}
	}
	return false
}

func TestALineIsReadAsItIsWritten(t *testing.T) {
	var w strings.Builder
	writeLine(&w, "Log/200 B, quotes/ours", 12.34, "%d records/s", 5)
	if want := "BenchmarkLog/200_B_quotes/ours 1 12.3 ns/op 5 records/s\n"; w.String() != want {
		t.Errorf("%q, want %q", &w, want)
	}
	name, numbers := readLine(w.String())
	if name != "Log/200_B_quotes/ours" || numbers["ns/op"] != 12.3 || numbers["records/s"] != 5 {
		t.Errorf("%q %v", name, numbers)
	}
	for _, wrong := range []string{"", "ok  	package 1.2s", "BenchmarkX 1 y ns/op", "BenchmarkX 1 2", "BenchmarkX 1 2 ns/op 3"} {
		if name, _ := readLine(wrong); name != "" {
			t.Errorf("%q is taken for a line", wrong)
		}
	}
}
