// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

const runA = "11111111-1111-4111-8111-111111111111"

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

func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := prefecttest.NewServer(t)
		if _, err := s.API().CreateFlowRun(t.Context(), "f", "r"); err != nil {
			t.Fatal(err)
		}
		s.Fault(prefecttest.CommitLater(time.Second), prefecttest.Status(503))
		s.FaultAlways(prefecttest.Status(504))
		_, _, _ = post(t, s, line("late", stamp)) // cut
		s.Reset()
		time.Sleep(time.Minute)
		if n := len(s.Requests()); n != 0 {
			t.Errorf("%d requests after Reset", n)
		}
		if status, _, err := post(t, s, line("a", stamp)); status != 201 || err != nil {
			t.Errorf("a request after Reset: %d %v", status, err)
		}
		if diff := cmp.Diff([]string{"a"}, messages(s.Logs())); diff != "" {
			t.Errorf("logs after Reset: %s", diff)
		}
	})
}

func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := prefecttest.NewServer(t)
		if _, err := s.API().Version(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		s.Fault(prefecttest.CutDuring(5))
		_, _, _ = post(t, s, line("a", stamp)) // cut
		if _, _, err := post(t, s, `1`); err != nil {
			t.Fatal(err)
		}
		type seen struct {
			Method, Path string
			Length       int64
			Body         string
			Status       int
		}
		var got []seen
		requests := s.Requests()
		for _, r := range requests {
			got = append(got, seen{r.Method, r.Path, r.Length, string(r.Body), r.Status})
		}
		want := []seen{
			{"GET", "/api/admin/version", 0, "", 200},
			{"POST", "/api/logs/", 5, `[{"na`, 0},
			{"POST", "/api/logs/", 3, `[1]`, 422},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if d := requests[1].Arrived.Sub(requests[0].Arrived); d != time.Second {
			t.Errorf("the second request came %v after the first", d)
		}
		if got := requests[2].Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("Content-Type is %q", got)
		}
		requests[2].Body[0], requests[2].Header["Content-Type"][0] = 'x', "x"
		if again := s.Requests()[2]; again.Body[0] != '[' || again.Header.Get("Content-Type") == "x" {
			t.Error("Requests is no copy")
		}
	})
}

func TestCloseGivesUpWhatIsStillDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := prefecttest.NewServer(t)
		s.Fault(prefecttest.CommitLater(time.Hour), prefecttest.Delay(time.Hour))
		_, _, _ = post(t, s, line("a", stamp)) // cut
		done := make(chan error)
		go func() {
			_, _, err := post(t, s, line("b", stamp))
			done <- err
		}()
		synctest.Wait()
		begin := time.Now()
		s.Close()
		if err := <-done; err == nil {
			t.Error("a delayed request was answered after Close")
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("Close took %v", took)
		}
		if n := len(s.Logs()); n != 0 {
			t.Errorf("%d records stored", n)
		}
		s.Close() // again does nothing
	})
}

// fatal is a TB that notes what a test would end with.
type fatal struct{ message string }

func (*fatal) Helper()                             {}
func (*fatal) Cleanup(func())                      {}
func (f *fatal) Fatalf(format string, args ...any) { f.message = fmt.Sprintf(format, args...) }

func TestWrongOptionsAreErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		option prefecttest.Option
		want   string
	}{
		{"a generation that is none", prefecttest.WithGeneration(9), "WithGeneration(Generation(9))"},
		{"a database that is none", prefecttest.WithDatabase(9), "WithDatabase(Database(9))"},
		{"an auth string without a colon", prefecttest.WithAuthString("hunter2"), "WithAuthString: the value has no colon"},
		{"an empty key", prefecttest.WithAPIKey(""), "WithAPIKey: the key is empty"},
		{"no records a minute", prefecttest.WithRateLimit(0), "WithRateLimit(0)"},
		{"no body", prefecttest.WithMaxBody(0), "WithMaxBody(0)"},
		{"a negative latency", prefecttest.WithLatency(-1), "WithLatency(-1ns)"},
		{"a host with a port", prefecttest.WithHost("a:80"), `WithHost("a:80")`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := prefecttest.Start(tt.option)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			var tb fatal
			if s := prefecttest.NewServer(&tb, tt.option); s != nil || !strings.Contains(tb.message, tt.want) {
				t.Errorf("NewServer: %v, %s", s, tb.message)
			}
		})
	}
	for name, opts := range map[string][]prefecttest.Option{
		"CSRF before 2.16.5":      {prefecttest.WithCSRF(), prefecttest.WithGeneration(prefecttest.Orion27)},
		"a host name on loopback": {prefecttest.WithHost("a"), prefecttest.WithLoopback()},
	} {
		if _, err := prefecttest.Start(opts...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWithoutRequestsLogsAreKeptAndRequestsAreNot(t *testing.T) {
	s := prefecttest.NewServer(t, prefecttest.WithoutRequests())
	if status, body, err := post(t, s, line("kept", stamp)); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %s %v", status, body, err)
	}
	if logs, requests := len(s.Logs()), len(s.Requests()); logs != 1 || requests != 0 {
		t.Errorf("%d logs and %d requests are kept", logs, requests)
	}
}
