// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oldestAPI is the oldest version that a client may name in X-PREFECT-API-VERSION.
const oldestAPI = "0.8.0"

// handle answers a request that was read whole, as the server played would.
func (s *Server) handle(r *http.Request, path string, body []byte) answer {
	if !strings.HasPrefix(r.URL.Path, "/api/") {
		return plain(http.StatusNotFound, "Not Found")
	}
	if a, refused := s.forged(r, path); refused { // before the credentials, as the real one does
		return a
	}
	if a, refused := s.stranger(r, path); refused {
		return a
	}
	methods, known := s.route(path)
	if !known {
		if methods, known := s.route(path + "/"); known && len(methods) > 0 {
			return answer{status: http.StatusTemporaryRedirect, header: http.Header{
				"Location": {"http://" + r.Host + r.URL.Path + "/" + query(r)},
			}}
		}
		return plain(http.StatusNotFound, "Not Found")
	}
	handler, ok := methods[r.Method]
	if !ok {
		return plain(http.StatusMethodNotAllowed, "Method Not Allowed").with("Allow", allowed(methods))
	}
	if path != "/health" && path != "/version" {
		if a, refused := outdated(r); refused {
			return a
		}
	}
	return handler(r, body)
}

func query(r *http.Request) string {
	if r.URL.RawQuery == "" {
		return ""
	}
	return "?" + r.URL.RawQuery
}

func allowed(methods map[string]handler) string {
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPatch} {
		if methods[m] != nil {
			return m
		}
	}
	return ""
}

// stranger refuses a request without the right credentials.
func (s *Server) stranger(r *http.Request, path string) (answer, bool) {
	if s.authorization == "" || r.Header.Get("Authorization") == s.authorization {
		return answer{}, false
	}
	if r.Method == http.MethodGet && (path == "/health" || path == "/ready") {
		return answer{}, false
	}
	if _, credentials, ok := strings.Cut(r.Header.Get("Authorization"), "Basic "); ok {
		if b, err := base64.StdEncoding.DecodeString(credentials); err == nil && !ascii(b) {
			return internalError(), true
		}
	}
	return message(http.StatusUnauthorized, "Unauthorized"), true
}

func ascii(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c >= 0x80 })
}

// outdated refuses a client that names an API version which is too old, or none.
func outdated(r *http.Request) (answer, bool) {
	version := r.Header.Get("X-PREFECT-API-VERSION")
	if version == "" {
		return answer{}, false
	}
	parts, ok := apiVersion(version)
	if !ok {
		return plain(http.StatusBadRequest, "Invalid X-PREFECT-API-VERSION header format."+
			"Expected header in format 'x.y.z' but received "+version), true
	}
	oldest, _ := apiVersion(oldestAPI)
	for i := range parts {
		if parts[i] > oldest[i] {
			break
		}
		if parts[i] < oldest[i] {
			return plain(http.StatusBadRequest, fmt.Sprintf("The request specified API version %s but this server"+
				" requires version %s or higher.", version, oldestAPI)), true
		}
	}
	return answer{}, false
}

func apiVersion(s string) (parts [3]int, ok bool) {
	words := strings.Split(s, ".")
	if len(words) != len(parts) {
		return parts, false
	}
	for i, word := range words {
		n, err := strconv.Atoi(word)
		if err != nil {
			return parts, false
		}
		parts[i] = n
	}
	return parts, true
}

type handler func(r *http.Request, body []byte) answer

// route returns what a path takes, by method.
func (s *Server) route(path string) (map[string]handler, bool) {
	get := func(v any) (map[string]handler, bool) {
		return map[string]handler{http.MethodGet: func(*http.Request, []byte) answer { return reply(200, v) }}, true
	}
	post := func(h handler) (map[string]handler, bool) { return map[string]handler{http.MethodPost: h}, true }
	switch path {
	case "/health":
		return get(true)
	case "/hello":
		return get("👋")
	case "/admin/version":
		return get(s.generation.String())
	case "/logs/":
		return post(s.createLogs)
	case "/logs/filter":
		return post(s.filterLogs)
	case "/flows/":
		return post(s.createFlow)
	case "/flow_runs/":
		return post(s.createFlowRun)
	case "/task_runs/":
		return post(s.createTaskRun)
	case "/flow_runs/filter":
		return post(s.filterFlowRuns)
	case "/task_runs/filter":
		return post(s.filterTaskRuns)
	}
	if s.generation != Orion27 { // pages that came later
		switch path {
		case "/ready":
			return get(map[string]string{"message": "OK"})
		case "/version":
			return get(s.generation.apiVersion())
		case "/csrf-token":
			return map[string]handler{http.MethodGet: s.createCSRFToken}, true
		}
	}
	return s.runRoute(path)
}

// runRoute is the part of route whose paths have an id in them.
func (s *Server) runRoute(path string) (map[string]handler, bool) {
	for _, p := range []struct {
		prefix, suffix, method string
		handle                 func(r *http.Request, id string, body []byte) answer
	}{
		{"/flow_runs/", "", http.MethodGet, s.readFlowRun},
		{"/flow_runs/", "/set_state", http.MethodPost, s.setFlowRunState},
		{"/flow_runs/", "/labels", http.MethodPatch, s.patchFlowRunLabels},
		{"/task_runs/", "", http.MethodGet, s.readTaskRun},
	} {
		id, ok := strings.CutPrefix(path, p.prefix)
		if !ok || p.suffix == "/labels" && !s.generation.modern() {
			continue
		}
		if id, ok = strings.CutSuffix(id, p.suffix); !ok || id == "" || strings.Contains(id, "/") {
			continue
		}
		canonical, ok := parseUUID(id, s.generation.modern())
		if !ok && s.generation.modern() {
			return nil, false // the route asks for an id
		}
		return map[string]handler{p.method: func(r *http.Request, body []byte) answer {
			if !ok {
				return refusalAt(s.generation, "path", []detail{{loc: []any{"id"}, problem: notUUIDText}}, value{})
			}
			return p.handle(r, canonical, body)
		}}, true
	}
	return nil, false
}

// reply answers with v as JSON.
func reply(status int, v any) answer {
	b, err := json.Marshal(v)
	if err != nil {
		return message(http.StatusInternalServerError, "Internal Server Error")
	}
	return answer{status: status, body: b}
}

// instant is a time as the server writes it.
func (s *Server) instant(t time.Time) string {
	return formatTimestamp(s.generation, t.Truncate(time.Microsecond))
}
