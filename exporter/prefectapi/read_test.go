// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// first is the log that records{message, ...} begins with.
func first(message string) prefectapi.Log {
	return prefectapi.Log{FlowRunID: flowRun, Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Name: "n", Level: 20, Message: message}
}

func TestCountLogsFindsWhatIsEqualInAllParts(t *testing.T) {
	for _, generation := range []prefecttest.Generation{prefecttest.Prefect38, prefecttest.Prefect220, prefecttest.Orion27} {
		t.Run(generation.String(), func(t *testing.T) {
			server := prefecttest.NewServer(t, prefecttest.WithGeneration(generation))
			client := newClient(t, server)
			const message = "hé \"\\ \n🎉"
			for range 2 {
				if err := client.PostLogs(t.Context(), records{message, "other"}); err != nil {
					t.Fatal(err)
				}
			}
			want := first(message)
			elsewhere, later, named, leveled, other := want, want, want, want, want
			elsewhere.FlowRunID = strings.ReplaceAll(flowRun, "1", "2")
			later.Timestamp = want.Timestamp.Add(time.Microsecond)
			named.Name = "N"
			leveled.Level = 30
			other.Message += " "
			for name, tt := range map[string]struct {
				log  prefectapi.Log
				want int
			}{
				"equal": {want, 2}, "another run": {elsewhere, 0}, "another microsecond": {later, 0},
				"another name": {named, 0}, "another level": {leveled, 0}, "another message": {other, 0},
			} {
				if got, err := client.CountLogs(t.Context(), tt.log); err != nil || got != tt.want {
					t.Errorf("%s: got %d, %v; want %d", name, got, err, tt.want)
				}
			}
		})
	}
}

func TestCountLogsReadsAllPages(t *testing.T) {
	server := prefecttest.NewServer(t)
	client := newClient(t, server)
	for i := range 450 { // three pages of one microsecond
		if err := client.PostLogs(t.Context(), records{[3]string{"a", "b", "c"}[i%3]}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := client.CountLogs(t.Context(), first("a")); err != nil || got != 150 {
		t.Errorf("got %d, %v; want 150", got, err)
	}
}

func TestReadingFailsAsWhatItIs(t *testing.T) {
	tests := []struct {
		name  string
		fault prefecttest.Fault
		kind  prefectapi.Kind
	}{
		{"no access", prefecttest.Status(401), prefectapi.KindAccess},
		{"not found", prefecttest.Status(404), prefectapi.KindAccess},
		{"refused", prefecttest.Status(422), prefectapi.KindRequest},
		{"busy", prefecttest.Status(503), prefectapi.KindBusy},
		{"a failure", prefecttest.Status(500), prefectapi.KindServer},
		{"cut before", prefecttest.CutBefore(), prefectapi.KindNetwork},
		{"cut without an answer", prefecttest.CutAfterCommit(), prefectapi.KindNetwork},
		{"cut within the answer", prefecttest.CutAnswer(1), prefectapi.KindNetwork},
		{"no list", prefecttest.Status(200).Body(`{"a":1}`), prefectapi.KindAccess},
		{"no logs", prefecttest.Status(200).Body(`[1]`), prefectapi.KindAccess},
		{"no JSON", prefecttest.Status(200).Body(`hello`), prefectapi.KindAccess},
		{"nothing", prefecttest.Status(200).Body(``), prefectapi.KindAccess},
		{"a list that does not end", prefecttest.Status(200).Body(`[`), prefectapi.KindAccess},
		{"a page for people", prefecttest.Status(200).Header("Content-Type", "text/html").Body(`[]`), prefectapi.KindAccess},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := prefecttest.NewServer(t)
			client := newClient(t, server)
			server.FaultAlways(tt.fault.On("POST", "/logs/filter"))
			if got := answerOf(t, client.Check(t.Context())); got.Kind != tt.kind || got.Ambiguous {
				t.Errorf("Check: got %+v", got)
			}
			_, err := client.CountLogs(t.Context(), first("a"))
			if got := answerOf(t, err); got.Kind != tt.kind || got.Ambiguous {
				t.Errorf("CountLogs: got %+v", got)
			}
		})
	}
}

func TestCheckOfAWellServer(t *testing.T) {
	server := prefecttest.NewServer(t)
	client := newClient(t, server)
	for range 2 { // without a log and with one
		if err := client.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFindLogsReadsRunsAndTimes(t *testing.T) {
	server := prefecttest.NewServer(t)
	client := newClient(t, server)
	for range 250 { // more than a page
		if err := client.PostLogs(t.Context(), records{"a", "b"}); err != nil {
			t.Fatal(err)
		}
	}
	at := first("a")
	find := func(run string, from, to time.Time) (n int, all bool) {
		t.Helper()
		all, err := client.FindLogs(t.Context(), []string{strings.ReplaceAll(flowRun, "1", "2"), run}, from, to, func(log prefectapi.Log) {
			if n++; log.FlowRunID != run || log.Timestamp.Before(from) || log.Timestamp.After(to) || log.Name != "n" || log.Level != 20 {
				t.Errorf("found %+v", log)
			}
		})
		if err != nil {
			t.Error(err)
		}
		return n, all
	}
	if n, all := find(flowRun, at.Timestamp, at.Timestamp.Add(time.Second)); n != 500 || !all {
		t.Errorf("%d of the run, %v", n, all)
	}
	if n, all := find(flowRun, at.Timestamp.Add(time.Second), at.Timestamp.Add(2*time.Second)); n != 0 || !all {
		t.Errorf("%d later, %v", n, all)
	}
	server.FaultAlways(prefecttest.Status(503).On("POST", "/logs/filter"))
	if _, err := client.FindLogs(t.Context(), []string{flowRun}, at.Timestamp, at.Timestamp, func(prefectapi.Log) {}); err == nil {
		t.Error("no error of a server that is busy")
	}
}

func TestFindLogsSaysWhereThereAreMore(t *testing.T) {
	server := prefecttest.NewServer(t)
	client := newClient(t, server)
	many := make(records, 1000)
	for range 5 {
		if err := client.PostLogs(t.Context(), many); err != nil {
			t.Fatal(err)
		}
	}
	at := first("").Timestamp
	if all, err := client.FindLogs(t.Context(), []string{flowRun}, at, at.Add(time.Minute), func(prefectapi.Log) {}); all || err != nil {
		t.Errorf("%v, %v", all, err)
	}
}
