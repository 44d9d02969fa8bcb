// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// runsServer answers questions for runs out of rows: flow runs, task runs under way, task runs that ended.
func runsServer(t *testing.T, flows, running, ended []string) (*prefectapi.Client, *[]string) {
	t.Helper()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var filter struct {
			TaskRuns *struct {
				State struct{ Type struct{ Any_ []string } }
			} `json:"task_runs"`
			Limit, Offset int
			Sort          string
		}
		if err := json.NewDecoder(r.Body).Decode(&filter); err != nil {
			t.Error(err)
		}
		rows := flows
		if filter.TaskRuns != nil {
			if rows = ended; filter.TaskRuns.State.Type.Any_[0] == "RUNNING" {
				rows = running
			}
		}
		asked = append(asked, fmt.Sprintf("%s %d %d %s", r.URL.Path, filter.Offset, filter.Limit, filter.Sort))
		rows = rows[min(filter.Offset, len(rows)):]
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "[%s]", strings.Join(rows[:min(filter.Limit, len(rows))], ","))
	}))
	t.Cleanup(server.Close)
	client, err := prefectapi.New(prefectapi.Config{APIURL: server.URL + "/api"})
	if err != nil {
		t.Fatal(err)
	}
	return client, &asked
}

func TestTracedRunsTellsEachRunThatCarriesItsTrace(t *testing.T) {
	client, asked := runsServer(t, []string{
		`{"id":"F","parent_task_run_id":null,"labels":{"__OTEL_TRACEPARENT":"1"},"parameters":{"big":[1]}}`,
		`{"id":"G","parent_task_run_id":"P","labels":{"__OTEL_TRACEPARENT":"2"}}`,
		`{"id":"without","labels":{"other":"x"}}`,
		`{"id":"old"}`,
		`{"id":"odd","labels":{"__OTEL_TRACEPARENT":7}}`,
	}, []string{
		`{"id":"A","flow_run_id":"F","labels":{"__OTEL_TRACEPARENT":"3"}}`,
		`{"id":"P","flow_run_id":"F","labels":{"__OTEL_TRACEPARENT":"1"}}`, // stands for G
		`{"id":"without","flow_run_id":"F","labels":{}}`,
	}, []string{
		`{"id":"B","flow_run_id":null,"labels":{"__OTEL_TRACEPARENT":"4"}}`,
	})
	var got []prefectapi.TracedRun
	all, err := client.TracedRuns(t.Context(), 1000, func(r prefectapi.TracedRun) { got = append(got, r) })
	if err != nil || !all {
		t.Fatal(all, err)
	}
	want := []prefectapi.TracedRun{
		{ID: "F", TraceParent: "1"}, {ID: "G", Sub: true, TraceParent: "2"},
		{ID: "A", TaskRun: true, FlowRunID: "F", TraceParent: "3"}, {ID: "B", TaskRun: true, TraceParent: "4"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	wantAsked := []string{
		"/api/flow_runs/filter 0 200 START_TIME_DESC", "/api/task_runs/filter 0 200 EXPECTED_START_TIME_DESC", "/api/task_runs/filter 0 200 END_TIME_DESC",
	}
	if diff := cmp.Diff(wantAsked, *asked); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTracedRunsReadsPagesUpToTheLimit(t *testing.T) {
	for limit, want := range map[int]struct {
		flows int
		all   bool
	}{1000: {450, true}, 450: {450, false}, 300: {300, false}, 200: {200, false}} {
		var rows []string
		for i := range 450 {
			rows = append(rows, fmt.Sprintf(`{"id":"%d","labels":{"__OTEL_TRACEPARENT":"%d"}}`, i, i))
		}
		client, _ := runsServer(t, rows, nil, nil)
		seen := map[string]bool{}
		all, err := client.TracedRuns(t.Context(), limit, func(r prefectapi.TracedRun) { seen[r.ID] = true })
		if err != nil || all != want.all || len(seen) != want.flows {
			t.Errorf("limit %d: %d runs, all: %v, %v", limit, len(seen), all, err)
		}
	}
}

func TestTracedRunsSaysWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		answer string
		kind   prefectapi.Kind
	}{
		"no access":           {401, `{"secret":1}`, prefectapi.KindAccess},
		"a failure":           {500, `secret`, prefectapi.KindServer},
		"no list":             {200, `{"secret":1}`, prefectapi.KindAccess},
		"a list of no runs":   {200, `["secret"]`, prefectapi.KindAccess},
		"a list that ends":    {200, `[{"id":"secret"}`, prefectapi.KindAccess},
		"an id that is a map": {200, `[{"id":{"secret":1}}]`, prefectapi.KindAccess},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(tt.status)
			fmt.Fprint(w, tt.answer)
		}))
		client, err := prefectapi.New(prefectapi.Config{APIURL: server.URL + "/api"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.TracedRuns(t.Context(), 10, func(prefectapi.TracedRun) {})
		failed, ok := errors.AsType[*prefectapi.Error](err)
		if !ok || failed.Kind != tt.kind || failed.Ambiguous || !strings.Contains(err.Error(), "reading runs of ") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
}

// Every server takes the questions; those without labels have no run to tell of.
func TestTracedRunsOfEveryServer(t *testing.T) {
	serverstest.Each(t, func(t *testing.T, s *servers.Server) {
		client, err := prefectapi.New(prefectapi.Config{APIURL: s.APIURL(), AuthString: s.Row().AuthString})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		flow, err := s.NewFlowRun(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		parent := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		labels := s.API().Do(t.Context(), "PATCH", "/flow_runs/"+flow+"/labels", map[string]string{"__OTEL_TRACEPARENT": parent}, nil)
		has := labels == nil
		if has != strings.HasPrefix(s.Version(), "3.") {
			t.Fatalf("labels: %v", labels)
		}
		if _, err := s.NewTaskRun(t.Context(), flow, "inherits"); err != nil { // the labels of the flow run
			t.Fatal(err)
		}
		var got []prefectapi.TracedRun
		if _, err := client.TracedRuns(t.Context(), 1000, func(r prefectapi.TracedRun) {
			if r.ID == flow || r.FlowRunID == flow {
				got = append(got, r)
			}
		}); err != nil {
			t.Fatal(err)
		}
		var want []prefectapi.TracedRun
		if has {
			want = []prefectapi.TracedRun{{ID: flow, TraceParent: parent}}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
