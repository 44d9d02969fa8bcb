// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/internal/filelock"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// Whole requests: bodies, headers and paths.

// one is a body of one good record.
func one() string { return records(newID(), 1) }

func gzipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestContractRequests(t *testing.T) {
	const created, notFound, notAllowed = "201 null", `404 {"detail":"Not Found"}`, `405 {"detail":"Method Not Allowed"}`
	syntax := func(at int) by {
		return by{"": fmt.Sprintf("422 body.%d json_invalid", at), "2": fmt.Sprintf("422 body.%d value_error.jsondecode", at)}
	}
	noList := func(modern string) by { return by{"": "422 body " + modern, "2": "422 body type_error.list"} }
	oldClient := func(version string) by {
		return by{"": `400 {"detail":"The request specified API version ` + version + ` but this server requires version 0.8.0 or higher."}`}
	}
	noVersion := func(version string) by {
		return by{"": `400 {"detail":"Invalid X-PREFECT-API-VERSION header format.Expected header in format 'x.y.z' but received ` + version + `"}`}
	}
	typed := func(value ...string) http.Header { return http.Header{"Content-Type": value} }
	version := func(v string) http.Header { return http.Header{"X-Prefect-Api-Version": {v}} }
	for _, tt := range []struct {
		name   string
		method string
		path   string
		body   string
		header http.Header
		want   by
	}{
		{"an empty list", "POST", "/logs/", `[]`, nil, by{"": created}},
		{"no body", "POST", "/logs/", ``, nil, by{"": "422 body missing", "2": "422 body value_error.missing"}},
		{"null", "POST", "/logs/", `null`, nil, by{"": "422 body missing", "2": "422 body value_error.missing"}},
		{"an object", "POST", "/logs/", `{}`, nil, noList("is_instance_of")},
		{"a text", "POST", "/logs/", `"x"`, nil, noList("sequence_str")},
		{"a list of what is no record", "POST", "/logs/", `[1,"s",[1],null]`, nil, by{
			"":  "422 body.0 model_attributes_type, body.1 model_attributes_type, body.2 model_attributes_type, body.3 model_attributes_type",
			"2": "422 body.0 type_error.dict, body.1 type_error.dict, body.2 type_error.dict, body.3 type_error.none.not_allowed",
		}},
		{"an empty record", "POST", "/logs/", `[{}]`, nil, by{
			"":     "422 body.0.name missing, body.0.level missing, body.0.message missing, body.0.timestamp missing",
			"2.20": "422 body.0.name value_error.missing, body.0.level value_error.missing, body.0.message value_error.missing, body.0.timestamp value_error.missing",
			"2.7":  integrity,
		}},
		{"a record with everything wrong", "POST", "/logs/", `[{"name":null,"level":"x","message":[],"timestamp":"x","flow_run_id":5,"task_run_id":"x","b":1,"a":2}]`, nil, by{
			"":  "422 body.0.name string_type, body.0.level int_parsing, body.0.message string_type, body.0.timestamp value_error, body.0.flow_run_id uuid_type, body.0.task_run_id uuid_parsing, body.0.b extra_forbidden, body.0.a extra_forbidden",
			"2": "422 body.0.name type_error.none.not_allowed, body.0.level type_error.integer, body.0.message type_error.str, body.0.timestamp value_error.parser, body.0.flow_run_id type_error.uuid, body.0.task_run_id type_error.uuid, body.0.a value_error.extra, body.0.b value_error.extra",
		}},

		{"a value that is missing", "POST", "/logs/", `[{"name":}]`, nil, syntax(9)},
		{"a character counts as one", "POST", "/logs/", `["é", x]`, nil, syntax(6)},
		{"a list that ends too early", "POST", "/logs/", `[{}`, nil, syntax(3)},
		{"more after the end", "POST", "/logs/", `[] x`, nil, syntax(3)},
		{"a text that does not end", "POST", "/logs/", `["abc`, nil, syntax(1)},
		{"a newline within a text", "POST", "/logs/", "[\"a\nb\"]", nil, syntax(3)},
		{"an unknown escape", "POST", "/logs/", `["\x"]`, nil, syntax(2)},
		{"single quotes", "POST", "/logs/", `[{'a':1}]`, nil, syntax(2)},
		{"a comma too many", "POST", "/logs/", `[1,]`, nil, syntax(3)},
		{"a byte order mark", "POST", "/logs/", "\ufeff[]", nil, by{"": created}},
		{"an unspeakable key", "POST", "/logs/", `[{"\ud800":1}]`, nil, by{"": exception}},
		{"nesting without end", "POST", "/logs/", strings.Repeat("[", 2000) + strings.Repeat("]", 2000), nil, by{"": unparsable}},
		{"a number without end", "POST", "/logs/", "[" + strings.Repeat("9", 5000) + "]", nil, by{"": unparsable}},
		{"a gzip body", "POST", "/logs/", gzipped(t, one()), http.Header{"Content-Encoding": {"gzip"}}, by{"": unparsable}},

		{"a JSON type with a charset", "POST", "/logs/", one(), typed("application/json; charset=utf-8"), by{"": created}},
		{"a type that is JSON in disguise", "POST", "/logs/", one(), typed("application/vnd.x+json"), by{"": created}},
		{"no type", "POST", "/logs/", one(), typed(), by{"": created}},
		{"plain text", "POST", "/logs/", one(), typed("text/plain"), noList("sequence_str")},
		{"JSON lines", "POST", "/logs/", one(), typed("application/x-ndjson"), noList("sequence_str")},

		{"this API version", "POST", "/logs/", one(), version("0.8.4"), by{"": created}},
		{"the oldest API version", "POST", "/logs/", one(), version("0.8.0"), by{"": created}},
		{"a newer API version", "POST", "/logs/", one(), version("1.0.0"), by{"": created}},
		{"an API version that is too old", "POST", "/logs/", one(), version("0.7.0"), oldClient("0.7.0")},
		{"an API version of two numbers", "POST", "/logs/", one(), version("0.8"), noVersion("0.8")},
		{"an API version that is no number", "POST", "/logs/", one(), version("0.8.x"), noVersion("0.8.x")},
		{"an API version that does not matter", "GET", "/health", "", version("0.1.0"), by{"": "200 true"}},
		{"credentials that nobody asked for", "POST", "/logs/", one(), http.Header{
			"Authorization": {"Bearer x"}, "Prefect-Csrf-Token": {"x"}, "Prefect-Csrf-Client": {"x"},
		}, by{"": created}},

		{"health", "GET", "/health", "", nil, by{"": "200 true"}},
		{"hello", "GET", "/hello", "", nil, by{"": `200 "👋"`}},
		{"ready", "GET", "/ready", "", nil, by{"": `200 {"message":"OK"}`, "2.7": notFound}},
		{"the API version", "GET", "/version", "", nil, by{"": `200 "0.8.4"`, "2.7": notFound}},
		{"the version", "GET", "/admin/version", "", nil, by{"": `200 "3.8.8"`, "2.20": `200 "2.20.26"`, "2.7": `200 "2.7.0"`}},
		{"a CSRF token of a server without", "GET", "/csrf-token?client=x", "", nil, by{"": `422 {"detail":"CSRF protection is disabled."}`, "2.7": notFound}},
		{"a CSRF token for nobody", "GET", "/csrf-token", "", nil, by{"": "422 query.client missing", "2": "422 query.client value_error.missing", "2.7": notFound}},
		{"an unknown path", "GET", "/nope", "", nil, by{"": notFound}},
		{"a method that is not there", "GET", "/logs/", "", nil, by{"": notAllowed}},
		{"another one", "PUT", "/logs/", one(), nil, by{"": notAllowed}},
		{"a POST of health", "POST", "/health", "", nil, by{"": notAllowed}},
		{"logs without the slash", "POST", "/logs", one(), nil, by{"": "307"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contract(t, func(t *testing.T, s subject) {
				if got, want := s.send(t, tt.method, tt.path, tt.body, tt.header).verdict(t), tt.want.of(s); got != want {
					t.Errorf("%s %s %.200s\ngot  %s\nwant %s", tt.method, tt.path, tt.body, got, want)
				}
			})
		})
	}
}

