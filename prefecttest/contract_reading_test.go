// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// POST /logs/filter.

func TestContractFilters(t *testing.T) {
	contract(t, func(t *testing.T, s subject) {
		run, task := newID(), newID()
		var body strings.Builder
		for i, level := range []int{40, 10, 30, 20} {
			fmt.Fprintf(&body, `{"name":"n","level":%d,"message":"m%d","timestamp":"2026-01-02T03:04:05.00000%dZ","flow_run_id":%q,"task_run_id":%s},`,
				level, level, i, run, map[bool]string{true: `"` + task + `"`, false: "null"}[level == 30])
		}
		if got := s.send(t, "POST", "/logs/", "["+strings.TrimSuffix(body.String(), ",")+"]", nil).verdict(t); got != "201 null" {
			t.Fatal(got)
		}
		of := `"flow_run_id":{"any_":["` + run + `"]}`
		extra := by{"": "extra_forbidden", "2": "value_error.extra"}.of(s)
		for _, tt := range []struct{ name, body, want string }{
			{"by run, ascending by default", `{"logs":{` + of + `}}`, "40 10 30 20"},
			{"ascending", `{"logs":{` + of + `},"sort":"TIMESTAMP_ASC"}`, "40 10 30 20"},
			{"descending", `{"logs":{` + of + `},"sort":"TIMESTAMP_DESC"}`, "20 30 10 40"},
			{"by level, which Orion alone can", `{"logs":{` + of + `},"sort":"LEVEL_ASC"}`, by{"": "422 body.sort enum", "2": "422 body.sort type_error.enum", "2.7": "10 20 30 40"}.of(s)},
			{"an unknown order", `{"sort":"X"}`, by{"": "422 body.sort enum", "2": "422 body.sort type_error.enum"}.of(s)},
			{"a limit", `{"logs":{` + of + `},"limit":2}`, "40 10"},
			{"a limit and an offset", `{"logs":{` + of + `},"limit":2,"offset":1}`, "10 30"},
			{"an offset beyond the end", `{"logs":{` + of + `},"offset":9}`, ""},
			{"no limit", `{"logs":{` + of + `},"limit":null}`, "40 10 30 20"},
			{"a limit of 0", `{"limit":0}`, ""},
			{"a limit of 200", `{"logs":{` + of + `},"limit":200}`, "40 10 30 20"},
			{"a limit of 201", `{"limit":201}`, `422 {"detail":"Invalid limit: must be less than or equal to 200."}`},
			{"a negative limit", `{"limit":-1}`, `422 {"detail":"Invalid limit: must be greater than or equal to 0."}`},
			{"a limit that is no number", `{"limit":"x"}`, by{"": "422 body.limit int_parsing", "2": "422 body.limit type_error.integer"}.of(s)},
			{"a negative offset", `{"offset":-1}`, by{"": "422 body.offset greater_than_equal", "2": "422 body.offset value_error.number.not_ge"}.of(s)},
			{"from a level on", `{"logs":{` + of + `,"level":{"ge_":30}}}`, "40 30"},
			{"up to a level", `{"logs":{` + of + `,"level":{"le_":20}}}`, "10 20"},
			{"of one level", `{"logs":{` + of + `,"level":{"ge_":30,"le_":30}}}`, "30"},
			{"from a time on", `{"logs":{` + of + `,"timestamp":{"after_":"2026-01-02T03:04:05.000002Z"}}}`, "30 20"},
			{"up to a time", `{"logs":{` + of + `,"timestamp":{"before_":"2026-01-02T03:04:05.000001Z"}}}`, "40 10"},
			{"at a time", `{"logs":{` + of + `,"timestamp":{"after_":"2026-01-02T03:04:05.000001Z","before_":"2026-01-02T03:04:05.000001Z"}}}`, "10"},
			{"at a time with an offset", `{"logs":{` + of + `,"timestamp":{"after_":"2026-01-02T04:04:05.000003+01:00"}}}`, "20"},
			{"by task run", `{"logs":{"task_run_id":{"any_":["` + task + `"]}}}`, "30"},
			{"by several runs", `{"logs":{"flow_run_id":{"any_":["` + newID() + `","` + run + `"]}}}`, "40 10 30 20"},
			{"by no run", `{"logs":{"flow_run_id":{"any_":[]}}}`, ""},
			{"either of two", `{"logs":{"operator":"or_","task_run_id":{"any_":["` + task + `"]},"flow_run_id":{"any_":["` + newID() + `"]}}}`, "30"},
			{"by a run that is no id", `{"logs":{"flow_run_id":{"any_":["x"]}}}`, by{"": "422 body.logs.flow_run_id.any_.0 uuid_parsing", "2": "422 body.logs.flow_run_id.any_.0 type_error.uuid"}.of(s)},
			{"by a time that is none", `{"logs":{"timestamp":{"after_":"x"}}}`, by{"": "422 body.logs.timestamp.after_ value_error", "2": "422 body.logs.timestamp.after_ value_error.parser"}.of(s)},
			{"without a task run, which 3 alone can", `{"logs":{` + of + `,"task_run_id":{"is_null_":true}}}`, by{"": "40 10 20", "2": "422 body.logs.task_run_id.is_null_ value_error.extra"}.of(s)},
			{"without a flow run", `{"logs":{"flow_run_id":{"is_null_":true}}}`, "422 body.logs.flow_run_id.is_null_ " + extra},
			{"an unknown condition", `{"logs":{"foo":1}}`, "422 body.logs.foo " + extra},
			{"an unknown bound", `{"logs":{"level":{"x":1}}}`, "422 body.logs.level.x " + extra},
			{"an unknown key beside the filter", `{"foo":1,"limit":0}`, ""},
			{"a body that is no JSON", `{`, by{"": "422 body.1 json_invalid", "2": "422 body.1 value_error.jsondecode"}.of(s)},
		} {
			t.Run(tt.name, func(t *testing.T) {
				answer := s.send(t, "POST", "/logs/filter", tt.body, nil)
				got := answer.verdict(t)
				if answer.status == http.StatusOK {
					got = levels(t, answer)
				}
				if got != tt.want {
					t.Errorf("%s\ngot  %s\nwant %s", tt.body, got, tt.want)
				}
			})
		}
	})
}

