// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

// Flows and runs.

func TestContractRuns(t *testing.T) {
	contract(t, func(t *testing.T, s subject) {
		must := func(method, path, body string, status int) map[string]any {
			t.Helper()
			answer := s.send(t, method, path, body, nil)
			if answer.status != status {
				t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, answer.status, answer.body, status)
			}
			var v map[string]any
			if err := json.Unmarshal(answer.body, &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
		name := "flow " + newID()
		flow := must("POST", "/flows/", fmt.Sprintf(`{"name":%q}`, name), 201)
		if again := must("POST", "/flows/", fmt.Sprintf(`{"name":%q}`, name), 200); again["id"] != flow["id"] {
			t.Error("a second flow of the same name")
		}
		run := must("POST", "/flow_runs/", fmt.Sprintf(`{"flow_id":%q,"state":{"type":"RUNNING"}}`, flow["id"]), 201)
		if run["name"] == "" || run["flow_id"] != flow["id"] || run["state_name"] != "Running" {
			t.Errorf("the run is %v", run)
		}
		id := fmt.Sprint(run["id"])
		task := must("POST", "/task_runs/", fmt.Sprintf(`{"flow_run_id":%q,"task_key":"t","dynamic_key":"0"}`, id), 201)
		if again := must("POST", "/task_runs/", fmt.Sprintf(`{"flow_run_id":%q,"task_key":"t","dynamic_key":"0"}`, id), 200); again["id"] != task["id"] {
			t.Error("a second task run of the same keys")
		}
		if got := must("GET", "/task_runs/"+fmt.Sprint(task["id"]), "", 200); got["flow_run_id"] != id || got["name"] != task["name"] {
			t.Errorf("the task run is %v", got)
		}
		state := must("POST", "/flow_runs/"+id+"/set_state", `{"state":{"type":"COMPLETED","name":"Completed"},"force":true}`, 201)
		if state["status"] != "ACCEPT" {
			t.Errorf("set_state answered %v", state)
		}
		labels := s.send(t, "PATCH", "/flow_runs/"+id+"/labels", `{"a":"b"}`, nil).verdict(t)
		if want := (by{"": "204", "2": `404 {"detail":"Not Found"}`}).of(s); labels != want {
			t.Errorf("PATCH labels: %s, want %s", labels, want)
		}
		run = must("GET", "/flow_runs/"+id, "", 200)
		if got, want := fmt.Sprint(run["labels"]), fmt.Sprintf("map[a:b prefect.flow.id:%s]", flow["id"]); s.row.Version == "3.8" && got != want {
			t.Errorf("labels are %s, want %s", got, want)
		}
		if run["state_type"] != "COMPLETED" {
			t.Errorf("the state is %v", run["state_type"])
		}
		for _, filter := range []string{
			"/flow_runs/filter " + fmt.Sprintf(`{"flow_runs":{"id":{"any_":[%q]}}}`, id),
			"/task_runs/filter " + fmt.Sprintf(`{"task_runs":{"id":{"any_":[%q]}}}`, task["id"]),
			"/task_runs/filter " + fmt.Sprintf(`{"flow_runs":{"id":{"any_":[%q]}}}`, id),
		} {
			var path, body string
			if _, err := fmt.Sscan(filter, &path, &body); err != nil {
				t.Fatal(err)
			}
			var all []map[string]any
			if answer := s.send(t, "POST", path, body, nil); json.Unmarshal(answer.body, &all) != nil || len(all) != 1 {
				t.Errorf("%s: %d %s", filter, answer.status, answer.body)
			}
		}
	})
}

func TestContractRunsRefused(t *testing.T) {
	id := newID()
	byID := `404 {"exception_message":"Flow run with id ` + id + ` not found"}`
	limit := `422 {"detail":"Invalid limit: must be less than or equal to 200."}`
	for _, tt := range []struct {
		name, method, path, body string
		want                     by
	}{
		{"a flow without a name", "POST", "/flows/", `{}`, by{"": "422 body.name missing", "2": "422 body.name value_error.missing", "2.7": exception}},
		{"a run without a flow", "POST", "/flow_runs/", `{}`, by{"": "422 body.flow_id missing", "2": "422 body.flow_id value_error.missing", "2.7": exception}},
		{"a run of an unknown flow", "POST", "/flow_runs/", `{"flow_id":"` + id + `"}`, by{"": integrity}},
		{"a task run of an unknown flow run", "POST", "/task_runs/", `{"flow_run_id":"` + id + `","task_key":"t","dynamic_key":"0"}`, by{"": integrity}},
		{"a task run without keys", "POST", "/task_runs/", `{"flow_run_id":"` + id + `"}`, by{
			"": "422 body.task_key missing, body.dynamic_key missing", "2": "422 body.task_key value_error.missing, body.dynamic_key value_error.missing", "2.7": exception,
		}},
		{"an unknown flow run", "GET", "/flow_runs/" + id, "", by{"": `404 {"detail":"Flow run not found"}`}},
		{"an unknown task run", "GET", "/task_runs/" + id, "", by{"": `404 {"detail":"Task not found"}`}},
		{"a flow run that is no id", "GET", "/flow_runs/x", "", by{"": `404 {"detail":"Not Found"}`, "2": "422 path.id type_error.uuid"}},
		{"the state of an unknown flow run", "POST", "/flow_runs/" + id + "/set_state", `{"state":{"type":"RUNNING"}}`, by{"": byID}},
		{"the labels of an unknown flow run", "PATCH", "/flow_runs/" + id + "/labels", `{"a":"b"}`, by{"": byID, "2": `404 {"detail":"Not Found"}`}},
		{"too many flow runs", "POST", "/flow_runs/filter", `{"limit":201}`, by{"": limit}},
		{"too many task runs", "POST", "/task_runs/filter", `{"limit":201}`, by{"": limit}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contract(t, func(t *testing.T, s subject) {
				if got, want := s.send(t, tt.method, tt.path, tt.body, nil).verdict(t), tt.want.of(s); got != want {
					t.Errorf("%s %s %s\ngot  %s\nwant %s", tt.method, tt.path, tt.body, got, want)
				}
			})
		})
	}
}
