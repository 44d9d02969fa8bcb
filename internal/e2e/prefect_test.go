// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"crypto/rand"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/servers"
)

type object = map[string]any

// call makes a request to the server's API and gives the answer.
func call[T any](t *testing.T, s *servers.Server, method, path string, in any) (out T) {
	t.Helper()
	if err := s.API().Do(t.Context(), method, path, in, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

type created struct {
	ID string `json:"id"`
}

// unique makes a name that no other test of the shared server uses.
func unique(name string) string { return name + "-" + strings.ToLower(rand.Text()[:10]) }

// newPool makes a work pool for workers that start processes.
func newPool(t *testing.T, s *servers.Server) (name string) {
	t.Helper()
	name = unique("e2e")
	call[created](t, s, "POST", "/work_pools/", object{"name": name, "type": "process"})
	return name
}

// schedule makes a deployment of a flow in a pool, with more of its fields, and a run of it that is due now.
func schedule(t *testing.T, s *servers.Server, pool, flow string, fields object) (flowRunID string) {
	t.Helper()
	deployment := object{
		"name": unique(flow), "work_pool_name": pool,
		"flow_id": call[created](t, s, "POST", "/flows/", object{"name": flow}).ID,
	}
	maps.Copy(deployment, fields)
	id := call[created](t, s, "POST", "/deployments/", deployment).ID
	return call[created](t, s, "POST", "/deployments/"+id+"/create_flow_run", object{}).ID
}

// line is a log as it stands on a run's page.
type line struct {
	Level   int
	Message string
}

// linesOf are what the example's program logs.
func linesOf(argument string) []line {
	args := "[]"
	if argument != "" {
		args = `"[\"` + argument + `\"]"`
	}
	return []line{
		{20, "packing orders=" + args},
		{30, "stock is low left=2"},
		{40, "the printer is out of paper"},
	}
}

// page is what the logs of a flow run hold.
type page struct {
	program map[string][]line // of the example's program, in order, by task run; "" is none
	prefect map[string]int    // how many are Prefect's own, by task run
}

func readPage(t *testing.T, s *servers.Server, flowRunID string) page {
	t.Helper()
	logs, err := s.Logs(t.Context(), flowRunID)
	if err != nil {
		t.Fatal(err)
	}
	p := page{map[string][]line{}, map[string]int{}}
	for _, log := range logs {
		if log.Name == "shop.worker" {
			p.program[log.TaskRunID] = append(p.program[log.TaskRunID], line{log.Level, log.Message})
		} else {
			p.prefect[log.TaskRunID]++
		}
	}
	return p
}

func (p page) wantProgram(t *testing.T, want map[string][]line) {
	t.Helper()
	if diff := cmp.Diff(want, p.program); diff != "" {
		t.Errorf("the lines of the program, by task run (-want +got):\n%s", diff)
	}
}
