// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// job is what one measuring process is told, and result what it answers; both travel as JSON.
type job struct {
	Kind    string // of kinds; empty: a peer logs a load
	Peer    string
	Server  string // host and port, and what stands before "/api"
	Load    load
	FlowRun string // id of the first run; empty: any
	Steady  bool   // costs are taken once it has logged and sent before
	Queue   int    // in bytes, of the kind "stalled"; 0: no pipeline of ours

	MemoryLimit int    // GOMEMLIMIT in MiB; 0: none
	Profile     string // folder for CPU and allocation profiles; empty: none
}

// result is what a process has found; each kind of job fills in what it measures.
type result struct {
	NS      float64 // of a log call, or what else is called
	Allocs  float64 // for a record, of the whole process
	CPU     float64 // seconds for a million records, until all are sent
	Rate    float64 // records per second, until all are sent
	PeakMiB float64
	LiveMiB float64 // of the heap, at the end and behind a collection
	GoMiB   float64 // that Go has of the system, at the end; what GOMEMLIMIT bounds
	GoalMiB float64 // the heap at which Go collects next, at the end

	CopyNS, ValidNS float64            // copying and validating what was encoded
	EscapeNS        map[string]float64 // escaping it by a library, by its name
}

// kinds are the kinds of jobs.
var kinds = map[string]func(job) (result, error){
	"":          measure,
	python:      measurePython,
	"stalled":   stallHere,
	"encoding":  encodeHere,
	"onemit":    emitHere,
	"exporter":  exportHere,
	"collector": collectHere,
	"push":      pushHere,
}

// inProcess does a job in a process of its own.
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
	if j.MemoryLimit > 0 {
		command.Env = append(os.Environ(), fmt.Sprintf("GOMEMLIMIT=%dMiB", j.MemoryLimit))
	}
	answer, err := command.Output()
	if err != nil {
		return r, fmt.Errorf("%s%s: %w", j.Kind, j.Peer, err)
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
