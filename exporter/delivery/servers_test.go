// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/exporter/delivery"
	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

// tap counts requests, and breaks some of them on the way.
type tap struct {
	http.RoundTripper
	posts, looks atomic.Int64
	broken       func(post int64) breakage

	mu   sync.Mutex // guards left
	left []departure
}

// departure is a client that has left while the server works.
type departure struct {
	at   time.Time
	done chan struct{} // closed once the server has answered
}

type breakage int

const (
	whole     breakage = iota
	noAnswer           // the answer is lost behind the commit; one that tells of none is not
	impatient          // the client leaves while the server works, which does not learn it, as behind a proxy
	half               // the connection breaks within the body
)

func newTap() *tap {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // a server may end an idle connection just when it gets the next request
	return &tap{RoundTripper: transport, broken: func(int64) breakage { return whole }}
}

func (p *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/filter") {
		p.looks.Add(1)
		p.awaitLate(r.Context())
		return p.RoundTripper.RoundTrip(r)
	}
	if !strings.HasSuffix(r.URL.Path, "/logs/") {
		return p.RoundTripper.RoundTrip(r)
	}
	switch p.broken(p.posts.Add(1)) {
	case noAnswer:
		response, err := p.RoundTripper.RoundTrip(r)
		if err != nil || response.StatusCode != http.StatusCreated {
			p.posts.Add(-1) // the next one is broken in its place
			return response, err
		}
		_ = response.Body.Close()
		return nil, errors.New("lost by the test")
	case half:
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, r.ContentLength/2), iotest.ErrReader(errors.New("broken by the test"))))
	case impatient:
		return p.leave(r)
	}
	return p.RoundTripper.RoundTrip(r)
}

