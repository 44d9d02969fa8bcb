// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	otellog "go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/run"
)

// buildPrograms builds the examples whose runs are looked at here.
var buildPrograms = sync.OnceValue(func() error {
	cmd := exec.Command("go", "build", "-o", programFolder+"/", "./slog", "./zap", "./logr", "./otlp", "./exporter", "./spans", "./http/...")
	cmd.Dir = "../../examples"
	cmd.Stderr = os.Stderr
	return cmd.Run()
})

// program is one of the examples by its name. Nothing of it is made for tests.
func program(t *testing.T, name string) (path string) {
	t.Helper()
	if err := buildPrograms(); err != nil {
		t.Fatalf("building the examples: %v", err)
	}
	return filepath.Join(programFolder, name)
}

// goProgram makes the command of an example on a server, in an environment of its own.
func goProgram(t *testing.T, s *servers.Server, env []string, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, name), args...)
	cmd.Env = append([]string{"HOME=" + t.TempDir(), "PREFECT_HOME=" + t.TempDir(), "PREFECT_API_URL=" + s.APIURL()}, env...)
	cmd.Stderr = t.Output()
	cmd.WaitDelay = limit
	return cmd
}

// span is one as the examples print them.
type span struct {
	Name        string
	SpanContext struct{ TraceID string }
	Attributes  []struct {
		Key   string
		Value struct{ Value any }
	}
}

// run names the run that the span's attributes name: flow run, task run.
func (s span) run() (ids [2]string) {
	for _, kv := range s.Attributes {
		text, _ := kv.Value.Value.(string)
		switch kv.Key {
		case "prefect.flow_run.id":
			ids[0] = text
		case "prefect.task_run.id":
			ids[1] = text
		}
	}
	return ids
}

// spansIn finds the spans in what a program printed.
func spansIn(t *testing.T, output string) (spans []span) {
	t.Helper()
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, `{"Name":`) {
			continue
		}
		var s span
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		spans = append(spans, s)
	}
	return spans
}

// service is one of the example's services, running.
type service struct {
	url string
	// stop ends it as an operator does, and gives what it printed.
	stop func() (output string)
}

// freeAddress is one that nobody listens on. A port of 127.0.0.1 may be another program's by the time it is used; Linux has
// 16 million addresses of its own machine more.
func freeAddress(t *testing.T) string {
	t.Helper()
	host := "127.0.0.1"
	if runtime.GOOS == "linux" {
		host = fmt.Sprintf("127.%d.%d.%d", 1+rand.N(254), rand.N(256), 1+rand.N(254))
	}
	free, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	return free.Addr().String()
}

// startService starts a service and waits until it listens.
func startService(t *testing.T, s *servers.Server, name string) service {
	t.Helper()
	address := freeAddress(t)
	cmd := goProgram(t, s, nil, name, address)
	var printed bytes.Buffer
	cmd.Stdout = &printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening := func() bool {
		connection, err := net.Dial("tcp", address)
		return err == nil && connection.Close() == nil
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(limit); !listening(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s does not listen on %s", name, address)
		}
	}
	return service{"http://" + address, sync.OnceValue(func() string {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s ended with %v", name, err)
		}
		return printed.String()
	})}
}

// startOpenService starts a service that strangers reach: whatever baggage comes stands in its contexts, as otelhttp puts it
// there with the propagator of baggage, and nothing says that it is trusted. Its scope names the run that its lines belong to.
func startOpenService(t *testing.T, s *servers.Server, flowRun string) service {
	t.Helper()
	pipe := newPipeline(t, s)
	logger := pipe.provider.Logger("shop.open", otellog.WithInstrumentationAttributes(attribute.String(run.FlowRunIDKey, flowRun)))
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := propagation.Baggage{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		if baggage.FromContext(ctx).Len() == 0 {
			t.Error("no baggage came, so nothing is shown")
		}
		var served otellog.Record
		served.SetBody(attribute.StringValue("served"))
		logger.Emit(ctx, served)
	}))
	t.Cleanup(server.Close)
	return service{server.URL, sync.OnceValue(func() string {
		pipe.shutdown(t)
		return ""
	})}
}

// post sends a message to a service as a stranger may, with baggage that names a run.
func (s service) post(t *testing.T, flowRun, message string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Baggage", "prefect.flow_run.id="+flowRun+",flow_run_id="+flowRun)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the service answers %s", response.Status)
	}
}

// entry is a line of a run's page, whoever wrote it.
type entry struct{ Logger, Message, TaskRun string }

// entriesOf gives the lines of a run's page by loggers that begin with a prefix.
func entriesOf(t *testing.T, s *servers.Server, flowRun, prefix string) (found []entry) {
	t.Helper()
	for _, log := range readStored(t, s, flowRun) {
		if strings.HasPrefix(log.Name, prefix) {
			found = append(found, entry{log.Name, log.Message, log.TaskRun})
		}
	}
	return found
}

