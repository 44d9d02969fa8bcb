// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
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
			c.stop()
			wantOnce(t, s, flow, task, 1500)
		})
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
			ctx, cancel := context.WithTimeout(t.Context(), startLimit)
			defer cancel()
			cmd := exec.CommandContext(ctx, generator, "logs", "--rate", "0", "--otlp-insecure", "--otlp-endpoint", c.grpc, "--logs", "500", "--workers", "2",
				"--body", "from telemetrygen", "--otlp-attributes", `flow_run_id="`+flow+`"`)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("telemetrygen: %v\n%s", err, out)
			}
			c.stop()
			logs, err := s.Logs(t.Context(), flow)
			if err != nil {
				t.Fatal(err)
			}
			if len(logs) != 1000 {
				t.Errorf("%d logs are stored, want 1000", len(logs))
			}
			for _, log := range logs {
				if !strings.HasPrefix(log.Message, "from telemetrygen") || log.Level != 20 {
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
	cmd := exec.CommandContext(t.Context(), "go", "install", module)
	cmd.Env, cmd.Dir = append(os.Environ(), "GOBIN="+folder), t.TempDir()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("installing telemetrygen: %v\n%s", err, out)
	}
	return program
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
	wantOnce(t, s, flow, task, 700)
}

// awaitStored waits until a run has n logs: a Collector with storage keeps what it has not sent when it is stopped.
func awaitStored(t *testing.T, s *servers.Server, c *collector, flow string, n int) {
	t.Helper()
	deadline := time.After(time.Minute)
	for tick := time.NewTicker(200 * time.Millisecond); ; {
		logs, err := s.Logs(t.Context(), flow)
		if err != nil {
			t.Fatal(err)
		}
		if len(logs) >= n {
			tick.Stop()
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d of %d logs are stored:\n%s", len(logs), n, c.said())
		}
	}
	c.stop()
}
