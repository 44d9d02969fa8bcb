// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// runs holds flows and runs, as far as a client that logs looks at them. It is guarded by the server's lock.
type runs struct {
	flows    []*flow
	flowRuns []*flowRun
	taskRuns []*taskRun
}

type flow struct {
	ID      string `json:"id"`
	Created string `json:"created"`
	Updated string `json:"updated"`
	Name    string `json:"name"`
}

type state struct {
	ID        string  `json:"id"`
	Type      string  `json:"type"`
	Name      string  `json:"name"`
	Timestamp string  `json:"timestamp"`
	Message   *string `json:"message"`
}

type flowRun struct {
	ID        string         `json:"id"`
	Created   string         `json:"created"`
	Updated   string         `json:"updated"`
	Name      string         `json:"name"`
	FlowID    string         `json:"flow_id"`
	State     *state         `json:"state"`
	StateType *string        `json:"state_type"`
	StateName *string        `json:"state_name"`
	Tags      []string       `json:"tags"`
	Labels    map[string]any `json:"labels,omitempty"`
}

type taskRun struct {
	ID         string  `json:"id"`
	Created    string  `json:"created"`
	Updated    string  `json:"updated"`
	Name       string  `json:"name"`
	FlowRunID  *string `json:"flow_run_id"`
	TaskKey    string  `json:"task_key"`
	DynamicKey string  `json:"dynamic_key"`
	State      *state  `json:"state"`
}

// find returns the item that match accepts, or nil.
func find[T any](items []*T, match func(*T) bool) *T {
	if i := slices.IndexFunc(items, match); i >= 0 {
		return items[i]
	}
	return nil
}

// stateInput is a state as a client sends it.
type stateInput struct {
	Type    string  `json:"type"`
	Name    *string `json:"name"`
	Message *string `json:"message"`
}

// stateNames are the types of states and the name each has when the client gives none.
var stateNames = map[string]string{
	"SCHEDULED": "Scheduled", "PENDING": "Pending", "RUNNING": "Running", "COMPLETED": "Completed", "FAILED": "Failed",
	"CANCELLED": "Cancelled", "CRASHED": "Crashed", "PAUSED": "Paused", "CANCELLING": "Cancelling",
}

func (s *Server) newState(in *stateInput) (*state, bool) {
	if in == nil {
		return nil, true
	}
	name, ok := stateNames[in.Type]
	if in.Name != nil {
		name = *in.Name
	}
	return &state{ID: newID(), Type: in.Type, Name: name, Timestamp: s.instant(time.Now()), Message: in.Message}, ok
}

func (r *flowRun) enter(st *state) {
	if r.State = st; st != nil {
		r.StateType, r.StateName = &st.Type, &st.Name
	}
}

// decodeInto reads a body whose unknown keys do not matter here.
func (s *Server) decodeInto(r *http.Request, body []byte, into any) *answer {
	if _, refused := s.decode(r, body); refused != nil {
		return refused
	}
	if err := json.Unmarshal(body, into); err != nil {
		a := s.invalid("body", "", notObject)
		return &a
	}
	return nil
}

