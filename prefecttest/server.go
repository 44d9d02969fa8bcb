// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// TB is what [NewServer] needs of a test; *testing.T, *testing.B and *testing.F have it.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// idleTimeout is how long uvicorn, in which Prefect runs, keeps an idle connection.
const idleTimeout = 5 * time.Second

// Server is an in-memory Prefect API. All methods may be called concurrently.
type Server struct {
	config
	http     *http.Server
	listener net.Listener
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	url      string
	client   *http.Client
	life     context.Context // ends with Close
	close    func()

	mu       sync.Mutex // guards what follows
	closing  bool
	working  sync.WaitGroup // requests and late commits; Add only under mu while not closing
	requests []*Request
	queued   []Fault
	always   []Fault
	store    store
	runs     runs
	tokens   csrfTokens
	window   rateWindow
}

// Request is one request as it came in, and what was answered.
type Request struct {
	Method  string
	Path    string // with the /api
	Query   string
	Header  http.Header
	Length  int64     // bytes of body that were read
	Body    []byte    // of POST /logs/ only, as far as it was read
	Status  int       // answered, 0 while there is no answer and when there never is one
	Arrived time.Time // when the header was read
}

// NewServer starts a server for a test and closes it when the test ends. Inside a testing/synctest bubble it must be
// made inside the bubble. A wrong option ends the test.
func NewServer(tb TB, opts ...Option) *Server {
	tb.Helper()
	s, err := Start(opts...)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	tb.Cleanup(s.Close)
	return s
}

// Start starts a server for a program, which must close it. Without [WithLoopback] only clients of this process that
// use [Server.Client], [Server.Transport] or [Server.DialContext] reach it. The error says which option is wrong, or
// why nothing can listen on loopback.
func Start(opts ...Option) (*Server, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	s := &Server{config: c, life: life}
	if c.loopback {
		s.listener, err = net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			end()
			return nil, fmt.Errorf("prefecttest: %w", err)
		}
		s.dial = new(net.Dialer).DialContext
		s.url = "http://" + s.listener.Addr().String() + "/api"
	} else {
		l := newMemoryListener(cmp.Or(c.host, defaultHost))
		s.listener, s.dial = l, l.dial
		s.url = "http://" + l.host + "/api"
	}
	s.store.init(c)
	s.http = &http.Server{
		Handler:     http.HandlerFunc(s.serve),
		IdleTimeout: idleTimeout,
		ErrorLog:    log.New(io.Discard, "", 0), // a client that leaves is no news here
	}
	s.client = &http.Client{Transport: s.Transport()}
	var serving sync.WaitGroup
	serving.Go(func() {
		_ = s.http.Serve(s.listener) // which always ends with an error, here that of Close
		_ = s.listener.Close()
	})
	s.close = sync.OnceFunc(func() {
		s.mu.Lock()
		s.closing = true
		s.mu.Unlock()
		end()
		_ = s.http.Close() // an error here is of a connection that is gone already
		serving.Wait()
		s.working.Wait()
		s.client.CloseIdleConnections()
	})
	return s, nil
}

// Close ends the server: connections are cut, requests in progress and commits still due are given up, and nothing of
// it runs on. What was stored can still be read with [Server.Logs].
func (s *Server) Close() { s.close() }

// URL is the address of the API, ".../api", as PREFECT_API_URL wants it.
func (s *Server) URL() string { return s.url }

// Client returns an HTTP client that reaches the server. It sends no credentials; see [Server.API].
func (s *Server) Client() *http.Client { return s.client }

// Transport returns a new transport that reaches the server, for clients that configure their own.
func (s *Server) Transport() *http.Transport {
	return &http.Transport{DialContext: s.DialContext}
}

// DialContext opens a connection to the server. In memory, any other address is a host that does not resolve.
func (s *Server) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return s.dial(ctx, network, addr)
}

// API returns a client of the server that has its credentials.
func (s *Server) API() *Client {
	c := &Client{URL: s.url, HTTP: s.client}
	if s.authorization != "" {
		c.Header = http.Header{"Authorization": {s.authorization}}
	}
	return c
}

// Logs returns a copy of everything stored, in the order of storing.
func (s *Server) Logs() []Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.logs()
}

// Requests returns a copy of all requests, in the order of their arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Request, len(s.requests))
	for i, r := range s.requests {
		all[i] = *r
		all[i].Header = r.Header.Clone()
		all[i].Body = slices.Clone(r.Body)
	}
	return all
}

// Reset forgets all logs, requests, runs, faults and tokens, and what [CommitLater] has still to store. Options and
// connections stay.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.queued, s.always = nil, nil, nil
	s.store.reset()
	s.runs, s.tokens, s.window = runs{}, csrfTokens{}, rateWindow{}
}

// begin reports whether a piece of work may start. It must end with s.working.Done.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.working.Add(1)
	return true
}

// wait lets d pass, unless the server is closed first, which it reports as false.
func (s *Server) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.life.Done():
		return false
	}
}
