// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// What becomes of a connection, and of a request whose client is gone. Played servers do it in the time of a bubble,
// real ones in real time.

// keepAlive is how long a server keeps an idle connection: at least. What ends earlier does not end for being idle.
const keepAlive = 5 * time.Second

// patience is for a real server that others have busy: it only ends a test that hangs.
const patience = 5 * time.Minute

func TestContractIdleConnectionsEnd(t *testing.T) {
	idle := func(t *testing.T, s subject) time.Duration {
		t.Helper()
		c := s.connect(t)
		begin := time.Now() // the server begins to wait later, once it has answered
		c.request(t, "GET", "/health", "")
		if status, _ := c.answer(t); status != 200 {
			t.Fatalf("health: %d", status)
		}
		if err := c.SetReadDeadline(begin.Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.r.ReadByte(); !errors.Is(err, io.EOF) {
			t.Fatalf("the idle connection: %v, want its end", err)
		}
		return time.Since(begin)
	}
	for _, row := range servers.Matrix() {
		t.Run("played/"+row.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := idle(t, played(t, row)); got != keepAlive {
					t.Errorf("ended after %v, want %v", got, keepAlive)
				}
			})
		})
	}
	t.Run("real", func(t *testing.T) {
		serverstest.Each(t, func(t *testing.T, s *servers.Server) {
			t.Parallel()
			if got := idle(t, real(s)); got < keepAlive-50*time.Millisecond { // a busy machine is late, but not early
				t.Errorf("ended after %v, want %v", got, keepAlive)
			}
		})
	})
}

func TestContractConnectionAfterAnAnswer(t *testing.T) {
	for _, tt := range []struct {
		name, path, body string
		status           by
		kept             bool
	}{
		{"records stored", "/logs/", `[]`, by{"": "201"}, true},
		{"records refused", "/logs/", `[1]`, by{"": "422"}, true},
		{"a body refused", "/logs/", "\xff", by{"": "400"}, true},
		{"a path unknown", "/nope", "", by{"": "404"}, true},
		{"an exception, and no header says so", "/logs/", `[{"\ud800":1}]`, by{"": "500"}, false},
		{
			"an exception of the database", "/logs/", `[{"name":"n","level":9223372036854775808,"message":"m","timestamp":"2026-01-02T03:04:05Z","flow_run_id":"` + newID() + `"}]`,
			by{"": "500", "postgresql": "503", "2.7-postgresql": "500"}, false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contract(t, func(t *testing.T, s subject) {
				for attempt := 1; ; attempt++ {
					ended, took := endOf(t, s, tt.path, tt.body, tt.status.of(s), tt.kept)
					if ended && took >= keepAlive && attempt < 10 {
						continue // it may have ended for being idle, on a machine that is busy: that says nothing
					}
					if ended == tt.kept || ended && took >= keepAlive {
						t.Errorf("the connection has ended after %v: %t, want it kept: %t", took, ended, tt.kept)
					}
					return
				}
			})
		})
	}
}

// endOf posts on a connection of its own, wants a status, and tells whether the connection ended then and how long all of
// that took. Where it is to be kept, it carries one more request; else its end is waited for.
func endOf(t *testing.T, s subject, path, body, want string, kept bool) (ended bool, took time.Duration) {
	t.Helper()
	c := s.connect(t)
	began := time.Now()
	if err := c.SetDeadline(began.Add(patience)); err != nil {
		t.Fatal(err)
	}
	c.request(t, "POST", path, body)
	status, header := c.answer(t)
	if fmt.Sprint(status) != want {
		t.Errorf("status %d, want %s", status, want)
	}
	if got := header.Get("Connection"); got != "" {
		t.Errorf("the answer says Connection: %s", got)
	}
	if kept {
		// If the connection has ended, this fails, or its answer does not come.
		_, _ = io.WriteString(c, "GET /api/health HTTP/1.1\r\nHost: prefect.test\r\n\r\n")
	}
	_, err := c.r.Peek(1)
	took = time.Since(began)
	if err == nil && kept {
		if status, _ := c.answer(t); status != 200 {
			t.Errorf("the next request on the connection: %d", status)
		}
		return false, took
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("the connection: %v, want its end", err)
	}
	return true, took
}

func TestContractCommitsAfterTheClientLeft(t *testing.T) {
	const n = 500
	leave := func(t *testing.T, s subject, run string) {
		t.Helper()
		c := s.connect(t)
		c.request(t, "POST", "/logs/", records(run, n))
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("played", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := played(t, servers.Prefect38SQLite, prefecttest.WithLatency(3*time.Second))
			leave(t, s, newID())
			time.Sleep(3*time.Second - 1)
			if n := len(s.played.Logs()); n != 0 {
				t.Errorf("%d stored early", n)
			}
			time.Sleep(1)
			synctest.Wait()
			if got := len(s.played.Logs()); got != n {
				t.Errorf("%d stored, want %d", got, n)
			}
		})
	})
	t.Run("real", func(t *testing.T) {
		serverstest.Each(t, func(t *testing.T, server *servers.Server) {
			s := real(server)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var runs []string
			for polls := 0; ; polls++ { // a real server cannot be waited for otherwise
				if polls%500 == 0 { // again now and then: a request that SQLite was too busy for is gone with its client
					runs = append(runs, newID())
					leave(t, s, runs[len(runs)-1])
				}
				for _, run := range runs {
					got, err := s.api().CountLogs(ctx, prefecttest.Filter{FlowRunID: run})
					if err != nil {
						t.Fatal(err)
					}
					if got == n {
						return
					}
					if got != 0 {
						t.Fatalf("%d of %d stored: not one transaction", got, n)
					}
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	})
}

func TestContractHalfABodyStoresNothing(t *testing.T) {
	contract(t, func(t *testing.T, s subject) {
		run := newID()
		body := records(run, 3)
		c := s.connect(t)
		head := fmt.Sprintf("POST /api/logs/ HTTP/1.1\r\nHost: prefect.test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body))
		if _, err := io.WriteString(c, head+body[:len(body)-1]); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		// A later request by the same route is done when the first is.
		s.send(t, "POST", "/logs/", one(), nil)
		if n := len(s.stored(t, run)); n != 0 {
			t.Errorf("%d stored", n)
		}
	})
}

func TestContractChunkedBody(t *testing.T) {
	post := func(t *testing.T, s subject, contentType string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/logs/", io.MultiReader(strings.NewReader("[]")))
		if err != nil {
			t.Fatal(err)
		}
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		answer, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.StatusCode
	}
	contract(t, func(t *testing.T, s subject) {
		if got := post(t, s, "application/json"); got != 201 {
			t.Errorf("a chunked body: %d", got)
		}
		// Prefect 3 takes a body for JSON if it has a length.
		if got, want := fmt.Sprint(post(t, s, "")), (by{"": "422", "2": "201"}).of(s); got != want {
			t.Errorf("a chunked body without a type: %s, want %s", got, want)
		}
	})
}
