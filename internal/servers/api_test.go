// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answers is a server without sockets: one status an exchange, the last one for ever.
type answers struct {
	statuses []int
	asked    int
}

func (a *answers) RoundTrip(*http.Request) (*http.Response, error) {
	status := a.statuses[min(a.asked, len(a.statuses)-1)]
	a.asked++
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(`"said"`))}, nil
}

func TestCallAsksAgainOnlyWhereNothingIsStored(t *testing.T) {
	tests := []struct {
		name     string
		statuses []int
		asked    int
		err      int // 0: none
	}{
		{"success is asked for once", []int{201}, 1, 0},
		{"503 is asked for again", []int{503, 503, 201}, 3, 0},
		{"503 is given up in the end", []int{503}, 9, 503},
		{"500 may have stored something", []int{500, 201}, 1, 500},
		{"a refusal stays one", []int{422, 201}, 1, 422},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, server := time.Now(), &answers{statuses: test.statuses}
				s := &Server{caller: &caller{url: "http://prefect.test/api", client: &http.Client{Transport: server}}}
				var said string
				err := s.Call(t.Context(), "POST", "/flows/", map[string]any{}, &said)
				if server.asked != test.asked {
					t.Errorf("asked %d times, want %d", server.asked, test.asked)
				}
				if status, ok := errors.AsType[*StatusError](err); ok != (test.err != 0) || ok && status.Status != test.err {
					t.Errorf("got error %v, want status %d", err, test.err)
				}
				if err == nil && said != "said" {
					t.Errorf("the answer is %q", said)
				}
				if took := time.Since(began); took > 30*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// pages is a server without sockets that has logs, and puts those of one time in another order each time it is asked.
type pages struct {
	logs  []Log // by time
	asked int
}

func (p *pages) RoundTrip(r *http.Request) (*http.Response, error) {
	var in struct {
		Logs struct {
			Timestamp struct {
				After time.Time `json:"after_"`
			}
		}
		Limit, Offset int
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	if p.asked++; p.asked%2 == 0 {
		slices.Reverse(p.logs)
	}
	slices.SortStableFunc(p.logs, func(a, b Log) int { return a.Timestamp.Compare(b.Timestamp) })
	from := slices.IndexFunc(p.logs, func(l Log) bool { return !l.Timestamp.Before(in.Logs.Timestamp.After) })
	found := p.logs[min(from+in.Offset, len(p.logs)):]
	body, err := json.Marshal(found[:min(in.Limit, len(found))])
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}, err
}

func TestLogsGivesEachLogOnceWhateverTheOrderOfThoseOfOneTime(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name string
		at   func(i int) time.Duration
	}{
		{"all of a time of their own", func(i int) time.Duration { return time.Duration(i) * time.Microsecond }},
		{"a hundred of one time, on two pages", func(i int) time.Duration { return time.Duration(i-min(max(i-150, 0), 100)) * time.Microsecond }},
		{"each time twice", func(i int) time.Duration { return time.Duration((i+1)/2) * time.Microsecond }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			const n = 500
			server := &pages{}
			for i := range n {
				server.logs = append(server.logs, Log{ID: fmt.Sprint(i), Timestamp: began.Add(test.at(i))})
			}
			s := &Server{caller: &caller{url: "http://prefect.test/api", client: &http.Client{Transport: server}}}
			got, err := s.Logs(t.Context(), "run")
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for i, log := range got {
				seen[log.ID] = true
				if i > 0 && log.Timestamp.Before(got[i-1].Timestamp) {
					t.Errorf("log %s of %v stands behind one of %v", log.ID, log.Timestamp, got[i-1].Timestamp)
				}
			}
			if len(got) != n || len(seen) != n {
				t.Errorf("%d logs, %d of them different, want %d", len(got), len(seen), n)
			}
		})
	}
}
