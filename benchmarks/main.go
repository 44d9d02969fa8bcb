// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Command benchmarks answers what a log costs with prefectlogs and with its peers,
// side by side: each measurement is a process of its own, to a server that is
// another process and keeps nothing; what is compared takes turns, several rounds of
// it, and the median of the rounds' ratios counts.
//
//	make bench      all of it, written to docs/performance.md
//	make profile    CPU and allocation profiles of our own rows
//	go run . -growth -rounds 3
//	go run . -peers -cases "200 B;4 kB" -only ours,otlp
//
// The entry point is [parts], the table of what is measured, each of which may be asked for by
// a flag of its name. Each part writes a section and lines for benchstat, and finds figures that
// are held against the [goals]. docs/performance.md says how to read them.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	var err error
	switch {
	case isNull():
		err = serveNull()
	case len(os.Args) == 3 && os.Args[1] == "measure":
		err = measureHere(os.Args[2])
	default:
		err = compare()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

// measureHere is the whole of a measuring process.
func measureHere(told string) error {
	var j job
	if err := json.Unmarshal([]byte(told), &j); err != nil {
		return err
	}
	run, ok := kinds[j.Kind]
	if !ok {
		return fmt.Errorf("there is no kind of job %q", j.Kind)
	}
	stop := func() {}
	if j.Profile != "" {
		var err error
		if stop, err = startProfile(j.Profile); err != nil {
			return err
		}
	}
	r, err := run(j)
	stop()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// part is something that is measured by itself.
type part struct {
	name  string // of its flag, and of its section in the document
	about string
	run   func(b *bench) error
}

var parts = []part{
	{"peers", "what a log costs, beside its peers", comparePeers},
	{"growth", "cost for a record, from few to many records, runs and goroutines", measureGrowth},
	{"stored", "time until records are stored on a real server, beside Prefect's own handler", compareStored},
	{"stalled", "memory while the server accepts and never answers", measureStalled},
	{"encoding", "encoding a long message, beside copying and validating it", measureEncoding},
	{"onemit", "OnEmit alone, and the SDK around it", measureOnEmit},
	{"profile", "where the time of our own rows goes; the profiles stay", measureProfile},
	{"collector", "the Collector's exporter alone, and the built program", compareCollector},
}

// bench is what the parts share.
type bench struct {
	rounds  int
	null    string // address of the null server
	scale   int    // records are divided by it: tests measure little
	cases   string // of the peers; empty: all
	only    string // peers; empty: all
	folder  string // for profiles
	section strings.Builder
	raw     strings.Builder
	found   map[string]figure // by the name of a goal
}

// progress tells a person what is measured now.
func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "\r%-76s", fmt.Sprintf(format, args...))
}

// shrink is the load of a smoke test.
func (b *bench) shrink(l load) load {
	l.Records, l.Runs = max(l.Records/b.scale, l.Goroutines, 100), max(l.Runs/b.scale, 1)
	return l
}

func compare() error {
	b := &bench{scale: 1, found: make(map[string]figure)}
	flag.IntVar(&b.rounds, "rounds", 5, "how often each measurement is repeated; of what takes long, half as often")
	flag.StringVar(&b.only, "only", "", "peers to measure, separated by commas; empty: all")
	flag.StringVar(&b.cases, "cases", "", "cases of the peers to measure, separated by semicolons; empty: all")
	out := flag.String("out", "", "Markdown file in which each part's section stands between two lines with its name, <!-- growth -->; empty: only printed")
	raw := flag.String("raw", "", "file for every single result in the form that benchstat reads")
	flag.StringVar(&b.folder, "profiles", "build/profile", "folder for CPU and allocation profiles")
	chosen := make(map[string]*bool)
	for _, p := range parts {
		chosen[p.name] = flag.Bool(p.name, false, "measure "+p.about+"; without such a flag all is measured")
	}
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("what is %q? -h tells the flags", flag.Arg(0))
	}
	if b.rounds < 1 {
		return fmt.Errorf("%d rounds measure nothing", b.rounds)
	}
	var wanted []part
	for _, p := range parts {
		if *chosen[p.name] {
			wanted = append(wanted, p)
		}
	}
	whole := wanted == nil
	if whole {
		wanted = parts
	}

	null, stop, err := startNull()
	if err != nil {
		return err
	}
	defer stop()
	b.null = null
	for _, p := range wanted {
		if err := b.measure(p, *out); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	text := goalTable(b.found) + tellRounds(b.rounds)
	fmt.Print(text)
	if *raw != "" {
		if err := os.WriteFile(*raw, []byte(b.raw.String()), 0o644); err != nil {
			return err
		}
	}
	if *out != "" && whole { // a table of some targets would look like one of all
		return replaceBetween(*out, "targets", text)
	}
	return nil
}

// measure measures a part, prints its section and puts it into the document.
func (b *bench) measure(p part, out string) error {
	b.section.Reset()
	err := p.run(b)
	fmt.Fprintf(os.Stderr, "\r%76s\r", "")
	fmt.Print(b.section.String()) // what was measured before an error too
	if err != nil || out == "" {
		return err
	}
	return replaceBetween(out, p.name, b.section.String())
}
