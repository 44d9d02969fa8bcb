// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// trace lists method, path and status of all requests.
func trace(server *prefecttest.Server) []string {
	var all []string
	for _, r := range server.Requests() {
		all = append(all, strings.Join([]string{r.Method, strings.TrimPrefix(r.Path, "/api"), statusText(r.Status)}, " "))
	}
	return all
}

func statusText(status int) string {
	return map[int]string{0: "cut", 200: "200", 201: "201", 307: "307", 403: "403", 404: "404", 422: "422", 500: "500"}[status]
}

func TestCSRFTokenIsFetchedWhenAskedForAndKept(t *testing.T) {
	server := prefecttest.NewServer(t, prefecttest.WithCSRF())
	client := newClient(t, server)
	for range 2 {
		if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST /logs/ 403", "GET /csrf-token 200", "POST /logs/ 201", "POST /logs/ 201", "POST /logs/filter 200"}
	if diff := cmp.Diff(want, trace(server)); diff != "" {
		t.Error(diff)
	}
	if got := len(server.Logs()); got != 2 {
		t.Errorf("%d logs are stored", got)
	}
}

func TestServersWithoutCSRFAreNotAskedForAToken(t *testing.T) {
	server := prefecttest.NewServer(t)
	if err := newClient(t, server).PostLogs(t.Context(), records{"a"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"POST /logs/ 201"}, trace(server)); diff != "" {
		t.Error(diff)
	}
}

func TestExpiredCSRFTokenIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t, prefecttest.WithCSRF())
		client := newClient(t, server)
		for range 2 {
			if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Hour) // a token lives one hour
		}
		want := []string{"POST /logs/ 403", "GET /csrf-token 200", "POST /logs/ 201", "POST /logs/ 403", "GET /csrf-token 200", "POST /logs/ 201"}
		if diff := cmp.Diff(want, trace(server)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOneFetchOfACSRFTokenServesAllThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t, prefecttest.WithCSRF(), prefecttest.WithLatency(time.Second))
		client := newClient(t, server)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		fetches := 0
		for _, r := range trace(server) {
			if strings.HasPrefix(r, "GET") {
				fetches++
			}
		}
		if fetches != 1 || len(server.Logs()) != 8 {
			t.Errorf("%d fetches, %d logs; want 1 and 8", fetches, len(server.Logs()))
		}
	})
}

func TestSecondRefusalOfACSRFTokenIsAnAnswer(t *testing.T) {
	server := prefecttest.NewServer(t)
	client := newClient(t, server)
	refused := prefecttest.Status(403).Body(`{"detail":"Invalid CSRF token or client identifier."}`)
	token := prefecttest.Status(200).Body(`{"token":"x"}`).On("GET", "/csrf-token")
	server.Fault(refused, token, refused)
	got := answerOf(t, client.PostLogs(t.Context(), records{"a"}))
	if got.Kind != prefectapi.KindAccess || got.Status != 403 || got.Ambiguous || !strings.Contains(got.Error(), "a proxy takes the header Prefect-Csrf-Token away") {
		t.Errorf("got %+v, %v", got, got.Error())
	}
	if diff := cmp.Diff([]string{"POST /logs/ 403", "GET /csrf-token 200", "POST /logs/ 403"}, trace(server)); diff != "" {
		t.Error(diff)
	}
}

func TestFetchOfACSRFTokenThatFailsNeverLeavesLogsInDoubt(t *testing.T) {
	refused := prefecttest.Status(403).Body(`{"detail":"Missing CSRF token."}`)
	tests := []struct {
		name  string
		fault prefecttest.Fault
		kind  prefectapi.Kind
	}{
		{"turned off", prefecttest.Status(422).Body(`{"detail":"CSRF protection is disabled."}`), prefectapi.KindAccess},
		{"an older server", prefecttest.Status(404), prefectapi.KindAccess},
		{"no access", prefecttest.Status(401), prefectapi.KindAccess},
		{"a failure", prefecttest.Status(500), prefectapi.KindServer},
		{"too many requests", prefecttest.Status(429).RetryAfter("3"), prefectapi.KindBusy},
		{"no token in the answer", prefecttest.Status(200).Body(`{}`), prefectapi.KindAccess},
		{"an answer that is no JSON", prefecttest.Status(200).Body(`hello`), prefectapi.KindAccess},
		{"an answer that never ends", prefecttest.Endless(), prefectapi.KindAccess},
		{"no answer", prefecttest.CutAfterCommit(), prefectapi.KindNetwork},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := prefecttest.NewServer(t)
			server.Fault(refused)
			server.FaultAlways(tt.fault.On("GET", "/csrf-token")) // the transport repeats a GET by itself
			got := answerOf(t, newClient(t, server).PostLogs(t.Context(), records{"a"}))
			if got.Kind != tt.kind || got.Ambiguous {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestOther403IsNoQuestionForAToken(t *testing.T) {
	server := prefecttest.NewServer(t)
	server.FaultAlways(prefecttest.Status(403).Body("Forbidden by the firewall"))
	got := answerOf(t, newClient(t, server).PostLogs(t.Context(), records{"a"}))
	if got.Kind != prefectapi.KindAccess {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{"POST /logs/ 403"}, trace(server)); diff != "" {
		t.Error(diff)
	}
}
