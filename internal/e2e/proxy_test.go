// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/servers"
)

// fault is what a faultyProxy does to one POST of logs.
type fault string

const (
	none         fault = "no fault"
	loseAnswer   fault = "answer lost behind the commit"
	cutBefore    fault = "cut before the body"
	cutWithin    fault = "cut within the body"
	reset        fault = "reset behind the body"
	commitLater  fault = "committed later" // the client is cut off, the server gets the request 1 to 4 s later
	delayRequest fault = "request delayed"
	delayAnswer  fault = "answer delayed"
)

// deck are the faults of 30 POSTs in a row, in an order that the seed decides: every kind comes early and often enough.
var deck = map[fault]int{
	loseAnswer: 9, cutBefore: 1, cutWithin: 1, reset: 1, commitLater: 2, delayRequest: 1, delayAnswer: 1, none: 14,
}

// costlyDecks is how many decks have faults that the client waits for, 5 s or, where the server is slow, 4 times its slowest
// answer. Later ones have none in their place.
const costlyDecks = 2

var costly = []fault{cutBefore, cutWithin, reset, commitLater}

// lostLooks is the part of the looks (POST /logs/filter) that are cut off, before or behind the server.
const lostLooks = 0.1

// faultyProxy stands between a pipeline and a server, on real connections, and breaks what passes. What it does to
// which POST follows from the seed alone.
type faultyProxy struct {
	*httptest.Server
	upstream string // "http://127.0.0.1:PORT"
	client   *http.Client
	ends     context.Context // of everything that the proxy does
	late     sync.WaitGroup  // requests that the server gets after their client was cut off
	under    stragglers      // POSTs of logs that are under way
	passed   chan struct{}   // gets a value at each milestone

	mu         sync.Mutex // guards the fields below
	posts      *rand.Rand // for POSTs of logs
	others     *rand.Rand // for the rest, so that it does not change what happens to the POSTs
	cards      []fault
	decks      int
	met        map[fault]int // how often each was done
	brokenLook int
	down       bool          // the server is being restarted
	slowest    time.Duration // answer of the server: what the client's patience follows
	stored     int           // logs that the server has taken, as its answers say
	milestones []int         // numbers of these
}

// newFaultyProxy starts a proxy that ends with the test. passed gets a value as often as a further milestone, in logs stored,
// is reached, and nothing is handed to the server then until it is [faultyProxy.up] again: so there is always more to come.
func newFaultyProxy(t *testing.T, s *servers.Server, seed uint64, milestones ...int) *faultyProxy {
	p := &faultyProxy{
		upstream: strings.TrimSuffix(s.APIURL(), "/api"),
		// A connection each: an idle one may die with the server, which is no fault of ours to choose.
		client:     &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: chaosLimit},
		ends:       t.Context(),
		passed:     make(chan struct{}, len(milestones)),
		posts:      rand.New(rand.NewPCG(seed, 1)),
		others:     rand.New(rand.NewPCG(seed, 2)),
		met:        map[fault]int{},
		milestones: milestones,
	}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	t.Cleanup(p.late.Wait)
	return p
}

// up tells the proxy that the server is up again.
func (p *faultyProxy) up() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

// String says what was done, for the test's log.
func (p *faultyProxy) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var text strings.Builder
	for _, f := range slices.Sorted(maps.Keys(p.met)) {
		fmt.Fprintf(&text, "%s: %d, ", f, p.met[f])
	}
	fmt.Fprintf(&text, "looks broken: %d, slowest answer: %v", p.brokenLook, p.slowest.Round(10*time.Millisecond))
	return text.String()
}

// wantAllFaults checks that everything that can go wrong did.
func (p *faultyProxy) wantAllFaults(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for f := range deck {
		if p.met[f] == 0 {
			t.Errorf("no POST of logs had this: %s", f)
		}
	}
	if p.brokenLook == 0 {
		t.Error("no look was broken")
	}
}

func (p *faultyProxy) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost && r.URL.Path == "/api/logs/" {
		p.servePost(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has left
	}
	p.mu.Lock()
	broken := p.others.Float64() < lostLooks
	behind, hard := p.others.IntN(2) == 0, p.others.IntN(2) == 0
	if broken {
		p.brokenLook++
	}
	p.mu.Unlock()
	if broken && !behind {
		cut(w, hard)
		return
	}
	p.under.wait(r.Context())
	answer, err := p.forward(r, body)
	switch {
	case err != nil:
		p.unreachable(w)
	case broken:
		cut(w, hard)
	default:
		answer.write(w)
	}
}

