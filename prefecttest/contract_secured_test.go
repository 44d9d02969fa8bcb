// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// Servers that ask for a password and a CSRF token.

func secured(t *testing.T, test func(t *testing.T, s subject)) {
	t.Helper()
	row := servers.Prefect38Secured
	t.Run("played/"+row.String(), func(t *testing.T) { test(t, played(t, row)) })
	t.Run("real/"+row.String(), func(t *testing.T) { test(t, real(serverstest.Get(t, row))) })
}

// token asks for a CSRF token.
func (s subject) token(t *testing.T, client string) http.Header {
	t.Helper()
	answer := s.send(t, "GET", "/csrf-token?client="+client, "", nil)
	var got struct {
		ID, Created, Updated, Token, Client, Expiration string
	}
	if err := json.Unmarshal(answer.body, &got); err != nil || answer.status != 200 {
		t.Fatalf("csrf-token: %d %s", answer.status, answer.body)
	}
	if len(got.Token) != 64 || got.Client != client || got.ID == "" || got.Created == "" || got.Updated == "" || got.Expiration == "" {
		t.Errorf("csrf-token: %s", answer.body)
	}
	return http.Header{"Prefect-Csrf-Token": {got.Token}, "Prefect-Csrf-Client": {client}}
}

func TestContractCSRF(t *testing.T) {
	const (
		missing       = `403 {"detail":"Missing CSRF token."}`
		missingClient = `403 {"detail":"Missing client identifier."}`
		invalid       = `403 {"detail":"Invalid CSRF token or client identifier."}`
		unauthorized  = `401 {"exception_message":"Unauthorized"}`
	)
	secured(t, func(t *testing.T, s subject) {
		client := newID()
		first := s.token(t, client)
		stranger := s
		stranger.header = http.Header{}
		check := func(name, want string, s subject, method, path, body string, header http.Header) {
			t.Helper()
			if got := s.send(t, method, path, body, header).verdict(t); got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
		check("a token", "201 null", s, "POST", "/logs/", one(), first)
		check("the same token again", "201 null", s, "POST", "/logs/", one(), first)
		check("no token", missing, s, "POST", "/logs/", one(), nil)
		check("no token to read logs", missing, s, "POST", "/logs/filter", `{"limit":0}`, nil)
		check("no token to an unknown path", missing, s, "POST", "/nope", `{}`, nil)
		check("no token, no password", missing, stranger, "POST", "/logs/", one(), nil)
		check("a token, no password", unauthorized, stranger, "POST", "/logs/", one(), first)
		check("no client", missingClient, s, "POST", "/logs/", one(), http.Header{"Prefect-Csrf-Token": first["Prefect-Csrf-Token"]})
		check("an empty token", invalid, s, "POST", "/logs/", one(), http.Header{"Prefect-Csrf-Token": {""}, "Prefect-Csrf-Client": {client}})
		check("another client's token", invalid, s, "POST", "/logs/", one(), http.Header{"Prefect-Csrf-Token": first["Prefect-Csrf-Token"], "Prefect-Csrf-Client": {newID()}})
		check("a GET needs none", `200 "3.8.8"`, s, "GET", "/admin/version", "", nil)

		second := s.token(t, client)
		check("the first token after a second", invalid, s, "POST", "/logs/", one(), first)
		check("the second token", "201 null", s, "POST", "/logs/", one(), second)
		check("no password for a token", unauthorized, stranger, "GET", "/csrf-token?client="+client, "", nil)
	})
}

func TestContractPassword(t *testing.T) {
	const unauthorized = `401 {"exception_message":"Unauthorized"}`
	secured(t, func(t *testing.T, s subject) {
		right := s.header.Get("Authorization")
		for _, tt := range []struct{ name, authorization, path, want string }{
			{"the password", right, "/admin/version", `200 "3.8.8"`},
			{"no password", "", "/admin/version", unauthorized},
			{"a wrong password", "Basic eDp5", "/admin/version", unauthorized},
			{"a password that is not ASCII", "Basic w7w6eA==", "/admin/version", exception},
			{"a scheme in lower case", strings.Replace(right, "Basic", "basic", 1), "/admin/version", unauthorized},
			{"another scheme", "Bearer x", "/admin/version", unauthorized},
			{"no base64", "Basic !!", "/admin/version", unauthorized},
			{"a scheme alone", "Basic", "/admin/version", unauthorized},
			{"health for everyone", "", "/health", "200 true"},
			{"ready for everyone", "", "/ready", `200 {"message":"OK"}`},
			{"hello for nobody", "", "/hello", unauthorized},
			{"an unknown path", "", "/nope", unauthorized},
			{"a path without its slash", "", "/logs", unauthorized},
		} {
			t.Run(tt.name, func(t *testing.T) {
				var header http.Header
				if tt.authorization != right {
					header = http.Header{"Authorization": nil}
				}
				if tt.authorization != "" {
					header = http.Header{"Authorization": {tt.authorization}}
				}
				answer := s.send(t, "GET", tt.path, "", header)
				if got := answer.verdict(t); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
				if got := answer.header.Get("WWW-Authenticate"); got != "" {
					t.Errorf("WWW-Authenticate: %s", got)
				}
			})
		}
	})
}

func TestContractClientOfASecuredServer(t *testing.T) {
	secured(t, func(t *testing.T, s subject) {
		api := s.api()
		run, err := api.CreateFlowRun(t.Context(), "secured "+newID(), "")
		if err != nil {
			t.Fatal(err)
		}
		header := s.token(t, newID())
		s.send(t, "POST", "/logs/", records(run.ID, 3), header)
		if n, err := api.CountLogs(t.Context(), prefecttest.Filter{FlowRunID: run.ID}); n != 3 || err != nil {
			t.Errorf("%d logs, %v", n, err)
		}
		if v, err := api.Version(t.Context()); v != "3.8.8" || err != nil {
			t.Errorf("version %q, %v", v, err)
		}
	})
}