func TestContractHeaders(t *testing.T) {
	contract(t, func(t *testing.T, s subject) {
		if got, want := s.send(t, "POST", "/logs", one(), nil).header.Get("Location"), s.url+"/logs/"; got != want {
			t.Errorf("POST /logs leads to %q, want %q", got, want)
		}
		if got := s.send(t, "GET", "/logs/", "", nil).header.Get("Allow"); got != "POST" {
			t.Errorf("GET /logs/ allows %q", got)
		}
		created := s.send(t, "POST", "/logs/", one(), nil)
		if got := created.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("the answer to a POST is %q", got)
		}
		// A client that says it takes gzip gets it for long answers, but for Orion.
		run := newID()
		s.send(t, "POST", "/logs/", records(run, 50), nil)
		body := fmt.Sprintf(`{"logs":{"flow_run_id":{"any_":[%q]}}}`, run)
		got := s.send(t, "POST", "/logs/filter", body, http.Header{"Accept-Encoding": {"gzip"}}).header.Get("Content-Encoding")
		if want := (by{"": "gzip", "2.7": ""}).of(s); got != want {
			t.Errorf("a long answer has Content-Encoding %q, want %q", got, want)
		}
	})
}

func TestContractAll(t *testing.T) {
	t.Run("a 422 names every bad record and echoes the whole body", func(t *testing.T) {
		contract(t, func(t *testing.T, s subject) {
			run := newID()
			all := strings.Split(records(run, 1000), "\n")
			var want []string
			for i := 0; i < len(all); i += 2 {
				all[i] = strings.Replace(all[i], `"level":20`, `"level":"x"`, 1)
				want = append(want, fmt.Sprintf("body.%d.level %s", i, by{"": "int_parsing", "2": "type_error.integer"}.of(s)))
			}
			answer := s.send(t, "POST", "/logs/", strings.Join(all, "\n"), nil)
			if got, want := answer.verdict(t), "422 "+strings.Join(want, ", "); got != want { // verdict holds the echo against what was sent
				t.Errorf("got  %.300s\nwant %.300s", got, want)
			}
			detail, echo := bytes.Index(answer.body, []byte(`"exception_detail"`)), bytes.Index(answer.body, []byte(`"request_body"`))
			if detail < 0 || echo < detail {
				t.Errorf("exception_detail at %d, request_body at %d: want the echo last", detail, echo)
			}
			if n := len(s.stored(t, run)); n != 0 {
				t.Errorf("%d records of a refused request stored", n)
			}
		})
	})
	t.Run("the same records twice are stored twice", func(t *testing.T) {
		contract(t, func(t *testing.T, s subject) {
			run := newID()
			for range 2 {
				s.send(t, "POST", "/logs/", records(run, 3), http.Header{"Idempotency-Key": {"same"}})
			}
			if n := len(s.stored(t, run)); n != 6 {
				t.Errorf("%d stored, want 6", n)
			}
		})
	})
	// The server writes 3,640 records in one transaction. What lies before the one that fails stays.
	poison := `,{"name":"n","level":20,"message":"\ud800","timestamp":"2026-01-02T03:04:06Z","flow_run_id":"%s"}]`
	for _, tt := range []struct {
		name         string
		against      func(*testing.T, func(*testing.T, subject))
		good, stored int
	}{
		{"1,000 records, the most that this module sends, with the last one bad are one transaction", contract, 999, 0},
		// Takes seconds on a real server, and the next one shows it there: what stays is the first 3,640.
		{"3,640 records with the last one bad are one transaction", contractPlayed, 3639, 0},
		{"3,641 records with the last one bad are two", contract, 3640, 3640},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.against(t, func(t *testing.T, s subject) {
				long := s.played == nil && tt.good > 1000
				if long && s.row.Database == servers.SQLite {
					s = real(serverstest.New(t, s.row)) // for seconds, or half a minute, it answers nobody else
				} else if long { // and this one for less
					turn, err := filelock.Wait(filepath.Join(s.home, "turn"), patience)
					if err != nil {
						t.Fatal(err)
					}
					defer turn.Close()
				}
				run := newID()
				body := strings.TrimSuffix(records(run, tt.good), "]") + fmt.Sprintf(poison, run)
				if got, want := s.send(t, "POST", "/logs/", body, nil).verdict(t), dataRefused.of(s); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				if n := len(s.stored(t, run)); n != tt.stored {
					t.Errorf("%d stored, want %d", n, tt.stored)
				}
			})
		})
	}
}
