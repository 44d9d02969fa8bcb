// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/internal/own"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

const timeout = 10 * time.Second

func TestExchangesWithoutAnAnswer(t *testing.T) {
	large := records{strings.Repeat("x", 256<<10)}
	tests := []struct {
		name      string
		prepare   func(*prefecttest.Server)
		ambiguous bool
		stored    int // at once
	}{
		{"refused", func(s *prefecttest.Server) { s.Close() }, false, 0},
		{"cut before the body", func(s *prefecttest.Server) { s.Fault(prefecttest.CutBefore()) }, true, 0},
		{"cut within the body", func(s *prefecttest.Server) { s.Fault(prefecttest.CutDuring(1000)) }, true, 0},
		{"cut behind the commit", func(s *prefecttest.Server) { s.Fault(prefecttest.CutAfterCommit()) }, true, 1},
		{"cut before the commit", func(s *prefecttest.Server) { s.Fault(prefecttest.CommitLater(time.Minute)) }, true, 0},
		{"no answer in time", func(s *prefecttest.Server) { s.Fault(prefecttest.Hang()) }, true, 0},
		{"no answer in time, but stored", func(s *prefecttest.Server) { s.Fault(prefecttest.Hang().Stored()) }, true, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := prefecttest.NewServer(t)
				client := newClient(t, server, func(c *prefectapi.Config) { c.Timeout = timeout })
				tt.prepare(server)
				start := time.Now()
				got := answerOf(t, client.PostLogs(t.Context(), large))
				if got.Kind != prefectapi.KindNetwork || got.Status != 0 || got.Ambiguous != tt.ambiguous {
					t.Errorf("got %+v, want ambiguous %v", got, tt.ambiguous)
				}
				if n := len(server.Logs()); n != tt.stored {
					t.Errorf("%d logs are stored, want %d", n, tt.stored)
				}
				if took := time.Since(start); took > timeout {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestNamesThatDoNotResolveAreNotAmbiguous(t *testing.T) {
	server := prefecttest.NewServer(t)
	client := newClient(t, server, func(c *prefectapi.Config) { c.APIURL = "http://elsewhere.test/api" })
	err := client.PostLogs(t.Context(), records{"a"})
	if got := answerOf(t, err); got.Kind != prefectapi.KindNetwork || got.Ambiguous {
		t.Errorf("got %+v", got)
	}
	if _, ok := errors.AsType[*net.DNSError](err); !ok || !strings.Contains(err.Error(), "no such host") {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestStatusIsTheAnswerEvenIfItsBodyBreaksOff(t *testing.T) {
	server := prefecttest.NewServer(t)
	server.Fault(prefecttest.CutAnswer(1))
	if err := newClient(t, server).PostLogs(t.Context(), records{"a"}); err != nil {
		t.Errorf("got %v: 201 was answered", err)
	}
}

func TestTimeoutSaysWhichAndWhoseItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		client := newClient(t, server, func(c *prefectapi.Config) { c.Timeout = timeout })
		server.FaultAlways(prefecttest.Hang())

		err := client.PostLogs(t.Context(), records{"a"})
		if err == nil || !strings.Contains(err.Error(), "no answer within 10s") {
			t.Errorf("got %v", err)
		}

		mine := errors.New("the caller's own reason")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, mine)
		defer cancel()
		start := time.Now()
		if err := client.PostLogs(ctx, records{"a"}); !errors.Is(err, mine) || !strings.Contains(err.Error(), mine.Error()) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestDefaultTimeoutIsPrefectsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		server.Fault(prefecttest.Hang())
		start := time.Now()
		if err := newClient(t, server).PostLogs(t.Context(), records{"a"}); err == nil {
			t.Error("no error")
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %v", took)
		}
	})
	if _, err := prefectapi.New(prefectapi.Config{APIURL: "http://prefect.test/api", Timeout: -1}); err == nil {
		t.Error("a negative timeout is taken")
	}
}

func TestConnectionsAreUsedAgainWhileTheServerKeepsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		dials := 0
		transport, err := prefectapi.NewTransport(prefectapi.Connection{})
		if err != nil {
			t.Fatal(err)
		}
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials++
			return server.DialContext(ctx, network, addr)
		}
		client := newClient(t, server, func(c *prefectapi.Config) { c.Transport = transport })
		post := func() {
			t.Helper()
			if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
				t.Error(err)
			}
		}
		post()
		server.Fault(prefecttest.Status(400), prefecttest.Refuse(0))
		for range 2 {
			_ = client.PostLogs(t.Context(), records{"a"}) // a refusal, whose short answer is read to its end
		}
		time.Sleep(3900 * time.Millisecond)
		post()
		if dials != 1 {
			t.Errorf("%d connections within 4 s, want 1", dials)
		}
		// The server closes after 5 s; the client must not be caught by that.
		for _, idle := range []time.Duration{4001 * time.Millisecond, 4999 * time.Millisecond, 5 * time.Second, time.Minute} {
			before := dials
			time.Sleep(idle)
			post()
			if dials != before+1 {
				t.Errorf("after %v idle %d connections were made, want 1", idle, dials-before)
			}
		}
	})
}

