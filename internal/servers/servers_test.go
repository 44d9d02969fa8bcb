// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

// eachRow runs a test on every row, those that ask for credentials too.
func eachRow(t *testing.T, test func(t *testing.T, s *servers.Server)) {
	t.Helper()
	for _, row := range servers.Rows() {
		t.Run(row.String(), func(t *testing.T) {
			t.Parallel()
			test(t, serverstest.Get(t, row))
		})
	}
}

func newFlowRun(t *testing.T, s *servers.Server) (id string) {
	t.Helper()
	id, err := s.NewFlowRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// postLog posts one log and returns it as it should be read back.
func postLog(t *testing.T, s *servers.Server, log prefecttest.Log) {
	t.Helper()
	post := []map[string]any{{
		"name": log.Name, "level": log.Level, "message": log.Message, "timestamp": log.Timestamp,
		"flow_run_id": log.FlowRunID,
	}}
	if log.TaskRunID != "" {
		post[0]["task_run_id"] = log.TaskRunID
	}
	if err := s.API().Do(t.Context(), "POST", "/logs/", post, nil); err != nil {
		t.Fatal(err)
	}
}

// wantLogs compares what the run's page shows, the server's own ids aside.
func wantLogs(t *testing.T, s *servers.Server, flowRunID string, want ...prefecttest.Log) {
	t.Helper()
	got, err := s.Logs(t.Context(), flowRunID)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].ID = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the logs of run %s are not what was posted (-want +got):\n%s", flowRunID, diff)
	}
}

var stamp = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

func TestEveryRowIsItsReleaseAndStoresALog(t *testing.T) {
	eachRow(t, func(t *testing.T, s *servers.Server) {
		var version string
		if err := s.API().Do(t.Context(), "GET", "/admin/version", nil, &version); err != nil {
			t.Fatal(err)
		}
		if version != s.Version() || version != s.Row().Version.Exact() {
			t.Errorf("the server is %s, Version says %s, the table says %s", version, s.Version(), s.Row().Version.Exact())
		}
		flowRun := newFlowRun(t, s)
		taskRun, err := s.NewTaskRun(t.Context(), flowRun, "t")
		if err != nil {
			t.Fatal(err)
		}
		log := prefecttest.Log{Name: "n", Level: 20, Message: "héllo", Timestamp: stamp, FlowRunID: flowRun, TaskRunID: taskRun}
		postLog(t, s, log)
		wantLogs(t, s, flowRun, log)
	})
}

func TestASecuredServerRefusesStrangers(t *testing.T) {
	secured := serverstest.Get(t, servers.Prefect38Secured)
	tests := []struct {
		name, method, path string
		password           bool
		want               int
	}{
		{"a question without the password", "GET", "/admin/version", false, http.StatusUnauthorized},
		{"a question with the password needs no token", "GET", "/admin/version", true, http.StatusOK},
		{"a change without a CSRF token", "POST", "/flows/", true, http.StatusForbidden},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), test.method, secured.APIURL()+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Close = true // the server closes idle connections, perhaps as the next question comes
			if test.password {
				name, password, _ := strings.Cut(secured.Row().AuthString, ":")
				req.SetBasicAuth(name, password)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != test.want {
				t.Errorf("status %d, want %d", resp.StatusCode, test.want)
			}
		})
	}
}

// A flow in Prefect's own Python is the proof that Env leads a client to the server, and nowhere else.
const flow = `
from prefect import flow, get_run_logger
from prefect.context import get_run_context

@flow
def hello():
    get_run_logger().warning("from Python")
    print("run", get_run_context().flow_run.id)

hello()
`

func TestAPythonFlowRunsAgainstEveryRow(t *testing.T) {
	t.Setenv("PREFECT_API_URL", "http://127.0.0.1:1/api") // of the person who runs the tests: not to be seen
	for _, row := range servers.Rows() {
		t.Run(row.String(), func(t *testing.T) {
			s := serverstest.Get(t, row)
			python := exec.CommandContext(t.Context(), s.Python(), "-c", flow)
			python.Dir, python.Env = t.TempDir(), s.Env()
			var said strings.Builder
			python.Stderr = &said
			out, err := python.Output()
			if err != nil {
				t.Fatalf("the flow: %v\n%s", err, said.String())
			}
			_, rest, _ := strings.Cut(string(out), "run ")
			flowRun, _, _ := strings.Cut(rest, "\n")
			logs, err := s.Logs(t.Context(), flowRun)
			if err != nil {
				t.Fatal(err)
			}
			for _, log := range logs {
				if log.Message == "from Python" && log.Level == 30 {
					return
				}
			}
			t.Errorf("run %q has no such log: %v\n%s", flowRun, logs, said.String())
		})
	}
}

func TestAServerOfOnesOwnSurvivesAKillAPauseAndARestart(t *testing.T) {
	s := serverstest.New(t, servers.Prefect27SQLite)
	flowRun := newFlowRun(t, s)
	log := prefecttest.Log{Name: "n", Level: 10, Message: "m", Timestamp: stamp, FlowRunID: flowRun}
	postLog(t, s, log)
	url := s.APIURL()

	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.API().Do(t.Context(), "GET", "/health", nil, nil); err == nil {
		t.Error("a server that was killed answers")
	}
	if err := s.Pause(); err == nil {
		t.Error("a server that was killed could be paused")
	}
	for range 2 { // from dead, then from alive
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if s.APIURL() != url {
		t.Errorf("restarted at %s, was at %s", s.APIURL(), url)
	}
	wantLogs(t, s, flowRun, log)

	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.API().Do(ctx, "GET", "/health", nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a paused server gave %v, want no answer in time", err)
	}
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	wantLogs(t, s, flowRun, log)
	if err := s.Pause(); err != nil { // and stopping it all the same
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(s.Home()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the home of a stopped server is still there: %v", err)
	}
	if err := s.Restart(t.Context()); err == nil {
		t.Error("a stopped server, without its data, could be restarted")
	}
}
