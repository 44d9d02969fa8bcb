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

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

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
		{"a delayed cut before the body", prefecttest.CutBefore().Delayed(time.Second), "cut", 0, 0, time.Second},
		{"a delayed cut during the body", prefecttest.CutDuring(3).Delayed(time.Second), "cut", 0, 0, time.Second},
		{"a delayed late commit", prefecttest.CommitLater(time.Second).Delayed(time.Second), "cut", 0, 1, time.Second},
		{"a status on a dropped connection", prefecttest.Status(503).Dropped(), "Service Unavailable", 0, 0, 0},
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

func TestHangWithTheRecordsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := prefecttest.NewServer(t)
		s.Client().Timeout = time.Minute
		s.Fault(prefecttest.Hang().Stored())
		if _, _, err := post(t, s, line("a", stamp)); err == nil {
			t.Error("answered")
		}
		if diff := cmp.Diff([]string{"a"}, messages(s.Logs())); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFaultsPlayInOrderOnWhatTheyMatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := prefecttest.NewServer(t)
		s.Fault(
			prefecttest.Status(500).On("POST", "/logs/filter"),
			prefecttest.Status(501),
			prefecttest.Status(502),
			prefecttest.Status(503).On("", "/admin/*"),
		)
		s.FaultAlways(prefecttest.Status(504))
		s.FaultAlways(prefecttest.Status(599).OnAny())
		client := subject{url: s.URL(), client: s.Client()}
		for i, tt := range []struct {
			method, path string
			want         int
		}{
			{"POST", "/logs/", 501},
			{"GET", "/admin/version", 503},
			{"POST", "/logs/", 502},
			{"POST", "/logs/", 504},
			{"POST", "/logs/filter", 500},
			{"POST", "/logs/", 504},
			{"POST", "/logs/filter", 599},
			{"GET", "/admin/version", 599},
		} {
			if got := client.send(t, tt.method, tt.path, "[]", nil).status; got != tt.want {
				t.Errorf("request %d, %s %s: %d, want %d", i, tt.method, tt.path, got, tt.want)
			}
		}
		s.ClearFaults()
		if got := client.send(t, "POST", "/logs/", "[]", nil).status; got != 201 {
			t.Errorf("after ClearFaults: %d", got)
		}
	})
}

func TestAnswersOfFaults(t *testing.T) {
	date := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		fault  prefecttest.Fault
		status int
		body   string // how it begins
		header string
		value  string
	}{
		{"a plain status", prefecttest.Status(502), 502, "Bad Gateway", "Content-Type", "text/plain; charset=utf-8"},
		{"a body", prefecttest.Status(503).Body(`{"a":1}`).Header("Content-Type", "application/json"), 503, `{"a":1}`, "Content-Type", "application/json"},
		{"seconds to wait", prefecttest.Status(429).RetryAfter("3"), 429, "", "Retry-After", "3"},
		{"a date to wait for", prefecttest.Status(503).RetryAfterDate(date), 503, "", "Retry-After", "Fri, 02 Jan 2026 03:04:05 GMT"},
		{"nonsense to wait for", prefecttest.Status(503).RetryAfter("soon"), 503, "", "Retry-After", "soon"},
		{"a redirect", prefecttest.Redirect(307, "http://other.test/api/logs/"), 307, "", "Location", "http://other.test/api/logs/"},
		{"a refusal", prefecttest.Refuse(0, 2), 422, `{"exception_message":"Invalid request received.","exception_detail":[{"type":"string_type","loc":["body",0,"name"]`, "Content-Type", "application/json"},
		{"a header on the answer itself", prefecttest.Fault{}.Header("Prefect-Maintenance", "true"), 201, "null", "Prefect-Maintenance", "true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := prefecttest.NewServer(t)
			s.Fault(tt.fault)
			got := (subject{url: s.URL(), client: s.Client()}).send(t, "POST", "/logs/", "["+line("a", stamp)+"]", nil)
			if got.status != tt.status || !strings.HasPrefix(string(got.body), tt.body) || got.header.Get(tt.header) != tt.value {
				t.Errorf("got %d %.200s, %s %q", got.status, got.body, tt.header, got.header.Get(tt.header))
			}
		})
	}
}

func TestHugeEcho(t *testing.T) {
	s := prefecttest.NewServer(t)
	s.Fault(prefecttest.HugeEcho(3<<20, 1))
	got := (subject{url: s.URL(), client: s.Client()}).send(t, "POST", "/logs/", "[]", nil)
	if detail := strings.Index(string(got.body), `["body",1,"name"]`); got.status != 422 || len(got.body) < 3<<20 || detail < 0 || detail > 500 {
		t.Errorf("got %d, %d bytes, the detail at %d", got.status, len(got.body), detail)
	}
}

func TestEndlessAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := prefecttest.NewServer(t)
		s.Fault(prefecttest.Endless())
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL()+"/logs/", strings.NewReader("["+line("a", stamp)+"]"))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.CopyN(io.Discard, answer.Body, 10<<20); err != nil {
			t.Errorf("it ended after %d bytes: %v", n, err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Error(err)
		}
		if n := len(s.Logs()); n != 1 {
			t.Errorf("%d stored", n)
		}
	})
}

func TestHookByContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := prefecttest.NewServer(t, prefecttest.WithHook(func(r *http.Request) *prefecttest.Fault {
			if b, err := io.ReadAll(r.Body); err != nil || !strings.Contains(string(b), "poison") {
				return nil
			}
			return new(prefecttest.Status(503))
		}))
		for _, tt := range []struct {
			message string
			want    int
		}{{"good", 201}, {"poison", 503}, {"better", 201}} {
			if got, _, err := post(t, s, line(tt.message, stamp)); got != tt.want || err != nil {
				t.Errorf("%s: %d %v, want %d", tt.message, got, err, tt.want)
			}
		}
		if diff := cmp.Diff([]string{"good", "better"}, messages(s.Logs())); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRedirectToAnotherHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, other := prefecttest.NewServer(t), prefecttest.NewServer(t, prefecttest.WithHost("other.test"))
		s.Fault(prefecttest.Redirect(307, other.URL()+"/logs/"))
		if _, _, err := post(t, s, line("a", stamp)); err == nil {
			t.Error("a host that does not resolve was reached")
		}
		if n := len(other.Requests()); n != 0 {
			t.Errorf("%d requests to the other host", n)
		}
	})
}
