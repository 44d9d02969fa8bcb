// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

const (
	runA = "11111111-1111-4111-8111-111111111111"
	runB = "22222222-2222-4222-8222-222222222222"
)

// line is one LogCreate.
func line(message, stamp string) string {
	return `{"name":"n","level":20,"message":"` + message + `","timestamp":"` + stamp + `","flow_run_id":"` + runA + `"}`
}

const stamp = "2026-01-02T03:04:05.000006Z"

// post sends records to the server and returns the status, or the error of a request that was not answered.
func post(t *testing.T, s *prefecttest.Server, records ...string) (int, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/logs/", strings.NewReader("["+strings.Join(records, ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := s.Client().Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(b), err
}

func messages(logs []prefecttest.Log) []string {
	var all []string
	for _, l := range logs {
		all = append(all, l.Message)
	}
	return all
}

func TestServerStoresAndReadsBack(t *testing.T) {
	for _, loopback := range []bool{false, true} {
		name := "in memory"
		var opts []prefecttest.Option
		if loopback {
			name, opts = "on loopback", append(opts, prefecttest.WithLoopback())
		}
		t.Run(name, func(t *testing.T) {
			s := prefecttest.NewServer(t, opts...)
			api := s.API()
			run, err := api.CreateFlowRun(t.Context(), "flow", "run")
			if err != nil {
				t.Fatal(err)
			}
			task, err := api.CreateTaskRun(t.Context(), run.ID, "task")
			if err != nil {
				t.Fatal(err)
			}
			record := `{"name":"n","level":30,"message":"hé","timestamp":"` + stamp + `","flow_run_id":"` + run.ID + `","task_run_id":"` + task.ID + `"}`
			if status, body, err := post(t, s, record); status != 201 || body != "null" || err != nil {
				t.Fatalf("POST /logs/: %d %q %v", status, body, err)
			}
			got, err := api.Logs(t.Context(), prefecttest.Filter{FlowRunID: run.ID})
			if err != nil {
				t.Fatal(err)
			}
			want := []prefecttest.Log{{
				Name: "n", Level: 30, Message: "hé", Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
				FlowRunID: run.ID, TaskRunID: task.ID,
			}}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(prefecttest.Log{}, "ID")); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(got, s.Logs()); diff != "" {
				t.Errorf("Logs (-read back +stored):\n%s", diff)
			}
		})
	}
}

func TestFaultsInABubble(t *testing.T) {
	outcome := func(status int, err error) string {
		if err != nil {
			return "cut"
		}
		return http.StatusText(status)
	}
	for _, tt := range []struct {
		name   string
		fault  prefecttest.Fault
		want   string
		stored int           // when the client is told
		later  int           // a minute after
		took   time.Duration // until the client was told
	}{
		{"a status stores nothing", prefecttest.Status(503), "Service Unavailable", 0, 0, 0},
		{"a status after the commit", prefecttest.Status(504).Stored(), "Gateway Timeout", 1, 1, 0},
		{"a delayed status", prefecttest.Status(503).Delayed(time.Second), "Service Unavailable", 0, 0, time.Second},
		{"a cut before the body", prefecttest.CutBefore(), "cut", 0, 0, 0},
		{"a cut during the body", prefecttest.CutDuring(3), "cut", 0, 0, 0},
		{"a cut after the commit", prefecttest.CutAfterCommit(), "cut", 1, 1, 0},
		{"a late commit", prefecttest.CommitLater(5 * time.Second), "cut", 0, 1, 0},
		{"a cut in the answer", prefecttest.CutAnswer(2), "cut", 1, 1, 0},
		{"a delay", prefecttest.Delay(2 * time.Second), "Created", 1, 1, 2 * time.Second},
		{"a delay of the answer", prefecttest.DelayAnswer(2 * time.Second), "Created", 1, 1, 2 * time.Second},
		{"a refusal", prefecttest.Refuse(0), "Unprocessable Entity", 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := prefecttest.NewServer(t)
				s.Fault(tt.fault)
				begin := time.Now()
				status, _, err := post(t, s, line("a", stamp))
				if got := outcome(status, err); got != tt.want {
					t.Errorf("the client saw %q (%v), want %q", got, err, tt.want)
				}
				if took := time.Since(begin); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
				if n := len(s.Logs()); n != tt.stored {
					t.Errorf("%d records stored when the client was told, want %d", n, tt.stored)
				}
				time.Sleep(time.Minute)
				if n := len(s.Logs()); n != tt.later {
					t.Errorf("%d records stored a minute later, want %d", n, tt.later)
				}
				if status, _, err := post(t, s, line("b", stamp)); status != 201 || err != nil {
					t.Errorf("the request after the fault: %d, %v", status, err)
				}
			})
		})
	}
}

func TestHangEndsWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := prefecttest.NewServer(t)
		s.FaultAlways(prefecttest.Hang())
		answered := make(chan error)
		go func() {
			_, _, err := post(t, s, line("a", stamp))
			answered <- err
		}()
		synctest.Wait()
		time.Sleep(time.Hour)
		select {
		case err := <-answered:
			t.Fatalf("answered: %v", err)
		default:
		}
		s.Close()
		if err := <-answered; err == nil {
			t.Error("answered after Close")
		}
		if _, _, err := post(t, s, line("a", stamp)); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a request after Close: %v, want a refused connection", err)
		}
	})
}

func TestCommitGoesOnWhenTheClientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := prefecttest.NewServer(t, prefecttest.WithLatency(3*time.Second))
		s.Client().Timeout = time.Second
		if _, _, err := post(t, s, line("a", stamp)); err == nil {
			t.Fatal("answered within a second")
		}
		if n := len(s.Logs()); n != 0 {
			t.Fatalf("%d records stored when the client left", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if diff := cmp.Diff([]string{"a"}, messages(s.Logs())); diff != "" {
			t.Error(diff)
		}
	})
}
