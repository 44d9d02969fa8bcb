// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Command benchmarks answers what a log costs with prefectlogs and with its peers,
// side by side: each measurement is a process of its own that logs the same
// records, to a server that is another process and keeps nothing; peers take turns,
// several rounds of them, and the median counts.
//
//	make bench      all of it, written to docs/performance.md
//	make profile    CPU and allocation profiles of our own rows
//	go run . -rounds 3 -cases "200 B;4 kB" -only ours,otlp
//
// The entry point is [peers], the table of what is compared; [cases] is the table
// of records. In the result
//
//	ns, allocs      of a log call, at full speed; of the whole process
//	CPU             seconds of processor time for a million records, user and system, until all are sent; the load is paced, so that nothing is lost
//	records/s       at full speed until all are sent; with what was lost, where a peer loses
//	bytes           on the wire for a record
//	peak            memory of the process, in MiB
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	run := measure
	if j.Peer == python {
		run = measurePython
	}
	r, err := run(j)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// sample is what the rounds have found for one peer under one load.
type sample struct {
	peer  peer
	full  []result // as fast as it goes
	lost  []float64
	bytes []float64 // on the wire for a record
	paced []result
	gone  int // lost under the paced load
}

func compare() error {
	rounds := flag.Int("rounds", 5, "how often each measurement is repeated")
	only := flag.String("only", "", "peers to measure, separated by commas; empty: all")
	which := flag.String("cases", "", "cases to measure, separated by semicolons; empty: all")
	out := flag.String("out", "", "Markdown file in which the tables stand between <!-- benchmarks --> lines; empty: only printed")
	raw := flag.String("raw", "", "file for every single result in the form that benchstat reads")
	profiles := flag.String("profile", "", "folder for CPU and allocation profiles, for which our own rows run once with ten times the records; empty: none")
	flag.Parse()

	server, stop, err := startNull()
	if err != nil {
		return err
	}
	defer stop()
	if *profiles != "" {
		return profile(server, *profiles)
	}
	var tables, lines strings.Builder
	for _, c := range cases {
		if *which != "" && !slices.Contains(strings.Split(*which, ";"), c.name) {
			continue
		}
		var samples []*sample
		for _, p := range peers {
			if *only == "" || slices.Contains(strings.Split(*only, ","), p.name) {
				samples = append(samples, &sample{peer: p})
			}
		}
		for round := range *rounds {
			for i := range samples { // each round another peer begins
				s := samples[(i+round)%len(samples)]
				fmt.Fprintf(os.Stderr, "\r%-24s round %d of %d  %-12s", c.name, round+1, *rounds, s.peer.name)
				if err := s.measure(server, c.load); err != nil {
					return fmt.Errorf("%s, %s: %w", s.peer.name, c.name, err)
				}
			}
		}
		fmt.Fprintf(os.Stderr, "\r%60s\r", "")
		writeTable(&tables, c.name, samples)
		writeRaw(&lines, c.name, samples)
	}
	fmt.Print(tables.String())
	if *raw != "" {
		if err := os.WriteFile(*raw, []byte(lines.String()), 0o644); err != nil {
			return err
		}
	}
	if *out != "" {
		return replaceBetween(*out, tables.String())
	}
	return nil
}

func (s *sample) measure(server string, l load) error {
	for _, l := range []load{l, l.paced()} {
		if s.peer.name == python {
			l = l.share(pythonShare)
		}
		r, err := inProcess(job{Peer: s.peer.name, Server: server, Load: l})
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

// profile writes the profiles of our own rows under the base load.
func profile(server, dir string) error {
	l := cases[0].load
	l.Records *= 10
	for _, name := range []string{"ours", "ours-1000", "sdk-dup"} {
		r, err := inProcess(job{Peer: name, Server: server, Load: l, Profile: filepath.Join(dir, name)})
		if err != nil {
			return err
		}
		fmt.Printf("%s: %.0f records/s, %.2f CPU s for a million: go tool pprof -top %s\n", name, r.Rate, r.CPU, filepath.Join(dir, name, "cpu.pprof"))
	}
	return nil
}

func inProcess(j job) (r result, err error) {
	told, err := json.Marshal(j)
	if err != nil {
		return r, err
	}
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	command := exec.Command(self, "measure", string(told))
	command.Stderr = os.Stderr
	answer, err := command.Output()
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(answer, &r)
}

// startNull starts the null server and returns its address.
func startNull() (address string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	command := exec.Command(self, "null")
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := command.Start(); err != nil {
		return "", nil, err
	}
	address, err = bufio.NewReader(stdout).ReadString('\n')
	stop = func() {
		_ = stdin.Close() // which ends it
		_ = command.Wait()
	}
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("the null server says no address: %w", err)
	}
	return strings.TrimSpace(address), stop, nil
}
