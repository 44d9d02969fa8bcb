// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// The contract is what a client may rely on: requests, and the answers of each generation on each database. It is held
// against this package playing them and against the real servers; where the two differ, this package is wrong.

func TestMain(m *testing.M) { serverstest.Main(m) }

// subject is a server under contract, played or real. Cases share it, so each keeps to ids of its own.
type subject struct {
	row    servers.Row
	played *prefecttest.Server // nil for a real one
	home   string              // of a real one: a folder that all processes know which share it
	url    string
	client *http.Client
	header http.Header // credentials
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
}

// contract runs test against everything: each row of the matrix, played and real.
func contract(t *testing.T, test func(t *testing.T, s subject)) {
	t.Helper()
	contractPlayed(t, test)
	t.Run("real", func(t *testing.T) {
		serverstest.Each(t, func(t *testing.T, s *servers.Server) { test(t, real(s)) })
	})
}

// contractPlayed runs test against what this package plays alone, of which the test says why.
func contractPlayed(t *testing.T, test func(t *testing.T, s subject)) {
	t.Helper()
	// 2.7 on PostgreSQL is in no row that is started for real; what is played then is what was measured once.
	for _, row := range append(servers.Matrix(), servers.Row{Version: servers.Prefect27, Database: servers.PostgreSQL}) {
		t.Run("played/"+row.String(), func(t *testing.T) { test(t, played(t, row)) })
	}
}

func played(t *testing.T, row servers.Row, opts ...prefecttest.Option) subject {
	t.Helper()
	generations := map[servers.Version]prefecttest.Generation{
		servers.Prefect27: prefecttest.Orion27, servers.Prefect220: prefecttest.Prefect220, servers.Prefect38: prefecttest.Prefect38,
	}
	opts = append(opts, prefecttest.WithGeneration(generations[row.Version]))
	if row.Database == servers.PostgreSQL {
		opts = append(opts, prefecttest.WithDatabase(prefecttest.PostgreSQL))
	}
	if row.AuthString != "" {
		opts = append(opts, prefecttest.WithAuthString(row.AuthString))
	}
	if row.CSRF {
		opts = append(opts, prefecttest.WithCSRF())
	}
	s := prefecttest.NewServer(t, opts...)
	return subject{row: row, played: s, url: s.URL(), client: s.Client(), header: s.API().Header, dial: s.DialContext}
}

func real(s *servers.Server) subject {
	return subject{row: s.Row(), home: s.Home(), url: s.APIURL(), client: s.API().HTTP, header: s.API().Header, dial: new(net.Dialer).DialContext}
}

func (s subject) api() *prefecttest.Client {
	return &prefecttest.Client{URL: s.url, HTTP: s.client, Header: s.header}
}

// by holds what is expected, by the servers it holds for: a row ("2.7-postgresql"), a version ("2.7"), both of 2
// ("2"), a database ("postgresql"), or "" for all others. The first of these that is there counts.
type by map[string]string

func (b by) of(s subject) string {
	major, _, _ := strings.Cut(string(s.row.Version), ".")
	open := servers.Row{Version: s.row.Version, Database: s.row.Database}
	for _, key := range []string{open.String(), string(s.row.Version), major, string(s.row.Database)} {
		if want, ok := b[key]; ok {
			return want
		}
	}
	return b[""]
}

// reply is an answer with its body.
type reply struct {
	status int
	header http.Header
	body   []byte
	sent   []byte
}

// send sends one request. A path is below the API unless it begins with "..". Tests share the real servers: where SQLite was
// locked by another one, a server answers 503, and is asked again.
func (s subject) send(t *testing.T, method, path, body string, header http.Header) reply {
	t.Helper()
	for delay := 100 * time.Millisecond; ; delay *= 2 {
		r := s.sendOnce(t, method, path, body, header)
		if r.status != http.StatusServiceUnavailable || s.played != nil || s.row.Database != servers.SQLite || delay > 2*time.Second {
			return r
		}
		<-time.After(delay)
	}
}

