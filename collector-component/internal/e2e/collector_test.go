// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/distribution"
	"github.com/prefectlogs/prefectlogs/collector-component/internal/otlpsender"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

// patience is how long anything is waited for. It only ends a test that hangs: on a busy machine, with a disk that stalls, a
// Collector may take minutes to be ready, and a server to store.
const patience = 10 * time.Minute

// componentFolder is the module of the components.
func componentFolder(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

var builds struct {
	sync.Mutex // one build at a time: each takes the whole machine
	programs   map[string]string
}

// built gives the program of a manifest. The first test that asks builds it, unless it is there from an earlier run.
func built(t *testing.T, manifest string, source distribution.Source) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a Collector; run without -short")
	}
	builds.Lock()
	defer builds.Unlock()
	key := fmt.Sprint(manifest, source)
	if builds.programs[key] == "" {
		began := time.Now()
		program, err := distribution.Build(t.Context(), componentFolder(t), manifest, source)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s was built in %v", manifest, time.Since(began).Round(time.Second))
		if builds.programs == nil {
			builds.programs = map[string]string{}
		}
		builds.programs[key] = program
	}
	return builds.programs[key]
}

// otelcol gives the distribution as users build it: from released modules, without replace.
func otelcol(t *testing.T) string { return built(t, "builder-config.yaml", distribution.Release) }

// collector is a running Collector.
type collector struct {
	t       *testing.T
	cmd     *exec.Cmd
	otlp    string // where it takes OTLP over HTTP: "http://127.0.0.1:PORT"
	grpc    string // and over gRPC: "127.0.0.1:PORT"
	exited  chan struct{}
	mu      sync.Mutex // guards output and awaited
	output  bytes.Buffer
	awaited map[string]chan struct{} // closed when the text has been said
	waitErr error                    // from exited on
}

// freeAddress gives an address on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := servers.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// run starts a program with a configuration in a file, and more of it as YAML, and returns when it is ready. It ends with the test. Receivers of
// OTLP listen where the result says; the program's own metrics are off.
func run(t *testing.T, program, config string, environment []string, more ...string) *collector {
	t.Helper()
	c := &collector{t: t, exited: make(chan struct{}), grpc: freeAddress(t)}
	listen := freeAddress(t)
	c.otlp = "http://" + listen
	args := []string{"--config", config}
	own := []string{"service::telemetry::metrics::level: none"}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "otlp:") {
		own = append(own, "receivers::otlp::protocols::http::endpoint: "+listen)
	}
	if strings.Contains(string(text), "grpc:") {
		own = append(own, "receivers::otlp::protocols::grpc::endpoint: "+c.grpc)
	}
	for _, more := range append(own, more...) {
		args = append(args, "--config", "yaml:"+more)
	}
	c.cmd = exec.Command(program, args...)
	c.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "PREFECT_HOME=" + t.TempDir()}, environment...)
	c.cmd.Dir = t.TempDir()
	said, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	go c.read(said, ready)
	t.Cleanup(c.kill)
	select {
	case <-ready:
	case <-c.exited:
		t.Fatalf("the Collector ended: %v\n%s", c.waitErr, c.said())
	case <-time.After(patience):
		t.Fatalf("the Collector is not ready:\n%s", c.said())
	}
	return c
}

// read keeps what the Collector says, and waits for its end.
func (c *collector) read(said io.Reader, ready chan<- struct{}) {
	once := sync.OnceFunc(func() { close(ready) })
	for lines := bufio.NewScanner(said); lines.Scan(); {
		c.mu.Lock()
		c.output.Write(lines.Bytes())
		c.output.WriteByte('\n')
		for text, said := range c.awaited {
			if strings.Contains(lines.Text(), text) {
				close(said)
				delete(c.awaited, text)
			}
		}
		c.mu.Unlock()
		if strings.Contains(lines.Text(), "Everything is ready") {
			once()
		}
	}
	c.waitErr = c.cmd.Wait()
	close(c.exited)
}

