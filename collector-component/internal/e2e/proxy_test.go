// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prefectlogs/prefectlogs/internal/servers"
)

// proxy stands between a Collector and a server.
type proxy struct {
	*httptest.Server
	// answer is asked before the answer to a POST of logs goes back, when the server has stored them; if it returns false, the connection
	// is cut instead. nil: it goes back.
	answer func(n int) bool
	down   atomic.Bool // connections are cut, and nothing reaches the server
	posts  atomic.Int64
}

func newProxy(t *testing.T, s *servers.Server, answer func(n int) bool) *proxy {
	t.Helper()
	p := &proxy{answer: answer}
	upstream := strings.TrimSuffix(s.APIURL(), "/api")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.down.Load() {
			cut(w)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the Collector has gone
		}
		request, err := http.NewRequest(r.Method, upstream+r.URL.RequestURI(), bytes.NewReader(body)) // the Collector's end does not end it
		if err != nil {
			t.Error(err)
			return
		}
		request.Header = r.Header.Clone()
		response, err := client.Do(request)
		if err != nil {
			cut(w)
			return
		}
		defer response.Body.Close()
		if r.URL.Path == "/api/logs/" && response.StatusCode == http.StatusCreated && p.answer != nil && !p.answer(int(p.posts.Add(1))) {
			cut(w)
			return
		}
		w.Header().Set("Content-Type", response.Header.Get("Content-Type"))
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body) // the Collector may have gone
	}))
	t.Cleanup(p.Close)
	return p
}

// apiURL is where the server is, seen from the Collector.
func (p *proxy) apiURL() string { return p.URL + "/api" }

func cut(w http.ResponseWriter) {
	if connection, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = connection.Close() // which is what is wanted
	}
}
