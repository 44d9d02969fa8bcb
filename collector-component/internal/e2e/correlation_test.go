// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// longWait is how long a log waits for its run: for as long as traces are remembered.
const longWait = "10m"

// The whole story. A Python flow, with Prefect's own spans going to OTLP, calls a Go service from two tasks at the same time; the
// service knows only trace propagation, and logs by slog to OTLP.
func TestAServicesLinesStandUnderTheTaskRunThatCalledIt(t *testing.T) {
	s := serverstest.Get(t, servers.Prefect38SQLite)
	program := otelcol(t)
	service := buildService(t)
	environment := []string{"PREFECT_API_URL=" + s.APIURL()}

	t.Run("while the flow is running, and after a restart of the Collector", func(t *testing.T) {
		listen := freeAddress(t)
		// On a busy machine it may be long until Prefect tells of a task run, or a service of its spans.
		own := []string{"receivers::otlp::protocols::http::endpoint: " + listen, "processors::prefectrun::max_wait: " + longWait}
		c := run(t, program, sample(t, "correlation.yaml"), environment, own...)
		url := startService(t, service, listen)
		f := startFlow(t, s, listen, url)
		f.awaitLines(c, 4)
		for run, what := range f.tasks {
			f.want(run, "counting "+what, "few left of "+what+" left=3")
		}
		f.wantRunning()

		// A Collector that has just begun knows nothing but what it asks Prefect for.
		c.stop()
		c = run(t, program, sample(t, "correlation.yaml"), environment, own...)
		for run, what := range f.tasks {
			get(t, url+"/stock/more-"+what, f.traceParent(run))
		}
		f.awaitLines(c, 8)
		for run, what := range f.tasks {
			f.want(run, "counting "+what, "few left of "+what+" left=3", "counting more-"+what, "few left of more-"+what+" left=3")
		}
		f.wantRunning()
		f.release()
		c.stop()
	})

	t.Run("by spans alone, once they have come", func(t *testing.T) {
		config := filepath.Join(t.TempDir(), "config.yaml")
		text, err := os.ReadFile(sample(t, "correlation.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		unwatched := strings.Replace(string(text), "prefectrun:\n    watch:\n      from_environment: true\n", "prefectrun:\n    max_wait: "+longWait+"\n", 1)
		if unwatched == string(text) {
			t.Fatal("the sample has changed")
		}
		if err := os.WriteFile(config, []byte(unwatched), 0o600); err != nil {
			t.Fatal(err)
		}
		listen := freeAddress(t)
		c := run(t, program, config, environment, "receivers::otlp::protocols::http::endpoint: "+listen)
		f := startFlow(t, s, listen, startService(t, service, listen))
		f.release()
		f.awaitLines(c, 4)
		for run, what := range f.tasks {
			f.want(run, "counting "+what, "few left of "+what+" left=3")
		}
		c.stop()
	})
}

// The example does the same by one command, and fails where the lines do not stand where they should.
func TestTheExampleOfCorrelationRuns(t *testing.T) {
	s := serverstest.Get(t, servers.Prefect38SQLite)
	program := otelcol(t)
	example := filepath.Join(t.TempDir(), "correlation")
	examples := filepath.Join(componentFolder(t), "..", "examples")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", example, "./correlation")
	build.Dir = examples
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the example: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, example)
	cmd.Dir = examples
	cmd.Env = os.Environ() // it builds the service
	cmd.Env = append(slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "PREFECT_") }), s.Env()...)
	cmd.Env = append(cmd.Env, "HOME="+os.Getenv("HOME"), "PATH="+os.Getenv("PATH"), "PYTHON="+s.Python(), "OTELCOL="+program)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.CombinedOutput()
	for _, want := range []string{"is RUNNING", "of the task run for pears   stock  counting pears", "of the task run for apples  stock  few left of apples left=3"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("%v, want %q in\n%s", err, want, out)
		}
	}
}

// buildService builds the service of the example.
func buildService(t *testing.T) string {
	t.Helper()
	service := filepath.Join(t.TempDir(), "service")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", service, "./correlation/service")
	cmd.Dir = filepath.Join(componentFolder(t), "..", "examples")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the service: %v\n%s", err, out)
	}
	return service
}

// begin starts a program that ends with the test, and gives what it prints line by line.
func begin(t *testing.T, cmd *exec.Cmd) *bufio.Scanner {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return bufio.NewScanner(out)
}

// startService starts the service, waits until it listens, and gives its address.
func startService(t *testing.T, service, otlp string) string {
	t.Helper()
	address := freeAddress(t)
	cmd := exec.Command(service, address)
	cmd.Env = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + otlp}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // its last spans may find no Collector
	})
	listening := func() bool {
		connection, err := net.Dial("tcp", address)
		return err == nil && connection.Close() == nil
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !listening(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the service does not listen on %s", address)
		}
	}
	return "http://" + address
}