// levels are those of the logs in an answer.
func levels(t *testing.T, r reply) string {
	t.Helper()
	var logs []prefecttest.Log
	if err := json.Unmarshal(r.body, &logs); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, l := range logs {
		all = append(all, fmt.Sprint(l.Level))
	}
	return strings.Join(all, " ")
}

func TestContractKeys(t *testing.T) {
	contract(t, func(t *testing.T, s subject) {
		run := newID()
		s.send(t, "POST", "/logs/", records(run, 1), nil)
		answer := s.send(t, "POST", "/logs/filter", `{"logs":{"flow_run_id":{"any_":["`+run+`"]}}}`, nil)
		var logs []map[string]any
		if err := json.Unmarshal(answer.body, &logs); err != nil || len(logs) != 1 {
			t.Fatalf("%s: %v", answer.body, err)
		}
		for _, key := range []string{"id", "created", "updated"} {
			if text, ok := logs[0][key].(string); !ok || text == "" {
				t.Errorf("%s is %v", key, logs[0][key])
			}
			delete(logs[0], key)
		}
		want := map[string]any{
			"name": "n", "level": 20.0, "message": "m0", "flow_run_id": run, "task_run_id": nil,
			"timestamp": by{"": "2026-01-02T03:04:05Z", "2": "2026-01-02T03:04:05+00:00"}.of(s),
		}
		if diff := cmp.Diff(want, logs[0]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestContractPages(t *testing.T) {
	contract(t, func(t *testing.T, s subject) {
		run := newID()
		const n = 450
		s.send(t, "POST", "/logs/", records(run, n), nil)
		var want []string
		for i := range n {
			want = append(want, fmt.Sprintf("m%d", i))
		}
		if diff := cmp.Diff(want, messages(s.stored(t, run))); diff != "" {
			t.Errorf("%d records of different stamps over several pages: %s", n, diff)
		}
	})
}

func TestContractTies(t *testing.T) {
	contract(t, func(t *testing.T, s subject) {
		tied := func(n int) string {
			run := newID()
			var all []string
			for i := range n {
				all = append(all, fmt.Sprintf(`{"name":"n","level":20,"message":"m%d","timestamp":"2026-01-02T03:04:05Z","flow_run_id":%q}`, i, run))
			}
			s.send(t, "POST", "/logs/", "["+strings.Join(all, ",")+"]", nil)
			return run
		}
		// In whatever order: nothing may be missing.
		for _, n := range []int{150, 600} {
			logs := s.stored(t, tied(n))
			different := map[string]bool{}
			for _, l := range logs {
				different[l.Message] = true
			}
			if len(logs) != n || len(different) != n {
				t.Errorf("%d records of one stamp: read %d, %d of them different", n, len(logs), len(different))
			}
		}
	})
}