// leave hands a request on and goes before the answer comes, but not before all of it is written: the client knows by its
// trace of the connection whether it can have been stored.
func (p *tap) leave(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	written, done := make(chan struct{}), make(chan struct{})
	wrote := sync.OnceFunc(func() { close(written) })
	ctx := httptrace.WithClientTrace(context.WithoutCancel(r.Context()), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { wrote() },
	})
	r = r.Clone(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	go func() {
		defer close(done)
		if response, err := p.RoundTripper.RoundTrip(r); err == nil {
			_ = response.Body.Close()
		}
	}()
	select {
	case <-written:
	case <-done:
	}
	select {
	case <-time.After(15 * time.Millisecond):
	case <-done:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = append(p.left, departure{at: time.Now(), done: done})
	return nil, errors.New("left by the test")
}

// awaitLate holds a look up while the server still works for a client that left more than 4 s ago. The least patience of a
// deliverer is 5 s: a server that commits even later, on a machine that is too busy, has the records twice, as is documented.
func (p *tap) awaitLate(ctx context.Context) {
	p.mu.Lock()
	left := slices.Clone(p.left)
	p.mu.Unlock()
	for _, d := range left {
		if time.Since(d.at) < 4*time.Second {
			continue
		}
		select {
		case <-d.done:
		case <-ctx.Done():
		}
	}
}

// onServer returns a deliverer to a real server, and a new run.
func onServer(t *testing.T, server *servers.Server, p *tap) (*delivery.Deliverer, string) {
	t.Helper()
	client, err := prefectapi.New(prefectapi.Config{APIURL: server.APIURL(), AuthString: server.Row().AuthString, Transport: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	run, err := server.NewFlowRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return delivery.New(client, func(r delivery.Retry) { t.Logf("%v; waiting for %v", r.Err, r.Wait) }), run
}

// inRun makes the lines those of a run.
func inRun(run string, lines [][]byte) payload.Request {
	for i := range lines {
		lines[i] = bytes.Replace(lines[i], []byte(flowRun), []byte(run), 1)
	}
	return request(lines...)
}

// readBack counts how often each message stands in a run.
func readBack(t *testing.T, server *servers.Server, run string) map[string]int {
	t.Helper()
	logs, err := server.Logs(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, log := range logs {
		got[log.Message]++
	}
	return got
}

func TestRealServersStoreThreeThousandRecordsAroundSeventeenPoisons(t *testing.T) {
	for _, row := range []servers.Row{servers.Prefect38PostgreSQL, servers.Prefect38SQLite} {
		t.Run(fmt.Sprint(row.Version, " ", row.Database), func(t *testing.T) {
			server := serverstest.Get(t, row)
			p := newTap()
			d, run := onServer(t, server, p)
			const records, perRequest = 3000, 200
			var lines [][]byte
			want, reasons := map[string]int{}, map[payload.Reason]int{}
			for i := range records {
				line := encode(i, fmt.Sprint(i))
				lines = append(lines, line)
				want[fmt.Sprint(i)] = 1
			}
			spoil := func(reason payload.Reason, change func([]byte) []byte, at ...int) {
				for _, i := range at {
					delete(want, fmt.Sprint(i))
					reasons[reason]++
					lines[i] = change(lines[i])
				}
			}
			replace := func(old, new string) func([]byte) []byte {
				return func(line []byte) []byte { return bytes.Replace(line, []byte(old), []byte(new), 1) }
			}
			spoil(payload.ReasonInvalid, replace(`"level":20`, `"level":null`), 0, 7, 8, 399, 400, 1201, 1300, 1399)
			spoil(payload.ReasonInvalid, replace(`"name":"n"`, `"extra":1,"name":"n"`), 2000, 2200, 2999)
			spoil(payload.ReasonInvalid, replace(`"message":"`, "\"message\":\"\xff"), 10, 1500, 2998)
			if row.Database == servers.PostgreSQL {
				spoil(payload.ReasonFailing, replace(`"level":20`, `"level":70000`), 20)
			} else {
				spoil(payload.ReasonFailing, replace(`"message":"`, `"message":"\udc00`), 20)
			}
			spoil(payload.ReasonFailing, replace(`"message":"`, `"message":"\ud800`), 800, 2399)

			var total payload.Outcome
			for i := 0; i < records; i += perRequest {
				o := d.Deliver(t.Context(), inRun(run, lines[i:i+perRequest]), nil)
				balanced(t, o, perRequest)
				total.Merge(o)
			}
			if total.Stored != 2983 {
				t.Errorf("%d stored, want 2983", total.Stored)
			}
			got := map[payload.Reason]int{}
			for _, r := range total.Refused {
				got[r.Reason]++
			}
			if diff := cmp.Diff(reasons, got); diff != "" {
				t.Errorf("refused: %s", diff)
			}
			if diff := cmp.Diff(want, readBack(t, server, run)); diff != "" {
				t.Error(diff)
			}
			posts, looks := p.posts.Load(), p.looks.Load()
			if extra := posts + looks - records/perRequest; extra > 11+6*18 {
				t.Errorf("%d posts and %d looks, %d more than the requests", posts, looks, extra)
			}
			t.Logf("%d posts, %d looks", posts, looks)
		})
	}
}

func TestRealServersStoreOnceWhatLosesItsAnswer(t *testing.T) {
	for _, row := range []servers.Row{servers.Prefect38PostgreSQL, servers.Prefect38SQLite, servers.Prefect27SQLite} {
		t.Run(fmt.Sprint(row.Version, " ", row.Database), func(t *testing.T) {
			server := serverstest.Get(t, row)
			p := newTap()
			p.broken = func(post int64) breakage {
				if post == 7 {
					return half
				}
				return breakage(post % 3)
			}
			d, run := onServer(t, server, p)
			const requests, perRequest = 30, 200
			want := map[string]int{}
			var total payload.Outcome
			for n := range requests {
				var lines [][]byte
				for i := range perRequest {
					message := fmt.Sprint(n*perRequest + i)
					want[message] = 1
					lines = append(lines, encode(n*perRequest+i, message))
				}
				o := d.Deliver(t.Context(), inRun(run, lines), nil)
				balanced(t, o, perRequest)
				total.Merge(o)
			}
			if total.Stored != requests*perRequest || total.Duplicated > 0 || total.Resolved == 0 || total.Resent < perRequest {
				t.Errorf("got %d stored, %d resolved, %d resent, %d duplicated", total.Stored, total.Resolved, total.Resent, total.Duplicated)
			}
			if diff := cmp.Diff(want, readBack(t, server, run)); diff != "" {
				t.Error(diff)
			}
			t.Logf("%d resolved, %d resent", total.Resolved, total.Resent)
		})
	}
}

// The two questions that delivery depends on, put to every server: who is to blame for a
// 422, and does a request stand there whose answer was lost?
func TestEveryRealServerTellsWhatItHasStored(t *testing.T) {
	check := func(t *testing.T, server *servers.Server) {
		p := newTap()
		p.broken = func(post int64) breakage {
			if post == 1 {
				return noAnswer
			}
			return whole
		}
		d, run := onServer(t, server, p)
		lines := [][]byte{encode(0, `hé \"\\ 🎉`), encode(1, "b"), encode(2, "c")}
		o := d.Deliver(t.Context(), inRun(run, lines), nil)
		balanced(t, o, 3)
		if o.Stored != 3 || o.Resolved != 3 {
			t.Errorf("got %+v", o)
		}
		lines = [][]byte{encode(3, "d"), bytes.Replace(encode(4, "e"), []byte(`"level":20`), []byte(`"level":"x"`), 1), encode(5, "f")}
		o = d.Deliver(t.Context(), inRun(run, lines), nil)
		balanced(t, o, 3)
		if o.Stored != 2 || len(o.Refused) != 1 {
			t.Errorf("got %+v", o)
		}
		want := map[string]int{`hé "\ 🎉`: 1, "b": 1, "c": 1, "d": 1, "f": 1}
		if diff := cmp.Diff(want, readBack(t, server, run)); diff != "" {
			t.Error(diff)
		}
	}
	serverstest.Each(t, check)
	t.Run("secured", func(t *testing.T) { check(t, serverstest.Get(t, servers.Prefect38Secured)) })
}
