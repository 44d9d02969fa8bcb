// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// job is the program, built and running.
type job struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

// newJobs gives a server, and what starts the program with one state folder in one flow run of it.
func newJobs(t *testing.T) (server *prefecttest.Server, start func(args ...string) job) {
	t.Helper()
	folder := t.TempDir()
	program := filepath.Join(folder, "longjob")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server = prefecttest.NewServer(t, prefecttest.WithLoopback())
	flow, err := server.API().CreateFlowRun(t.Context(), "longjob", "")
	if err != nil {
		t.Fatal(err)
	}
	return server, func(args ...string) job {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = []string{
			"PREFECT_HOME=" + folder, "STATE_DIRECTORY=" + filepath.Join(folder, "state"),
			"PREFECT_API_URL=" + server.URL(), "PREFECT__FLOW_RUN_ID=" + flow.ID,
		}
		cmd.Stderr = t.Output()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return job{t, cmd, bufio.NewScanner(out)}
	}
}

// next is the next line that the job says on its console, as it should stand on the page; false means that it has ended.
func (j job) next() (text string, ok bool) {
	j.t.Helper()
	if !j.lines.Scan() {
		return "", false
	}
	var said struct {
		Msg    string
		Order  *int
		Packed *int
	}
	if err := json.Unmarshal(j.lines.Bytes(), &said); err != nil {
		j.t.Fatalf("%v: %s", err, j.lines.Text())
	}
	text = said.Msg
	if said.Order != nil {
		text += fmt.Sprintf(" order=%d", *said.Order)
	}
	if said.Packed != nil {
		text += fmt.Sprintf(" packed=%d", *said.Packed)
	}
	return text, true
}

// rest are the lines until it ends.
func (j job) rest() (said []string) {
	for text, ok := j.next(); ok; text, ok = j.next() {
		said = append(said, text)
	}
	return said
}

func TestATermSignalEndsTheJobWithAllItsLinesStored(t *testing.T) {
	t.Parallel()
	server, start := newJobs(t)
	job := start()
	var said []string
	for range 3 {
		text, ok := job.next()
		if !ok {
			t.Fatal("the job ended before it was told to")
		}
		said = append(said, text)
	}
	if err := job.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said = append(said, job.rest()...)
	if err := job.cmd.Wait(); err != nil {
		t.Errorf("the job ended with %v, want status 0", err)
	}

	if want := fmt.Sprintf("stopping packed=%d", len(said)-1); said[len(said)-1] != want {
		t.Errorf("it ended with %q, want %q", said[len(said)-1], want)
	}
	var stored []string
	for _, log := range server.Logs() {
		stored = append(stored, log.Message)
	}
	if diff := cmp.Diff(said, stored); diff != "" {
		t.Errorf("lines (-said +stored):\n%s", diff)
	}
}

func TestAJobThatIsKilledLosesNoLine(t *testing.T) {
	t.Parallel()
	server, start := newJobs(t)
	server.FaultAlways(prefecttest.Status(http.StatusServiceUnavailable)) // which stores nothing
	server.Fault(prefecttest.Delay(0))                                    // but for the first request
	killed := start()
	want := map[string]int{}
	for stored := 0; stored == 0 || len(want) <= stored; stored = len(server.Logs()) { // some are stored, and some are not
		text, ok := killed.next()
		if !ok {
			t.Fatal("the job ended before it was killed")
		}
		want[text]++
	}
	if err := killed.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, text := range killed.rest() {
		want[text]++
	}
	if err := killed.cmd.Wait(); err == nil {
		t.Fatal("the job ended before it was killed")
	}
	// It is in the spool before it is on the console, and a kill may come between the two.
	next := fmt.Sprintf("packed order=%d", len(want))
	server.ClearFaults()
	if before := len(server.Logs()); before >= len(want) {
		t.Fatalf("all of %d lines were stored, so that nothing was left to take over", before)
	}

	again := start("-orders", "3")
	for _, text := range again.rest() {
		want[text]++
	}
	if err := again.cmd.Wait(); err != nil {
		t.Errorf("the job that took over ended with %v, want status 0", err)
	}
	got := map[string]int{}
	for _, log := range server.Logs() {
		got[log.Message]++
	}
	if got[next] == 1 {
		want[next]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("how often each line stands (-said +stored):\n%s", diff)
	}
}