// await waits until the Collector says a text.
func (c *collector) await(text string) {
	c.t.Helper()
	c.mu.Lock()
	said := make(chan struct{})
	if strings.Contains(c.output.String(), text) {
		close(said)
	} else {
		if c.awaited == nil {
			c.awaited = map[string]chan struct{}{}
		}
		c.awaited[text] = said
	}
	c.mu.Unlock()
	select {
	case <-said:
	case <-time.After(patience):
		c.t.Fatalf("the Collector does not say %q:\n%s", text, c.said())
	}
}

func (c *collector) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.output.String()
}

// kill ends it as the system does: by SIGKILL.
func (c *collector) kill() {
	select {
	case <-c.exited:
		return
	default:
	}
	_ = c.cmd.Process.Kill() // it may just have ended
	<-c.exited
}

// stop ends it by SIGTERM, on which it sends what its queue in memory holds.
func (c *collector) stop() {
	c.t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	select {
	case <-c.exited:
	case <-time.After(patience):
		c.t.Fatalf("the Collector does not end:\n%s", c.said())
	}
	if c.waitErr != nil {
		c.t.Errorf("the Collector ended: %v\n%s", c.waitErr, c.said())
	}
}

// send sends a push by OTLP over HTTP.
func (c *collector) send(logs plog.Logs) {
	c.t.Helper()
	if err := otlpsender.Send(c.t.Context(), http.DefaultClient, c.otlp, logs); err != nil {
		c.t.Fatal(err)
	}
}

// records makes a push of n records of a run, which go on from number first.
func records(flowRun, taskRun string, first, n int) plog.Logs {
	all := plog.NewLogs()
	resource := all.ResourceLogs().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "sender")
	scope := resource.ScopeLogs().AppendEmpty()
	scope.Scope().SetName("e2e")
	for i := range n {
		record := scope.LogRecords().AppendEmpty()
		record.SetTimestamp(pcommon.NewTimestampFromTime(nextTime()))
		record.SetObservedTimestamp(record.Timestamp())
		record.SetSeverityNumber(plog.SeverityNumber(5 + 4*((first+i)%4)))
		record.Body().SetStr(message(first + i))
		record.Attributes().PutStr("flow_run_id", flowRun)
		if taskRun != "" {
			record.Attributes().PutStr("task_run_id", taskRun)
		}
		record.Attributes().PutInt("n", int64(first+i))
	}
	return all
}

var clock struct {
	sync.Mutex
	last time.Time
}

// nextTime is a time that is later than all it gave before, by a microsecond at least, however fast records are made: a log
// page is in the order of times.
func nextTime() time.Time {
	clock.Lock()
	defer clock.Unlock()
	now := time.Now().Truncate(time.Microsecond)
	if after := clock.last.Add(time.Microsecond); now.Before(after) {
		now = after
	}
	clock.last = now
	return now
}

// message is the text of a record, which is not easy to quote.
func message(n int) string { return fmt.Sprintf("record %d: \"quoted\" \\ é 日本 \t end", n) }

// newRun makes a flow run and a task run on a server.
func newRun(t *testing.T, s *servers.Server) (flow, task string) {
	t.Helper()
	flow, err := s.NewFlowRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	task, err = s.NewTaskRun(t.Context(), flow, "task")
	if err != nil {
		t.Fatal(err)
	}
	return flow, task
}

// wantOnce checks that a run has the records from 0 to n, each once, in order, with their contents.
func wantOnce(t *testing.T, s *servers.Server, flow, task string, n int) {
	t.Helper()
	logs, err := s.Logs(t.Context(), flow)
	if err != nil {
		t.Fatal(err)
	}
	if len(logs) != n {
		t.Errorf("%d logs are stored, want %d", len(logs), n)
	}
	seen := map[string]int{}
	for _, log := range logs {
		seen[log.Message]++
	}
	problems := 0
	for i := range n {
		if want := message(i) + fmt.Sprintf(" n=%d", i); seen[want] != 1 {
			if problems++; problems < 5 {
				t.Errorf("%q stands %d times", want, seen[want])
			}
		}
	}
	for i, log := range logs[:min(len(logs), n)] {
		want := message(i) + fmt.Sprintf(" n=%d", i)
		level := 10 * (1 + i%4)
		if log.Message != want || log.Level != level || log.Name != "e2e" || task != "" && log.TaskRunID != task {
			t.Errorf("log %d is %+v, want %q of level %d", i, log, want, level)
			break
		}
	}
}