func (p *faultyProxy) servePost(w http.ResponseWriter, r *http.Request) {
	f, amount, way := p.draw()
	switch f {
	case cutBefore:
		cut(w, way == 0)
		return
	case cutWithin:
		_, _ = io.CopyN(io.Discard, r.Body, int64(amount*float64(r.ContentLength))) // less if the client leaves
		cut(w, way == 0)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has left
	}
	if f == reset {
		cut(w, true)
		return
	}
	end := p.under.begin(r.Context())
	delay := time.Duration(amount * float64(time.Second))
	if f == commitLater {
		p.late.Go(func() {
			defer end()
			p.commit(r, body, time.Second+3*delay)
		})
		cut(w, way == 0)
		return
	}
	defer end()
	switch f {
	case delayRequest:
		p.wait(delay)
	}
	answer, err := p.forward(r, body)
	if err != nil {
		p.unreachable(w)
		return
	}
	p.count(answer, body)
	switch f {
	case loseAnswer:
		lose(w, way)
		return
	case delayAnswer:
		p.wait(delay)
	}
	answer.write(w)
}

// draw says what becomes of the next POST, how much of it there is, from 0 to 1, and in which of three ways.
func (p *faultyProxy) draw() (f fault, amount float64, way int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.cards) == 0 {
		for _, f := range slices.Sorted(maps.Keys(deck)) {
			card := f
			if p.decks >= costlyDecks && slices.Contains(costly, f) {
				card = none
			}
			p.cards = append(p.cards, slices.Repeat([]fault{card}, deck[f])...)
		}
		p.posts.Shuffle(len(p.cards), func(i, j int) { p.cards[i], p.cards[j] = p.cards[j], p.cards[i] })
		p.decks++
	}
	f, p.cards = p.cards[0], p.cards[1:]
	p.met[f]++
	return f, p.posts.Float64(), p.posts.IntN(3)
}

// commit hands a request whose client was cut off to the server, after a delay.
func (p *faultyProxy) commit(r *http.Request, body []byte, delay time.Duration) {
	p.wait(delay)
	if answer, err := p.forward(r, body); err == nil {
		p.count(answer, body)
	}
}

// count notes what the server has stored.
func (p *faultyProxy) count(a answer, body []byte) {
	var logs []json.RawMessage
	if a.status != http.StatusCreated || json.Unmarshal(body, &logs) != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stored += len(logs); len(p.milestones) > 0 && p.stored >= p.milestones[0]; p.milestones = p.milestones[1:] {
		p.down = true
		p.passed <- struct{}{}
	}
}

func (p *faultyProxy) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ends.Done():
	}
}

// unreachable is what a client gets while the server is down: what a gateway says, or nothing.
func (p *faultyProxy) unreachable(w http.ResponseWriter) {
	p.mu.Lock()
	way := p.others.IntN(3)
	p.mu.Unlock()
	if way == 0 {
		http.Error(w, "no upstream", http.StatusBadGateway)
		return
	}
	cut(w, way == 1)
}

var errDown = errors.New("the server is being restarted")

// answer is one of the server's, read as a whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// forward hands a request to the server, which does not learn whether its client has left, as with a real one.
func (p *faultyProxy) forward(r *http.Request, body []byte) (a answer, err error) {
	p.mu.Lock()
	down := p.down
	p.mu.Unlock()
	if down {
		return a, errDown
	}
	out, err := http.NewRequestWithContext(p.ends, r.Method, p.upstream+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	out.Header = r.Header.Clone()
	began := time.Now()
	in, err := p.client.Do(out)
	if err != nil {
		return a, err
	}
	defer in.Body.Close()
	a.status, a.header = in.StatusCode, in.Header
	a.body, err = io.ReadAll(in.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slowest = max(p.slowest, time.Since(began))
	return a, err
}

func (a answer) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.Header().Del("Connection") // the server's is not the client's
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // it fails if the client has left
}

// lose ends the connection in place of an answer: in order, by a reset, or within the answer.
func lose(w http.ResponseWriter, way int) {
	conn := hijack(w)
	if conn == nil {
		return
	}
	if way == 2 {
		_, _ = conn.Write([]byte("HTTP/1.1 201 Crea"))
	}
	closeConn(conn, way == 1)
}

// cut ends the connection, by a reset if hard.
func cut(w http.ResponseWriter, hard bool) {
	if conn := hijack(w); conn != nil {
		closeConn(conn, hard)
	}
}

func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil // the connection is gone already
	}
	return conn
}

func closeConn(conn net.Conn, hard bool) {
	if tcp, ok := conn.(*net.TCPConn); ok && hard {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