// pythonFlow is the flow of the example, under way.
type pythonFlow struct {
	t     *testing.T
	s     *servers.Server
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
	id    string
	tasks map[string]string // by id, what each asks for
}

// startFlow starts the flow, and returns when both of its tasks are under way.
func startFlow(t *testing.T, s *servers.Server, otlp, service string) *pythonFlow {
	t.Helper()
	f := &pythonFlow{t: t, s: s, tasks: map[string]string{}}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	f.cmd = exec.CommandContext(ctx, s.Python(), filepath.Join(componentFolder(t), "..", "examples", "correlation", "flow.py"))
	f.cmd.Env = append(s.Env(), "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+otlp, "SERVICE="+service)
	var err error
	if f.stdin, err = f.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	f.lines = begin(t, f.cmd)
	t.Cleanup(func() {
		if f.cmd.ProcessState == nil {
			_ = f.cmd.Process.Kill() // it may have ended
			_ = f.cmd.Wait()         // by a signal
		}
	})
	for f.id == "" || len(f.tasks) < 2 {
		if !f.lines.Scan() {
			t.Fatal("the flow ended before its tasks began")
		}
		switch words := strings.Fields(f.lines.Text()); {
		case len(words) == 2 && words[0] == "flow":
			f.id = words[1]
		case len(words) == 3 && words[0] == "task":
			f.tasks[words[1]] = words[2]
		}
	}
	return f
}

// release lets the tasks and the flow end.
func (f *pythonFlow) release() {
	f.t.Helper()
	if err := f.stdin.Close(); err != nil {
		f.t.Fatal(err)
	}
	for f.lines.Scan() {
	}
	if err := f.cmd.Wait(); err != nil {
		f.t.Fatal(err)
	}
}

// byService gives the lines of the service in the flow run, by task run.
func (f *pythonFlow) byService() (lines map[string][]string, n int) {
	f.t.Helper()
	logs, err := f.s.Logs(f.t.Context(), f.id)
	if err != nil {
		f.t.Fatal(err)
	}
	lines = map[string][]string{}
	for _, log := range logs {
		if log.Name != "stock" {
			continue
		}
		lines[log.TaskRunID] = append(lines[log.TaskRunID], log.Message)
		n++
	}
	return lines, n
}

func (f *pythonFlow) awaitLines(c *collector, n int) {
	f.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		if _, got := f.byService(); got >= n {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			lines, got := f.byService()
			f.t.Fatalf("%d of %d lines of the service: %q\n%s", got, n, lines, c.said())
		}
	}
}

func (f *pythonFlow) want(taskRun string, want ...string) {
	f.t.Helper()
	lines, _ := f.byService()
	if diff := cmp.Diff(want, lines[taskRun]); diff != "" {
		f.t.Errorf("task run for %s (-want +got)\n%s", f.tasks[taskRun], diff)
	}
}

// wantRunning checks that the flow and its tasks, which end when the test says so, are running. Prefect 3 tells its server of a task's
// states by events, which come a moment later: one that is pending will be running.
func (f *pythonFlow) wantRunning() {
	f.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for _, path := range append([]string{"/flow_runs/" + f.id}, f.taskPaths()...) {
		for {
			var run struct {
				StateType string `json:"state_type"`
			}
			err := f.s.API().Do(f.t.Context(), "GET", path, nil, &run)
			if err == nil && run.StateType == "RUNNING" {
				break
			}
			if err != nil || run.StateType != "" && run.StateType != "PENDING" {
				f.t.Errorf("%s is %s, %v", path, run.StateType, err)
				break
			}
			select {
			case <-tick.C:
			case <-deadline:
				f.t.Fatalf("%s is still %q", path, run.StateType)
			}
		}
	}
}

func (f *pythonFlow) taskPaths() (paths []string) {
	for id := range f.tasks {
		paths = append(paths, "/task_runs/"+id)
	}
	return paths
}

// traceParent is where Prefect says a task run's span is.
func (f *pythonFlow) traceParent(taskRun string) string {
	f.t.Helper()
	var run struct {
		Labels map[string]any `json:"labels"`
	}
	if err := f.s.API().Do(f.t.Context(), "GET", "/task_runs/"+taskRun, nil, &run); err != nil {
		f.t.Fatal(err)
	}
	return fmt.Sprint(run.Labels["__OTEL_TRACEPARENT"])
}

func get(t *testing.T, url, traceParent string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("traceparent", traceParent)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, response.Status, err)
	}
}
