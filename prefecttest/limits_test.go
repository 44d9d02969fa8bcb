// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// Limits of a proxy and of Prefect Cloud, and what only a played server can show.

func TestRateLimitCountsRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := played(t, servers.Prefect38SQLite, prefecttest.WithRateLimit(10))
		for i, tt := range []struct {
			after   time.Duration
			records int
			want    int
			retry   string
		}{
			{0, 6, 201, ""},
			{20 * time.Second, 5, 429, "40"},
			{0, 4, 201, ""},
			{39500 * time.Millisecond, 1, 429, "1"},
			{500 * time.Millisecond, 50, 201, ""}, // the first of its minute, though over the limit
			{time.Minute, 10, 201, ""},
		} {
			time.Sleep(tt.after)
			got := s.send(t, "POST", "/logs/", records(newID(), tt.records), nil)
			if got.status != tt.want || got.header.Get("Retry-After") != tt.retry {
				t.Errorf("request %d: %d, Retry-After %q; want %d, %q", i, got.status, got.header.Get("Retry-After"), tt.want, tt.retry)
			}
		}
	})
}

// In a bubble, where a minute does not pass, nor the half second in which an answer that comes before the whole body is read.
func TestCloudLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := played(t, servers.Prefect38SQLite, prefecttest.WithCloudLimits(), prefecttest.WithAPIKey("k"))
		post := func(body io.Reader, key string) int {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/logs/", body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+key)
			answer, err := s.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			return answer.StatusCode
		}
		padded := func(n int) string { return "[" + strings.Repeat(" ", n-2) + "]" }
		for _, tt := range []struct {
			name string
			body io.Reader
			key  string
			want int
		}{
			{"5 MiB", strings.NewReader(padded(5 << 20)), "k", 201},
			{"a byte more", strings.NewReader(padded(5<<20 + 1)), "k", 413},
			{"no length", io.MultiReader(strings.NewReader("[]")), "k", 411},
			{"a wrong key", strings.NewReader("[]"), "x", 401},
			{"2,000 records", strings.NewReader(records(newID(), 2000)), "k", 201},
			{"one record more", strings.NewReader(records(newID(), 1)), "k", 429},
		} {
			if got := post(tt.body, tt.key); got != tt.want {
				t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
			}
		}
		time.Sleep(time.Second) // until net/http has closed the connection of a body that was not read
	})
}

func TestMaxBody(t *testing.T) {
	s := played(t, servers.Prefect38SQLite, prefecttest.WithMaxBody(10))
	for body, want := range map[string]int{"[        ]": 201, "[         ]": 413} {
		if got := s.send(t, "POST", "/logs/", body, nil); got.status != want {
			t.Errorf("%d bytes: %d, want %d", len(body), got.status, want)
		}
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/logs/", io.MultiReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%d bytes without a length: %d, want %d", len(body), answer.StatusCode, want)
		}
	}
}

func TestCSRFTokenExpires(t *testing.T) {
	for _, row := range []servers.Row{{Version: servers.Prefect220, CSRF: true}, {Version: servers.Prefect38, CSRF: true}} {
		t.Run(row.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := played(t, row)
				token := s.token(t, "c")
				time.Sleep(time.Hour - 1)
				if got := s.send(t, "POST", "/logs/", "[]", token).status; got != 201 {
					t.Errorf("within the hour: %d", got)
				}
				time.Sleep(1)
				got := s.send(t, "POST", "/logs/", "[]", token).verdict(t)
				if want := `403 {"detail":"Invalid CSRF token or client identifier."}`; got != want {
					t.Errorf("after an hour: %s, want %s", got, want)
				}
			})
		})
	}
}

func TestTiesLoseTheirOrderOnPostgreSQL(t *testing.T) {
	for _, tt := range []struct {
		row     servers.Row
		n       int
		ordered bool
	}{
		{servers.Prefect38SQLite, 1000, true},
		{servers.Prefect38PostgreSQL, 150, true},
		{servers.Prefect38PostgreSQL, 1000, false},
	} {
		t.Run(fmt.Sprintf("%d on %s", tt.n, tt.row), func(t *testing.T) {
			s := played(t, tt.row)
			run := newID()
			tied := strings.Split(records(run, tt.n), "\n")
			for i := range tied {
				tied[i] = strings.Replace(tied[i], fmt.Sprintf("05.%06dZ", i), "05Z", 1)
			}
			s.send(t, "POST", "/logs/", strings.Join(tied, "\n"), nil)
			logs := s.stored(t, run)
			if ordered := slices.EqualFunc(logs, s.played.Logs(), func(a, b prefecttest.Log) bool { return a.ID == b.ID }); ordered != tt.ordered || len(logs) != tt.n {
				t.Errorf("%d logs, in the order of storing: %t, want %t", len(logs), ordered, tt.ordered)
			}
		})
	}
}