// Behind a 5xx Prefect's server closes the connection without a word.
func TestConnectionOfAFailureIsNotUsedAgain(t *testing.T) {
	for _, status := range []int{500, 503} {
		server := prefecttest.NewServer(t)
		transport := server.Transport()
		dials := 0
		transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials++
			return server.DialContext(ctx, network, addr)
		}
		// A transport within another one, whose idle connections nobody can close.
		client := newClient(t, server, func(c *prefectapi.Config) { c.Transport = countingTransport{transport, new(int64)} })
		t.Cleanup(transport.CloseIdleConnections)
		server.Fault(prefecttest.Status(status).Body(`{"exception_message":"Service Unavailable"}`))
		if err := client.PostLogs(t.Context(), records{"a"}); err == nil {
			t.Fatal("no error")
		}
		if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
			t.Error(err)
		}
		if dials != 2 {
			t.Errorf("%d: %d connections, want 2", status, dials)
		}
	}
}

// In a bubble, where a connection is used again however long net/http takes to see that its request was written.
func TestReadingIsRepeatedOnADeadConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		client := newClient(t, server)
		if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
			t.Fatal(err)
		}
		server.Fault(prefecttest.CutBefore().On("POST", "/logs/filter"))
		if n, err := client.CountLogs(t.Context(), first("a")); err != nil || n != 1 {
			t.Errorf("got %d, %v", n, err)
		}
		for _, r := range server.Requests() {
			if _, sent := r.Header["Idempotency-Key"]; sent {
				t.Error("the mark for the transport is sent")
			}
		}
	})
}

func TestRequestsCarryTheMarkOfOurOwnWork(t *testing.T) {
	server := prefecttest.NewServer(t)
	transport := server.Transport()
	marked := false
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		marked = own.Is(ctx)
		return dial(ctx, network, addr)
	}
	client := newClient(t, server, func(c *prefectapi.Config) { c.Transport = transport })
	if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
		t.Fatal(err)
	}
	if !marked {
		t.Error("what logs while it connects would be logged into Prefect")
	}
}

// early answers before it reads the body, which it may close later.
type early struct{ body io.ReadCloser }

func (e *early) RoundTrip(r *http.Request) (*http.Response, error) {
	e.body = r.Body
	if _, err := io.ReadFull(r.Body, make([]byte, 3)); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusCreated, Body: http.NoBody, Request: r}, nil
}

func TestNothingOfABodyIsReadBehindTheAnswer(t *testing.T) {
	transport := new(early)
	client, err := prefectapi.New(prefectapi.Config{APIURL: "http://prefect.test/api", Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.PostLogs(t.Context(), records{"one", "two"}); err != nil {
		t.Fatal(err)
	}
	if n, err := transport.body.Read(make([]byte, 10)); n != 0 || err != io.EOF {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if err := transport.body.Close(); err != nil {
		t.Error(err)
	}
}