func (s subject) sendOnce(t *testing.T, method, path, body string, header http.Header) reply {
	t.Helper()
	address, above := strings.CutPrefix(path, "..")
	if !above {
		address = s.url + path
	} else {
		address = strings.TrimSuffix(s.url, "/api") + address
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for _, h := range []http.Header{s.header, header} {
		for key, values := range h {
			r.Header[key] = values
			if values == nil {
				r.Header.Del(key)
			}
		}
	}
	client := *s.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 500 { // the server is about to drop the connection, and does not say so
		defer s.client.CloseIdleConnections()
	}
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s %s: reading the answer: %v", method, path, err)
	}
	return reply{status: answer.StatusCode, header: answer.Header, body: b, sent: []byte(body)}
}

// verdict is what of an answer the contract is about: the status and, of a 422 that names problems, each place and type;
// of everything else the body.
func (r reply) verdict(t *testing.T) string {
	t.Helper()
	var refused struct {
		Message string `json:"exception_message"`
		Detail  []struct {
			Loc  []any  `json:"loc"`
			Type string `json:"type"`
		} `json:"exception_detail"`
		Body any `json:"request_body"`
	}
	// Anything that is no such object stays without details.
	if err := json.Unmarshal(r.body, &refused); err != nil || refused.Detail == nil {
		return strings.TrimSpace(fmt.Sprintf("%d %s", r.status, r.body))
	}
	if refused.Message != "Invalid request received." {
		t.Errorf("exception_message is %q", refused.Message)
	}
	var sent any
	if err := json.Unmarshal(r.sent, &sent); err != nil {
		sent = string(r.sent) // what is no JSON is echoed as text
	}
	if fmt.Sprint(refused.Detail[0].Loc[0]) != "body" || len(r.sent) == 0 {
		sent = nil
	}
	if text, _ := refused.Body.(string); !reflect.DeepEqual(refused.Body, sent) && text != string(r.sent) {
		t.Errorf("request_body is not what was sent:\n%.500s\n%.500s", r.body, r.sent)
	}
	var all []string
	for _, d := range refused.Detail {
		var loc []string
		for _, at := range d.Loc {
			loc = append(loc, fmt.Sprint(at))
		}
		all = append(all, strings.Join(loc, ".")+" "+d.Type)
	}
	return fmt.Sprintf("%d %s", r.status, strings.Join(all, ", "))
}

// newID returns an id that no other case uses.
func newID() string {
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", rand.Uint32(), rand.N(1<<16), rand.N(1<<12), rand.N(1<<12), rand.N(int64(1)<<48))
}

// records writes n records of a run as a body, their stamps one microsecond apart.
func records(run string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `%s{"name":"n","level":20,"message":"m%d","timestamp":"2026-01-02T03:04:05.%06dZ","flow_run_id":"%s"}`,
			map[bool]string{true: "[", false: ",\n"}[i == 0], i, i, run)
	}
	return b.String() + "]"
}

// stored reads what is stored of a run.
func (s subject) stored(t *testing.T, run string) []prefecttest.Log {
	t.Helper()
	logs, err := s.api().Logs(t.Context(), prefecttest.Filter{FlowRunID: run})
	if err != nil {
		t.Fatal(err)
	}
	return logs
}

// connection is one connection, for cases about what becomes of it.
type connection struct {
	net.Conn
	s subject
	r *bufio.Reader
}

func (s subject) connect(t *testing.T) connection {
	t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "80"))
	conn, err := s.dial(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return connection{Conn: conn, s: s, r: bufio.NewReader(conn)}
}

// request writes a request.
func (c connection) request(t *testing.T, method, path, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(b.Bytes()); err != nil {
		t.Fatal(err)
	}
}

// answer reads an answer and returns its status and header.
func (c connection) answer(t *testing.T) (int, http.Header) {
	t.Helper()
	answer, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header
}
