// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

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

	"github.com/prefectlogs/prefectlogs/prefecttest"
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

func TestTheClientAsksAgainOnlyWhereNothingIsStored(t *testing.T) {
	tests := []struct {
		name     string
		statuses []int
		asked    int
		after    time.Duration
		want     int // status of the error; 0: none
	}{
		{"success is asked for once", []int{201}, 1, 0, 0},
		{"503 is asked for again", []int{503, 503, 201}, 3, 300 * time.Millisecond, 0},
		{"503 is given up in the end", []int{503}, 9, 25500 * time.Millisecond, 503},
		{"500 may have stored something", []int{500, 201}, 1, 0, 500},
		{"a refusal stays one", []int{422, 201}, 1, 0, 422},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, server := time.Now(), &answers{statuses: test.statuses}
				api := &prefecttest.Client{URL: "http://prefect.test/api", HTTP: &http.Client{Transport: server}}
				var said string
				err := api.Do(t.Context(), "POST", "/flows/", map[string]any{}, &said)
				if server.asked != test.asked || time.Since(began) != test.after {
					t.Errorf("asked %d times in %v, want %d in %v", server.asked, time.Since(began), test.asked, test.after)
				}
				status, _ := errors.AsType[*prefecttest.StatusError](err)
				if (err != nil) != (test.want != 0) || err != nil && (status == nil || status.Status != test.want) || err == nil && said != "said" {
					t.Errorf("%v and %q, want status %d", err, said, test.want)
				}
			})
		})
	}
}

func TestTheClientSendsRawJSONAsItIs(t *testing.T) {
	s := prefecttest.NewServer(t)
	body := json.RawMessage("[ {\"name\":\"<&>\", \"level\":20,\"message\":\"\u2028\",\"timestamp\":\"" + stamp + "\"}]\n")
	if err := s.API().Do(t.Context(), http.MethodPost, "/logs/", body, nil); err != nil {
		t.Fatal(err)
	}
	if got := s.Requests()[0].Body; string(got) != string(body) {
		t.Errorf("sent %s, want %s", got, body)
	}
}

// pages is a server without sockets that has logs, and orders those of one time otherwise where a page ends at the 400th. Whenever
// it is asked, one more log is stored ahead of all.
type pages struct {
	logs       []prefecttest.Log
	overlapped bool // all pages but the first begin at the other end
}

func (p *pages) RoundTrip(r *http.Request) (*http.Response, error) {
	var in struct {
		Logs struct {
			Timestamp struct {
				After  time.Time  `json:"after_"`
				Before *time.Time `json:"before_"`
			}
		}
		Limit, Offset int
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	p.logs = append(p.logs, prefecttest.Log{ID: fmt.Sprint(len(p.logs)), Message: "meanwhile"})
	found := slices.DeleteFunc(slices.Clone(p.logs), func(l prefecttest.Log) bool {
		return l.Timestamp.Before(in.Logs.Timestamp.After) || in.Logs.Timestamp.Before != nil && l.Timestamp.After(*in.Logs.Timestamp.Before)
	})
	if in.Offset+in.Limit == 400 || p.overlapped && in.Offset > 0 {
		slices.Reverse(found)
	}
	slices.SortStableFunc(found, func(a, b prefecttest.Log) int { return a.Timestamp.Compare(b.Timestamp) })
	found = found[min(in.Offset, len(found)):]
	body, err := json.Marshal(found[:min(in.Limit, len(found))])
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}, err
}

func TestTheClientReadsEachLogOnceWhateverTheOrderOfThoseOfOneTime(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name string
		at   func(i int) int // microseconds
	}{
		{"all of a time of their own", func(i int) int { return i }},
		{"a hundred of one time, on two pages", func(i int) int { return i - min(max(i-150, 0), 100) }},
		{"each time twice", func(i int) int { return (i + 1) / 2 }},
		{"more of one time than a page holds", func(i int) int { return i - min(max(i-150, 0), 500) }},
		{"all of one time", func(int) int { return 0 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			const n = 1000
			server := &pages{}
			for i := range n {
				server.logs = append(server.logs, prefecttest.Log{ID: fmt.Sprint(i), Timestamp: began.Add(time.Duration(test.at(i)) * time.Microsecond)})
			}
			api := &prefecttest.Client{URL: "http://prefect.test/api", HTTP: &http.Client{Transport: server}}
			got, err := api.Logs(t.Context(), prefecttest.Filter{FlowRunID: "run"})
			if err != nil {
				t.Fatal(err)
			}
			got = slices.DeleteFunc(got, func(l prefecttest.Log) bool { return l.Message == "meanwhile" })
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

func TestTheClientSaysThatPagesOverlap(t *testing.T) {
	server := &pages{overlapped: true}
	for i := range 300 {
		server.logs = append(server.logs, prefecttest.Log{ID: fmt.Sprint(i), Timestamp: time.Unix(0, 0)})
	}
	api := &prefecttest.Client{URL: "http://prefect.test/api", HTTP: &http.Client{Transport: server}}
	logs, err := api.Logs(t.Context(), prefecttest.Filter{})
	if err == nil || !strings.Contains(err.Error(), "overlapped") {
		t.Errorf("%d logs, %v", len(logs), err)
	}
}
