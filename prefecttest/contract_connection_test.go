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
	"testing"
	"testing/synctest"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// What becomes of a connection, and of a request whose client is gone. Played servers do it in the time of a bubble,
// real ones in real time.

func TestContractIdleConnectionsEnd(t *testing.T) {
	idle := func(t *testing.T, s subject) time.Duration {
		t.Helper()
		c := s.connect(t)
		c.request(t, "GET", "/health", "")
		if status, _ := c.answer(t); status != 200 {
			t.Fatalf("health: %d", status)
		}
		begin := time.Now()
		if err := c.SetReadDeadline(begin.Add(time.Minute)); err != nil {
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
				if got := idle(t, played(t, row)); got != 5*time.Second {
					t.Errorf("ended after %v, want 5s", got)
				}
			})
		})
	}
	t.Run("real", func(t *testing.T) {
		serverstest.Each(t, func(t *testing.T, s *servers.Server) {
			t.Parallel()
			if got := idle(t, real(s)); got < 4500*time.Millisecond || got > 15*time.Second { // busy machines are late
				t.Errorf("ended after %v, want about 5s", got)
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
				c := s.connect(t)
				c.request(t, "POST", tt.path, tt.body)
				status, header := c.answer(t)
				if want := tt.status.of(s); fmt.Sprint(status) != want {
					t.Errorf("status %d, want %s", status, want)
				}
				if got := header.Get("Connection"); got != "" {
					t.Errorf("the answer says Connection: %s", got)
				}
				if err := c.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
					t.Fatal(err)
				}
				if tt.kept {
					c.request(t, "GET", "/health", "")
					if status, _ := c.answer(t); status != 200 {
						t.Errorf("the next request on the connection: %d", status)
					}
				} else if _, err := c.r.ReadByte(); !errors.Is(err, io.EOF) {
					t.Errorf("the connection: %v, want its end", err)
				}
			})
		})
	}
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
			run := newID()
			leave(t, s, run)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for { // a real server cannot be waited for otherwise
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