func TestARunGoesFromAFlowThroughAProgramToAService(t *testing.T) {
	t.Parallel()
	s := serverstest.Get(t, servers.Prefect38SQLite)
	victim, err := s.NewFlowRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bystander, err := s.NewFlowRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	open := startOpenService(t, s, bystander)
	open.post(t, victim, "of a stranger")
	open.stop()
	stock, jobs := startService(t, s, "stock"), startService(t, s, "jobs")
	jobs.post(t, victim, `{"Job":"of a stranger"}`)
	jobs.post(t, victim, `{"Job":"of a stranger","Run":{"FlowRunID":"`+bystander+`"}}`)

	folder := t.TempDir()
	flow, err := os.ReadFile("../../examples/http/flow.py")
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\nenv >\"$0.alone.env\"\nexec '" + program(t, "packer") + "' \"$@\"\n"
	for name, text := range map[string]string{"flow.py": string(flow), "worker": script} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	output := client{folder: folder, argv: []string{"python", "flow.py", folder + "/worker", stock.url, jobs.url}}.run(t, s)
	served := stock.stop()
	jobs.stop()
	defer func() {
		if t.Failed() {
			t.Logf("the flow said:\n%s\nthe service said:\n%s", output, served)
		}
	}()

	env := childEnvironment(t, folder, "alone")
	flowRun, taskRun := env["PREFECT__FLOW_RUN_ID"], env["PREFECT__TASK_RUN_ID"]
	wantTaskOf(t, s, flowRun, taskRun)
	t.Run("every line stands under the task run", func(t *testing.T) {
		want := []entry{
			{"shop.packer", "packing", taskRun},
			{"shop.stock", "reserved", taskRun},
			{"shop.jobs", "done job=label", taskRun},
		}
		if diff := cmp.Diff(want, entriesOf(t, s, flowRun, "shop.")); diff != "" {
			t.Errorf("the lines of the Go programs (-want +got):\n%s", diff)
		}
		pythons := entry{"prefect.task_runs", "starting " + folder + "/worker", taskRun}
		if got := entriesOf(t, s, flowRun, "prefect.task_runs"); len(got) == 0 || got[0] != pythons {
			t.Errorf("the lines of the task are %v, want first %v", got, pythons)
		}
	})
	t.Run("a stranger's baggage changes nothing", func(t *testing.T) {
		if got := entriesOf(t, s, victim, ""); len(got) != 0 {
			t.Errorf("the run that strangers name has %v", got)
		}
		if diff := cmp.Diff([]entry{{"shop.open", "served", ""}, {"shop.jobs", `done job="of a stranger"`, ""}}, entriesOf(t, s, bystander, "")); diff != "" {
			t.Errorf("the run that scope and message name (-want +got):\n%s", diff)
		}
	})

	parent := strings.Split(env["TRACEPARENT"], "-")
	if len(parent) != 4 {
		t.Fatalf("the task passed on trace %q", parent)
	}
	t.Run("the span of a service names the task run", func(t *testing.T) {
		spans := spansIn(t, served)
		if len(spans) != 1 || spans[0].Name != "POST" || spans[0].SpanContext.TraceID != parent[1] || spans[0].run() != [2]string{flowRun, taskRun} {
			t.Errorf("the service has spans %v, want one of trace %s that names %s and %s", spans, parent[1], flowRun, taskRun)
		}
	})
	t.Run("the span of a program that a task starts does too", func(t *testing.T) {
		var in []string
		for _, name := range []string{"PREFECT__FLOW_RUN_ID", "PREFECT__TASK_RUN_ID", "TRACEPARENT"} {
			in = append(in, name+"="+env[name])
		}
		out, err := goProgram(t, s, in, "spans").Output()
		if err != nil {
			t.Fatal(err)
		}
		spans := spansIn(t, string(out))
		if len(spans) != 1 || spans[0].Name != "pack" || spans[0].SpanContext.TraceID != parent[1] || spans[0].run() != [2]string{flowRun, taskRun} {
			t.Errorf("the program has spans %v, want one of trace %s that names %s and %s", spans, parent[1], flowRun, taskRun)
		}
	})
	t.Run("the flow run's id is enough to join its trace", func(t *testing.T) {
		exp, err := exporter.New(t.Context(), exporter.WithEndpoint(s.APIURL()))
		if err != nil {
			t.Fatal(err)
		}
		defer exp.Shutdown(t.Context())
		ctx, err := run.JoinTrace(inRun(t.Context(), flowRun), exp)
		if err != nil {
			t.Fatal(err)
		}
		joined := trace.SpanContextFromContext(ctx)
		if joined.TraceID().String() != parent[1] || joined.SpanID().String() == parent[2] || !joined.IsSampled() {
			t.Errorf("joined %v, and the task's span is %v", joined, parent)
		}
		if _, err := run.JoinTrace(inRun(t.Context(), bystander), exp); err != run.ErrNoTrace {
			t.Errorf("a run that is not traced: %v", err)
		}
	})
}
