// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// bridged is what an example leaves on the page of its run.
type bridged struct {
	Level                    int
	Logger, Message, TaskRun string
}

func TestEveryBridgeEndsOnTheRunsPage(t *testing.T) {
	t.Parallel()
	const task = "the task run"
	for name, want := range map[string][]bridged{
		"slog": {
			{20, "shop.slog", "order received order=4711 customer.name=Ada", ""},
			{40, "shop.slog", "order refused\n*errors.errorString: out of paper", ""},
			{30, "prefect.flow_runs", "stock is low left=2", ""},
		},
		"zap": {
			{20, "shop.zap", "order received order=4711 customer.name=Ada", ""},
			{40, "shop.zap", "order refused\n*errors.errorString: out of paper", ""},
			{30, "stock", "stock is low left=2", task},
		},
		"logr": {
			{20, "shop.logr", "order received order=4711", ""},
			{40, "shop.logr", "order refused\n*errors.errorString: out of paper", ""},
			{20, "shop.logr", "stock is low left=2", task},
		},
		"exporter": {
			{20, "shop.exporter", "order received order=4711", ""},
			{40, "shop.exporter", `order refused error="out of paper"`, ""},
			{30, "shop.exporter", "stock is low left=2", task},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serverstest.Get(t, servers.Prefect38SQLite)
			flowRun, taskRun := newRuns(t, s)
			if out, err := goProgram(t, s, []string{"PREFECT__FLOW_RUN_ID=" + flowRun, "TASK_RUN_ID=" + taskRun}, name).Output(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for i := range want {
				if want[i].TaskRun == task {
					want[i].TaskRun = taskRun
				}
			}
			if diff := cmp.Diff(want, bridgedOn(t, s, flowRun)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func newRuns(t *testing.T, s *servers.Server) (flowRun, taskRun string) {
	t.Helper()
	flowRun, err := s.NewFlowRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if taskRun, err = s.NewTaskRun(t.Context(), flowRun, "task"); err != nil {
		t.Fatal(err)
	}
	return flowRun, taskRun
}

func bridgedOn(t *testing.T, s *servers.Server, flowRun string) (found []bridged) {
	t.Helper()
	for _, log := range readStored(t, s, flowRun) {
		found = append(found, bridged{log.Level, log.Name, log.Message, log.TaskRun})
	}
	return found
}

// A program that sends its logs by OTLP, with Prefect added: both get them, and both get the run.
func TestPrefectIsAddedToOTLP(t *testing.T) {
	t.Parallel()
	s := serverstest.Get(t, servers.Prefect38SQLite)
	flowRun, taskRun := newRuns(t, s)

	var mu sync.Mutex // guards got
	var got []byte
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/v1/logs" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, body...)
	}))
	defer collector.Close()
	env := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "PREFECT__FLOW_RUN_ID=" + flowRun, "PREFECT__TASK_RUN_ID=" + taskRun}
	if out, err := goProgram(t, s, env, "otlp").Output(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	want := []bridged{
		{20, "shop.otlp", "order received order=4711", taskRun},
		{40, "shop.otlp", `order refused error="out of paper"`, taskRun},
	}
	if diff := cmp.Diff(want, bridgedOn(t, s, flowRun)); diff != "" {
		t.Errorf("the run's page (-want +got):\n%s", diff)
	}
	mu.Lock()
	defer mu.Unlock()
	for text, want := range map[string]int{ // strings stand in protobuf as they are
		"order received": 1, "order refused": 1, "prefect.flow_run.id": 2, flowRun: 2, "prefect.task_run.id": 2, taskRun: 2,
	} {
		if n := bytes.Count(got, []byte(text)); n != want {
			t.Errorf("OTLP carried %q %d times, want %d", text, n, want)
		}
	}
}
