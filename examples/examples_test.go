// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package examples_test runs the examples as their readers do: built, and with nothing but an environment.
package examples_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

var (
	buildFolder string
	buildAll    = sync.OnceValue(func() error {
		cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", buildFolder+"/",
			"./slog", "./zap", "./logr", "./otlp", "./exporter", "./spans", "./worker", "./http/...")
		cmd.Stderr = os.Stderr
		return cmd.Run()
	})
)

func TestMain(m *testing.M) {
	var err error
	if buildFolder, err = os.MkdirTemp("", "prefectlogs-examples-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer os.RemoveAll(buildFolder)
	m.Run()
}

// prefect is a server with a flow run and a task run of it.
type prefect struct {
	*prefecttest.Server
	flowRun, taskRun string
}

func newPrefect(t *testing.T) prefect {
	t.Helper()
	server := prefecttest.NewServer(t, prefecttest.WithLoopback())
	flow, err := server.API().CreateFlowRun(t.Context(), "shop", "")
	if err != nil {
		t.Fatal(err)
	}
	task, err := server.API().CreateTaskRun(t.Context(), flow.ID, "pack")
	if err != nil {
		t.Fatal(err)
	}
	return prefect{server, flow.ID, task.ID}
}

// inFlow and inTask are what a program has in its environment that a flow or a task starts.
func (p prefect) inFlow() string { return "PREFECT__FLOW_RUN_ID=" + p.flowRun }
func (p prefect) inTask() string { return "PREFECT__TASK_RUN_ID=" + p.taskRun }

// command makes the command of an example, in an environment of its own.
func (p prefect) command(t *testing.T, env []string, name string, args ...string) *exec.Cmd {
	t.Helper()
	if err := buildAll(); err != nil {
		t.Fatalf("building the examples: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(buildFolder, name), args...)
	cmd.Env = append([]string{"PREFECT_HOME=" + t.TempDir(), "PREFECT_API_URL=" + p.URL()}, env...)
	cmd.Stderr = t.Output()
	return cmd
}

// line is a log on a run's page.
type line struct {
	level           int
	logger, message string
	inTask          bool
}

// page gives the lines of the flow run, by time.
func (p prefect) page(t *testing.T) (lines []line) {
	t.Helper()
	logs, err := p.API().Logs(t.Context(), prefecttest.Filter{FlowRunID: p.flowRun})
	if err != nil {
		t.Fatal(err)
	}
	for _, log := range logs {
		if log.TaskRunID != "" && log.TaskRunID != p.taskRun {
			t.Errorf("%q is of task run %s, want %s or none", log.Message, log.TaskRunID, p.taskRun)
		}
		lines = append(lines, line{log.Level, log.Name, log.Message, log.TaskRunID != ""})
	}
	return lines
}

func (p prefect) wantPage(t *testing.T, want []line) {
	t.Helper()
	if diff := cmp.Diff(want, p.page(t), cmp.AllowUnexported(line{})); diff != "" {
		t.Errorf("the page of the run (-want +got):\n%s", diff)
	}
}

func TestEachExampleEndsOnItsRunsPage(t *testing.T) {
	t.Parallel()
	refused := "order refused\n*errors.errorString: out of paper"
	for name, test := range map[string]struct {
		args []string
		env  func(p prefect) []string // besides the flow run
		want []line
	}{
		"slog": {want: []line{
			{20, "shop.slog", "order received order=4711 customer.name=Ada", false},
			{40, "shop.slog", refused, false},
			{30, "prefect.flow_runs", "stock is low left=2", false},
		}},
		"zap": {
			env: func(p prefect) []string { return []string{"TASK_RUN_ID=" + p.taskRun} },
			want: []line{
				{20, "shop.zap", "order received order=4711 customer.name=Ada", false},
				{40, "shop.zap", refused, false},
				{30, "stock", "stock is low left=2", true},
			},
		},
		"logr": {
			env: func(p prefect) []string { return []string{"TASK_RUN_ID=" + p.taskRun} },
			want: []line{
				{20, "shop.logr", "order received order=4711", false},
				{40, "shop.logr", refused, false},
				{20, "shop.logr", "stock is low left=2", true},
			},
		},
		"exporter": {
			env: func(p prefect) []string { return []string{"TASK_RUN_ID=" + p.taskRun} },
			want: []line{
				{20, "shop.exporter", "order received order=4711", false},
				{40, "shop.exporter", `order refused error="out of paper"`, false},
				{30, "shop.exporter", "stock is low left=2", true},
			},
		},
		"worker": {
			args: []string{"4711"},
			want: []line{
				{20, "shop.worker", `packing orders="[\"4711\"]"`, false},
				{30, "shop.worker", "stock is low left=2", false},
				{40, "shop.worker", "the printer is out of paper", false},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPrefect(t)
			env := []string{p.inFlow()}
			if test.env != nil {
				env = append(env, test.env(p)...)
			}
			if err := p.command(t, env, name, test.args...).Run(); err != nil {
				t.Error(err)
			}
			p.wantPage(t, test.want)
		})
	}

	t.Run("otlp, and by OTLP", func(t *testing.T) {
		t.Parallel()
		p := newPrefect(t)
		var mu sync.Mutex // guards got
		var got []byte
		collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			got = append(got, body...)
		}))
		defer collector.Close()
		if err := p.command(t, []string{p.inFlow(), "OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL}, "otlp").Run(); err != nil {
			t.Error(err)
		}
		p.wantPage(t, []line{
			{20, "shop.otlp", "order received order=4711", false},
			{40, "shop.otlp", `order refused error="out of paper"`, false},
		})
		mu.Lock()
		defer mu.Unlock()
		for _, text := range []string{"order received", "order refused", p.flowRun} { // strings stand in protobuf as they are
			if !bytes.Contains(got, []byte(text)) {
				t.Errorf("OTLP did not carry %q", text)
			}
		}
	})

	t.Run("spans, and a span of the trace that it was started in", func(t *testing.T) {
		t.Parallel()
		p := newPrefect(t)
		const trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
		out, err := p.command(t, []string{p.inFlow(), p.inTask(), "TRACEPARENT=00-" + trace + "-" + parent + "-01"}, "spans").Output()
		if err != nil {
			t.Error(err)
		}
		p.wantPage(t, []line{{20, "shop.spans", "packing", true}})
		var span struct {
			Name        string
			SpanContext struct{ TraceID string }
			Parent      struct{ SpanID string }
			Attributes  []struct {
				Key   string
				Value struct{ Value any }
			}
		}
		if err := json.Unmarshal(out, &span); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if span.Name != "pack" || span.SpanContext.TraceID != trace || span.Parent.SpanID != parent {
			t.Errorf("span %q of trace %s below %s, want pack of %s below %s", span.Name, span.SpanContext.TraceID, span.Parent.SpanID, trace, parent)
		}
		got := map[string]any{}
		for _, kv := range span.Attributes {
			got[kv.Key] = kv.Value.Value
		}
		want := map[string]any{"prefect.flow_run.id": p.flowRun, "prefect.task_run.id": p.taskRun}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("attributes of the span (-want +got):\n%s", diff)
		}
	})
}

func TestTheServicesLogIntoTheRunOfTheirCaller(t *testing.T) {
	t.Parallel()
	p := newPrefect(t)
	stock, stopStock := p.serve(t, "stock")
	jobs, stopJobs := p.serve(t, "jobs")
	if err := p.command(t, []string{p.inFlow(), p.inTask()}, "packer", stock, jobs).Run(); err != nil {
		t.Error(err)
	}
	stopStock()
	stopJobs()
	p.wantPage(t, []line{
		{20, "shop.packer", "packing", true},
		{20, "shop.stock", "reserved", true},
		{20, "shop.jobs", "done job=label", true},
	})
}

// serve starts a service, waits until it listens, and gives its address. stop ends it as an operator does, and expects it to end well.
func (p prefect) serve(t *testing.T, name string) (url string, stop func()) {
	t.Helper()
	port, err := servers.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	cmd := p.command(t, nil, name, address)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the service "+name+" listens", func() bool {
		connection, err := net.Dial("tcp", address)
		return err == nil && connection.Close() == nil
	})
	return "http://" + address, func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s ended with %v", name, err)
		}
	}
}

// await waits until something of another process is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	const patience = 5 * time.Minute // on a busy machine
	deadline := time.After(patience)
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}
