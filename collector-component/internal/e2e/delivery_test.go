// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// rows are the servers that the Collector is tested on.
var rows = []servers.Row{servers.Prefect38SQLite, servers.Prefect220SQLite}

func TestEveryRecordReachesItsRun(t *testing.T) {
	program := otelcol(t)
	for _, row := range rows {
		t.Run(row.String(), func(t *testing.T) {
			s := serverstest.Get(t, row)
			flow, task := newRun(t, s)
			c := run(t, program, sample(t, "otlp.yaml"), []string{"PREFECT_API_URL=" + s.APIURL()})
			for first := 0; first < 1500; first += 300 {
				c.send(records(flow, task, first, 300))
			}
			awaitStored(t, s, c, flow, 1500)
			c.stop()
			wantOnce(t, s, flow, task, 1500)
		})
	}
}

// A Collector that is stopped waits for 10 s for a server that takes nothing. So what it sends on its way out is tested on a server that
// always takes it.
func TestAStopSendsWhatTheQueueHolds(t *testing.T) {
	server, err := prefecttest.Start(prefecttest.WithLoopback())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	c := run(t, otelcol(t), sample(t, "otlp.yaml"), []string{"PREFECT_API_URL=" + server.URL()})
	for first := 0; first < 1500; first += 300 {
		c.send(records("11111111-1111-4111-8111-111111111111", "", first, 300))
	}
	c.stop()
	stored := map[string]int{}
	for _, log := range server.Logs() {
		stored[log.Message]++
	}
	want := map[string]int{}
	for i := range 1500 {
		want[message(i)+fmt.Sprintf(" n=%d", i)] = 1
	}
	if diff := cmp.Diff(want, stored); diff != "" {
		t.Errorf("how often each record is stored (-want +got):\n%s", diff)
	}
}

func TestTelemetrygen(t *testing.T) {
	program := otelcol(t)
	generator := telemetrygen(t)
	for _, row := range rows {
		t.Run(row.String(), func(t *testing.T) {
			s := serverstest.Get(t, row)
			flow, _ := newRun(t, s)
			c := run(t, program, sample(t, "otlp.yaml"), []string{"PREFECT_API_URL=" + s.APIURL()})
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, generator, "logs", "--rate", "0", "--otlp-insecure", "--otlp-endpoint", c.grpc, "--logs", "500", "--workers", "2",
				"--body", "from telemetrygen", "--otlp-attributes", `flow_run_id="`+flow+`"`)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("telemetrygen: %v\n%s", err, out)
			}
			awaitStored(t, s, c, flow, 1000)
			c.stop()
			logs, err := s.Logs(t.Context(), flow)
			if err != nil {
				t.Fatal(err)
			}
			if len(logs) != 1000 {
				t.Errorf("%d logs are stored, want 1000", len(logs))
			}
			for _, log := range logs {
				if log.Message != "from telemetrygen app=server" || log.Level != 20 || log.Name != "telemetrygen" {
					t.Fatalf("%+v", log)
				}
			}
		})
	}
}

// telemetrygen gives the generator of OpenTelemetry, installed once.
func telemetrygen(t *testing.T) string {
	t.Helper()
	const module = "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@v0.161.0"
	folder := filepath.Join(componentFolder(t), "..", ".cache", "collector", "telemetrygen-v0.161.0")
	program := filepath.Join(folder, "telemetrygen")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	for attempt := 1; ; attempt++ { // a download may break off
		cmd := exec.CommandContext(t.Context(), "go", "install", module)
		cmd.Env, cmd.Dir = append(os.Environ(), "GOBIN="+folder), t.TempDir()
		out, err := cmd.CombinedOutput()
		if err == nil {
			return program
		}
		if attempt == 3 {
			t.Fatalf("installing telemetrygen: %v\n%s", err, out)
		}
	}
}

// The Collector is killed when the server has stored a request and its answer is on the way. What the storage holds is sent by
// the next process: nothing is lost, and nothing stands twice.
func TestKilledBetweenCommitAndAcknowledgement(t *testing.T) {
	program := otelcol(t)
	for _, row := range rows {
		t.Run(row.String(), func(t *testing.T) {
			t.Parallel()
			s := serverstest.Get(t, row)
			flow, task := newRun(t, s)
			stored, killed := make(chan struct{}), make(chan struct{})
			p := newProxy(t, s, func(n int) bool {
				if n == 3 {
					close(stored)
					<-killed
				}
				return n < 3
			})
			storage := []string{"extensions::file_storage::directory: " + t.TempDir(), "extensions::file_storage::fsync: false"}
			first := run(t, program, sample(t, "storage.yaml"), []string{"PREFECT_API_URL=" + p.apiURL()}, storage...)
			for at := 0; at < 1200; at += 150 { // pushes that the batches put together and cut elsewhere
				first.send(records(flow, task, at, 150))
			}
			<-stored
			first.kill()
			close(killed)

			second := run(t, program, sample(t, "storage.yaml"), []string{"PREFECT_API_URL=" + s.APIURL()}, storage...)
			second.send(records(flow, task, 1200, 100))
			awaitStored(t, s, second, flow, 1300)
			second.stop()
			wantOnce(t, s, flow, task, 1300)
		})
	}
}

func TestKilledDuringAnOutage(t *testing.T) {
	program := otelcol(t)
	s := serverstest.Get(t, servers.Prefect38SQLite)
	flow, task := newRun(t, s)
	p := newProxy(t, s, nil)
	p.down.Store(true)
	storage := []string{"extensions::file_storage::directory: " + t.TempDir(), "extensions::file_storage::fsync: false"}
	first := run(t, program, sample(t, "storage.yaml"), []string{"PREFECT_API_URL=" + p.apiURL()}, storage...)
	for at := 0; at < 600; at += 100 {
		first.send(records(flow, task, at, 100))
	}
	first.kill()
	second := run(t, program, sample(t, "storage.yaml"), []string{"PREFECT_API_URL=" + p.apiURL()}, storage...)
	second.send(records(flow, task, 600, 100))
	p.down.Store(false)
	awaitStored(t, s, second, flow, 700)
	second.stop()
	wantOnce(t, s, flow, task, 700)
}

// awaitStored waits until a run has n logs. A Collector that is stopped keeps what it has not sent, or loses it.
func awaitStored(t *testing.T, s *servers.Server, c *collector, flow string, n int) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		logs, err := s.Logs(t.Context(), flow)
		if err != nil {
			t.Fatal(err)
		}
		if len(logs) >= n {
			return
		}
		select {
		case <-tick.C:
		case <-c.exited:
			t.Fatalf("%d of %d logs are stored, and the Collector has ended:\n%s", len(logs), n, c.said())
		case <-deadline:
			t.Fatalf("%d of %d logs are stored:\n%s", len(logs), n, c.said())
		}
	}
}
