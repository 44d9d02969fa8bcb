// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
)

func TestFlowRunLabel(t *testing.T) {
	tests := []struct {
		name   string
		status int
		answer string
		want   string
		kind   prefectapi.Kind
		err    string // "": none
	}{
		{"a label", 200, `[{"id":"x","labels":{"other":"no","wanted":"yes"}}]`, "yes", 0, ""},
		{"no such label", 200, `[{"labels":{"other":"no"}}]`, "", 0, ""},
		{"a label that is no text", 200, `[{"labels":{"wanted":7}}]`, "", 0, ""},
		{"a server without labels", 200, `[{"id":"x"}]`, "", 0, ""},
		{"no labels", 200, `[{"labels":null}]`, "", 0, ""},
		{"no such run", 200, `[]`, "", prefectapi.KindAccess, "reading a flow run of HOST: the server knows no such flow run"},
		{"no list", 200, `{"secret":1}`, "", prefectapi.KindAccess, "no list of flow runs"},
		{"a list of something else", 200, `["secret"]`, "", prefectapi.KindAccess, "no list of flow runs"},
		{"a list that breaks off", 200, `[`, "", prefectapi.KindAccess, "no list of flow runs"},
		{"nothing", 200, ``, "", prefectapi.KindAccess, "no list of flow runs"},
		{"no access", 401, `{"secret":1}`, "", prefectapi.KindAccess, "reading a flow run of HOST: 401 Unauthorized: check PREFECT_API_KEY"},
		{"a failure", 500, `secret`, "", prefectapi.KindServer, "reading a flow run of HOST: 500"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				var filter struct {
					FlowRuns struct {
						ID struct {
							Any []string `json:"any_"`
						} `json:"id"`
					} `json:"flow_runs"`
				}
				if err := json.Unmarshal(body, &filter); err != nil || r.URL.Path != "/api/flow_runs/filter" || len(filter.FlowRuns.ID.Any) != 1 || filter.FlowRuns.ID.Any[0] != flowRun {
					t.Errorf("asked %s for %s", r.URL.Path, body)
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.answer)
			}))
			defer server.Close()
			client, err := prefectapi.New(prefectapi.Config{APIURL: server.URL + "/api"})
			if err != nil {
				t.Fatal(err)
			}
			got, err := client.FlowRunLabel(t.Context(), flowRun, "wanted")
			if got != tt.want || (err != nil) != (tt.err != "") {
				t.Fatalf("got %q, %v", got, err)
			}
			if err == nil {
				return
			}
			failed, ok := errors.AsType[*prefectapi.Error](err)
			want := strings.ReplaceAll(tt.err, "HOST", strings.TrimPrefix(server.URL, "http://"))
			if !ok || failed.Kind != tt.kind || failed.Ambiguous || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v of kind %v", err, failed.Kind)
			}
		})
	}
}
