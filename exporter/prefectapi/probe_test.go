// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// probed gets /health of a server and returns what is known, without times.
func probed(t *testing.T, api string, connection prefectapi.Connection) prefectapi.Probe {
	t.Helper()
	client, err := prefectapi.New(prefectapi.Config{APIURL: api, Connection: connection})
	if err != nil {
		t.Fatal(err)
	}
	p := client.Probe(t.Context(), "/health")
	if p.Sent.IsZero() || p.Err == nil && (p.Got.Before(p.Sent) || p.Date.IsZero()) {
		t.Errorf("sent %v, got %v, date %v", p.Sent, p.Got, p.Date)
	}
	p.Sent, p.Got, p.Date = time.Time{}, time.Time{}, time.Time{}
	return p
}

func healthy(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "true") }

func TestProbeTellsHowFarARequestCame(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(healthy))
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(healthy))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer refusing.Close()
	host := func(url string) string { return url[strings.LastIndex(url, "/")+1:] }

	tests := []struct {
		name       string
		api        string
		connection prefectapi.Connection
		want       prefectapi.Probe
		err        bool
	}{
		{
			"to an answer", plain.URL + "/api", prefectapi.Connection{},
			prefectapi.Probe{Dialed: []string{host(plain.URL)}, Connected: host(plain.URL), Status: 200, Answer: "true"}, false,
		},
		{
			"to an answer over TLS", secure.URL + "/api", prefectapi.Connection{InsecureSkipVerify: true},
			prefectapi.Probe{Dialed: []string{host(secure.URL)}, Connected: host(secure.URL), Handshake: true, TLS: "TLS 1.3", Status: 200, Answer: "true"}, false,
		},
		{
			"to a certificate that is not trusted", secure.URL + "/api", prefectapi.Connection{},
			prefectapi.Probe{Dialed: []string{host(secure.URL)}, Connected: host(secure.URL), Handshake: true}, true,
		},
		{
			"to a port that is closed", "http://127.0.0.1:1/api", prefectapi.Connection{},
			prefectapi.Probe{Dialed: []string{"127.0.0.1:1"}}, true,
		},
		{
			"through a proxy", "http://prefect.test/api", prefectapi.Connection{Proxy: plain.URL},
			prefectapi.Probe{Proxy: host(plain.URL), Dialed: []string{host(plain.URL)}, Connected: host(plain.URL), Status: 200, Answer: "true"}, false,
		},
		{
			"to a proxy that refuses a tunnel", "https://prefect.test/api", prefectapi.Connection{Proxy: refusing.URL},
			prefectapi.Probe{Proxy: host(refusing.URL), ProxyStatus: 403, Dialed: []string{host(refusing.URL)}, Connected: host(refusing.URL)}, true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := probed(t, tt.api, tt.connection)
			if (got.Err != nil) != tt.err {
				t.Errorf("error %v", got.Err)
			}
			got.Err = nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestProbeShowsTheBeginningOfAnAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
	}))
	defer server.Close()
	got := probed(t, server.URL+"/api", prefectapi.Connection{})
	if got.Status != http.StatusTeapot || !got.Page || len(got.Answer) != 64 {
		t.Errorf("got %+v", got)
	}
}

func TestProbeTakesATransportOfTheCallers(t *testing.T) {
	server := prefecttest.NewServer(t)
	for name, transport := range map[string]http.RoundTripper{
		"of net/http": server.Transport(),
		"of another":  struct{ http.RoundTripper }{server.Transport()},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := prefectapi.New(prefectapi.Config{APIURL: server.URL(), Transport: transport})
			if err != nil {
				t.Fatal(err)
			}
			if got := client.Probe(t.Context(), "/health"); got.Status != http.StatusOK || got.Answer != "true" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestRunsThatTheServerKnows(t *testing.T) {
	server := prefecttest.NewServer(t)
	client := newClient(t, server)
	flowRun, err := server.API().CreateFlowRun(t.Context(), "flow", "")
	if err != nil {
		t.Fatal(err)
	}
	taskRun, err := server.API().CreateTaskRun(t.Context(), flowRun.ID, "task")
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{flowRun.ID: true, taskRun.ID: false} {
		if known, err := client.HasFlowRun(t.Context(), id); known != want || err != nil {
			t.Errorf("flow run: %v, %v, want %v", known, err, want)
		}
		known, in, err := client.HasTaskRun(t.Context(), id)
		if known == want || err != nil || known && in != flowRun.ID {
			t.Errorf("task run: %v, in %q, %v, want %v", known, in, err, !want)
		}
	}

	server.FaultAlways(prefecttest.Status(http.StatusInternalServerError).Body("secret").OnAny())
	_, flowErr := client.HasFlowRun(t.Context(), flowRun.ID)
	_, _, taskErr := client.HasTaskRun(t.Context(), taskRun.ID)
	if got := answerOf(t, flowErr); got.Kind != prefectapi.KindServer {
		t.Errorf("kind %v of %v", got.Kind, flowErr)
	}
	if got := answerOf(t, taskErr); got.Kind != prefectapi.KindServer || got.Ambiguous || strings.Contains(taskErr.Error(), "secret") {
		t.Errorf("kind %v of %v", got.Kind, taskErr)
	}
}