func (s *Server) createFlow(r *http.Request, body []byte) answer {
	var in struct {
		Name *string `json:"name"`
	}
	if refused := s.decodeInto(r, body, &in); refused != nil {
		return *refused
	}
	if in.Name == nil {
		return s.invalid("body", "name", missing)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := find(s.runs.flows, func(f *flow) bool { return f.Name == *in.Name }); f != nil {
		return reply(http.StatusOK, f)
	}
	now := s.instant(time.Now())
	f := &flow{ID: newID(), Created: now, Updated: now, Name: *in.Name}
	s.runs.flows = append(s.runs.flows, f)
	return reply(http.StatusCreated, f)
}

func (s *Server) createFlowRun(r *http.Request, body []byte) answer {
	var in struct {
		FlowID string         `json:"flow_id"`
		Name   string         `json:"name"`
		Tags   []string       `json:"tags"`
		Labels map[string]any `json:"labels"`
		State  *stateInput    `json:"state"`
	}
	if refused := s.decodeInto(r, body, &in); refused != nil {
		return *refused
	}
	flowID, ok := parseUUID(in.FlowID, s.generation.modern())
	if !ok {
		return s.invalid("body", "flow_id", notUUIDText)
	}
	st, ok := s.newState(in.State)
	if !ok {
		return s.invalid("body", "state", notObject)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if find(s.runs.flows, func(f *flow) bool { return f.ID == flowID }) == nil { // a foreign key
		return plain(http.StatusConflict, "Data integrity conflict. This usually means a unique or foreign key constraint was violated. See server logs for details.")
	}
	now := s.instant(time.Now())
	if in.Name == "" {
		in.Name = fmt.Sprintf("quiet-quokka-%d", len(s.runs.flowRuns)+1)
	}
	if in.Tags == nil {
		in.Tags = []string{}
	}
	run := &flowRun{ID: newID(), Created: now, Updated: now, Name: in.Name, FlowID: flowID, Tags: in.Tags}
	if s.generation.modern() {
		run.Labels = map[string]any{"prefect.flow.id": flowID}
		maps.Copy(run.Labels, in.Labels)
	}
	run.enter(st)
	s.runs.flowRuns = append(s.runs.flowRuns, run)
	return reply(http.StatusCreated, run)
}

// withFlowRun calls f, under the lock, with the flow run of that id.
func (s *Server) withFlowRun(id string, f func(*flowRun) answer) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if run := find(s.runs.flowRuns, func(r *flowRun) bool { return r.ID == id }); run != nil {
		return f(run)
	}
	return plain(http.StatusNotFound, "Flow run not found")
}

func (s *Server) readFlowRun(id string, _ []byte) answer {
	return s.withFlowRun(id, func(run *flowRun) answer { return reply(http.StatusOK, run) })
}

func (s *Server) patchFlowRunLabels(id string, body []byte) answer {
	var labels map[string]any
	if err := json.Unmarshal(body, &labels); err != nil {
		return s.invalid("body", "", notObject)
	}
	return s.withFlowRun(id, func(run *flowRun) answer {
		maps.Copy(run.Labels, labels)
		return answer{status: http.StatusNoContent}
	})
}

func (s *Server) setFlowRunState(id string, body []byte) answer {
	var in struct {
		State *stateInput `json:"state"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.State == nil {
		return s.invalid("body", "state", missing)
	}
	st, ok := s.newState(in.State)
	if !ok {
		return s.invalid("body", "state", notObject)
	}
	return s.withFlowRun(id, func(run *flowRun) answer {
		run.enter(st)
		return reply(http.StatusCreated, map[string]any{
			"state": st, "status": "ACCEPT", "details": map[string]string{"type": "accept_details"},
		})
	})
}

func (s *Server) createTaskRun(r *http.Request, body []byte) answer {
	var in struct {
		FlowRunID  *string     `json:"flow_run_id"`
		TaskKey    *string     `json:"task_key"`
		DynamicKey *string     `json:"dynamic_key"`
		Name       string      `json:"name"`
		State      *stateInput `json:"state"`
	}
	if refused := s.decodeInto(r, body, &in); refused != nil {
		return *refused
	}
	if in.TaskKey == nil {
		return s.invalid("body", "task_key", missing)
	}
	if in.DynamicKey == nil {
		return s.invalid("body", "dynamic_key", missing)
	}
	if in.FlowRunID != nil {
		id, ok := parseUUID(*in.FlowRunID, s.generation.modern())
		if !ok {
			return s.invalid("body", "flow_run_id", notUUIDText)
		}
		in.FlowRunID = &id
	}
	st, ok := s.newState(in.State)
	if !ok {
		return s.invalid("body", "state", notObject)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.Name == "" {
		in.Name = *in.TaskKey + "-" + *in.DynamicKey
	}
	now := s.instant(time.Now())
	run := &taskRun{
		ID: newID(), Created: now, Updated: now, Name: in.Name, FlowRunID: in.FlowRunID,
		TaskKey: *in.TaskKey, DynamicKey: *in.DynamicKey, State: st,
	}
	s.runs.taskRuns = append(s.runs.taskRuns, run)
	return reply(http.StatusCreated, run)
}

func (s *Server) readTaskRun(id string, _ []byte) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if run := find(s.runs.taskRuns, func(r *taskRun) bool { return r.ID == id }); run != nil {
		return reply(http.StatusOK, run)
	}
	return plain(http.StatusNotFound, "Task not found")
}

// runFilter is the part of a run filter that is played: by id.
type runFilter struct {
	page
	FlowRuns *struct {
		ID *anyID `json:"id"`
	} `json:"flow_runs"`
	TaskRuns *struct {
		ID        *anyID `json:"id"`
		FlowRunID *anyID `json:"flow_run_id"`
	} `json:"task_runs"`
}

func (f *runFilter) flowRun(id string) bool {
	return f.FlowRuns == nil || f.FlowRuns.ID.empty() || f.FlowRuns.ID.passes(id)
}

func (s *Server) filterFlowRuns(r *http.Request, body []byte) answer {
	return filterRuns(s, r, body, func(f *runFilter) []*flowRun {
		return slices.DeleteFunc(slices.Clone(s.runs.flowRuns), func(run *flowRun) bool { return !f.flowRun(run.ID) })
	})
}

func (s *Server) filterTaskRuns(r *http.Request, body []byte) answer {
	return filterRuns(s, r, body, func(f *runFilter) []*taskRun {
		return slices.DeleteFunc(slices.Clone(s.runs.taskRuns), func(run *taskRun) bool {
			parent := ""
			if run.FlowRunID != nil {
				parent = *run.FlowRunID
			}
			t := f.TaskRuns
			return !f.flowRun(parent) || t != nil &&
				(!t.ID.empty() && !t.ID.passes(run.ID) || !t.FlowRunID.empty() && !t.FlowRunID.passes(parent))
		})
	})
}

func filterRuns[T any](s *Server, r *http.Request, body []byte, matching func(*runFilter) []*T) answer {
	var f runFilter
	if refused := s.decodeFilter(r, body, &f); refused != nil {
		return *refused
	}
	ids := []*anyID{}
	if f.FlowRuns != nil {
		ids = append(ids, f.FlowRuns.ID)
	}
	if f.TaskRuns != nil {
		ids = append(ids, f.TaskRuns.ID, f.TaskRuns.FlowRunID)
	}
	for _, id := range ids {
		if !id.canonical(s.generation.modern()) {
			return s.invalid("body", "id", notUUIDText)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	runs := matching(&f)
	from, to, refused := f.window(len(runs))
	if refused != nil {
		return *refused
	}
	return reply(http.StatusOK, runs[from:to])
}
