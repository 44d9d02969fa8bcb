// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"cmp"
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

// field returns a value of a body. Of a required one that is missing, 2.7 learns only from an exception.
func (f *reader) field(key string, required bool) (value, bool) {
	v, ok := f.body.get(key)
	if !ok && required {
		if f.generation == Orion27 {
			f.absent = true
		} else {
			f.refuse(f.body, missing, key)
		}
	}
	return v, ok
}

// textField returns a text, "" for none.
func (f *reader) textField(key string, required bool) string {
	v, ok := f.field(key, required)
	if !ok || v.kind == null && !required {
		return ""
	}
	s, p := f.text(v)
	if p != nil {
		f.refuse(v, *p, key)
	}
	return s
}

// idField returns an id, "" for none.
func (f *reader) idField(key string, required bool) string {
	v, ok := f.field(key, required)
	if !ok {
		return ""
	}
	id, p := f.uuid(v, !required)
	if p != nil {
		f.refuse(v, *p, key)
	}
	return id
}

// stateNames are the types of states and the name each has when the client gives none.
var stateNames = map[string]string{
	"SCHEDULED": "Scheduled", "PENDING": "Pending", "RUNNING": "Running", "COMPLETED": "Completed", "FAILED": "Failed",
	"CANCELLED": "Cancelled", "CRASHED": "Crashed", "PAUSED": "Paused", "CANCELLING": "Cancelling",
}

// stateField returns a new state, nil for none.
func (s *Server) stateField(f *reader, required bool) *state {
	v, ok := f.field("state", required)
	if !ok || v.kind == null && !required {
		return nil
	}
	kind, _ := v.get("type")
	name, ok := stateNames[kind.text]
	if !ok {
		f.refuse(kind, notMember(slices.Sorted(maps.Keys(stateNames))), "state", "type")
	}
	if n, _ := v.get("name"); n.kind == text {
		name = n.text
	}
	st := &state{ID: newID(), Type: kind.text, Name: name, Timestamp: s.instant(time.Now())}
	if m, _ := v.get("message"); m.kind == text {
		st.Message = &m.text
	}
	return st
}

func (r *flowRun) enter(st *state) {
	if r.State = st; st != nil {
		r.StateType, r.StateName = &st.Type, &st.Name
	}
}

// generatedName names the nth run that got no name.
func generatedName(n int) string { return fmt.Sprintf("quiet-quokka-%d", n) }

func (s *Server) createFlow(r *http.Request, body []byte) answer {
	f, refused := s.readObject(r, body)
	if refused != nil {
		return *refused
	}
	name := f.textField("name", true)
	if refused := f.refused(); refused != nil {
		return *refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := find(s.runs.flows, func(f *flow) bool { return f.Name == name }); known != nil {
		return reply(http.StatusOK, known)
	}
	now := s.instant(time.Now())
	created := &flow{ID: newID(), Created: now, Updated: now, Name: name}
	s.runs.flows = append(s.runs.flows, created)
	return reply(http.StatusCreated, created)
}

func (s *Server) createFlowRun(r *http.Request, body []byte) answer {
	f, refused := s.readObject(r, body)
	if refused != nil {
		return *refused
	}
	now := s.instant(time.Now())
	run := &flowRun{
		ID: newID(), Created: now, Updated: now, Name: f.textField("name", false), FlowID: f.idField("flow_id", true),
		Tags: []string{},
	}
	run.enter(s.stateField(f, false))
	if tags, _ := f.body.get("tags"); tags.kind == list {
		for _, tag := range tags.items {
			run.Tags = append(run.Tags, tag.text)
		}
	}
	if s.generation.modern() {
		run.Labels = map[string]any{"prefect.flow.id": run.FlowID}
		labels, _ := f.body.get("labels")
		maps.Copy(run.Labels, labelsOf(labels))
	}
	if refused := f.refused(); refused != nil {
		return *refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if find(s.runs.flows, func(f *flow) bool { return f.ID == run.FlowID }) == nil { // a foreign key
		return conflict()
	}
	s.runs.flowRuns = append(s.runs.flowRuns, run)
	run.Name = cmp.Or(run.Name, generatedName(len(s.runs.flowRuns)))
	return reply(http.StatusCreated, run)
}

// labelsOf returns the labels in an object.
func labelsOf(v value) map[string]any {
	labels := map[string]any{}
	for i, key := range v.keys {
		switch item := v.items[i]; item.kind {
		case text:
			labels[key] = item.text
		case null:
			labels[key] = nil
		default:
			labels[key] = json.RawMessage(appendJSON(nil, item))
		}
	}
	return labels
}

// withFlowRun calls f, under the lock, with the flow run of that id.
func (s *Server) withFlowRun(id string, unknown answer, f func(*flowRun) answer) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if run := find(s.runs.flowRuns, func(r *flowRun) bool { return r.ID == id }); run != nil {
		return f(run)
	}
	return unknown
}

func unknownFlowRun(id string) answer {
	return message(http.StatusNotFound, "Flow run with id "+id+" not found")
}

func (s *Server) readFlowRun(_ *http.Request, id string, _ []byte) answer {
	return s.withFlowRun(id, plain(http.StatusNotFound, "Flow run not found"), func(run *flowRun) answer {
		return reply(http.StatusOK, run)
	})
}

func (s *Server) patchFlowRunLabels(r *http.Request, id string, body []byte) answer {
	f, refused := s.readObject(r, body)
	if refused != nil {
		return *refused
	}
	if refused := f.refused(); refused != nil {
		return *refused
	}
	return s.withFlowRun(id, unknownFlowRun(id), func(run *flowRun) answer {
		maps.Copy(run.Labels, labelsOf(f.body))
		return answer{status: http.StatusNoContent}
	})
}

func (s *Server) setFlowRunState(r *http.Request, id string, body []byte) answer {
	f, refused := s.readObject(r, body)
	if refused != nil {
		return *refused
	}
	st := s.stateField(f, true)
	if refused := f.refused(); refused != nil {
		return *refused
	}
	return s.withFlowRun(id, unknownFlowRun(id), func(run *flowRun) answer {
		run.enter(st)
		return reply(http.StatusCreated, map[string]any{
			"state": st, "status": "ACCEPT", "details": map[string]string{"type": "accept_details"},
		})
	})
}

// createTaskRun makes a task run, or returns the one of the same flow run, task key and dynamic key.
func (s *Server) createTaskRun(r *http.Request, body []byte) answer {
	f, refused := s.readObject(r, body)
	if refused != nil {
		return *refused
	}
	now := s.instant(time.Now())
	run := &taskRun{
		ID: newID(), Created: now, Updated: now, Name: f.textField("name", false),
		TaskKey: f.textField("task_key", true), DynamicKey: f.textField("dynamic_key", true),
		State: s.stateField(f, false),
	}
	parent := f.idField("flow_run_id", s.generation == Orion27)
	if refused := f.refused(); refused != nil {
		return *refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if parent != "" {
		run.FlowRunID = &parent
		if find(s.runs.flowRuns, func(r *flowRun) bool { return r.ID == parent }) == nil { // a foreign key
			return conflict()
		}
		if known := find(s.runs.taskRuns, run.same); known != nil {
			return reply(http.StatusOK, known)
		}
	}
	s.runs.taskRuns = append(s.runs.taskRuns, run)
	run.Name = cmp.Or(run.Name, generatedName(len(s.runs.taskRuns)))
	return reply(http.StatusCreated, run)
}

// same reports whether other is the same task of the same flow run.
func (r *taskRun) same(other *taskRun) bool {
	return r.parent() == other.parent() && r.TaskKey == other.TaskKey && r.DynamicKey == other.DynamicKey
}

// parent is the id of the flow run, "" for none.
func (r *taskRun) parent() string {
	if r.FlowRunID == nil {
		return ""
	}
	return *r.FlowRunID
}

func (s *Server) readTaskRun(_ *http.Request, id string, _ []byte) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if run := find(s.runs.taskRuns, func(r *taskRun) bool { return r.ID == id }); run != nil {
		return reply(http.StatusOK, run)
	}
	return plain(http.StatusNotFound, "Task not found")
}

// filterFlowRuns is POST /flow_runs/filter, by id.
func (s *Server) filterFlowRuns(r *http.Request, body []byte) answer {
	f, refused := s.readFilter(r, body)
	if refused != nil {
		return *refused
	}
	flowRuns := f.runIDs("flow_runs", "id")
	return filterRuns(s, f, s.flowRuns, func(run *flowRun) bool { return flowRuns["id"].passes(run.ID) })
}

// filterTaskRuns is POST /task_runs/filter, by id and by flow run.
func (s *Server) filterTaskRuns(r *http.Request, body []byte) answer {
	f, refused := s.readFilter(r, body)
	if refused != nil {
		return *refused
	}
	known := []string{"id"}
	if s.generation != Orion27 {
		known = append(known, "flow_run_id")
	}
	flowRuns, taskRuns := f.runIDs("flow_runs", "id"), f.runIDs("task_runs", known...)
	return filterRuns(s, f, s.taskRuns, func(run *taskRun) bool {
		return flowRuns["id"].passes(run.parent()) && taskRuns["id"].passes(run.ID) && taskRuns["flow_run_id"].passes(run.parent())
	})
}

// runIDs reads the conditions on ids in one part of a filter. Conditions of other kinds are not played: they are
// refused as unknown.
func (f *reader) runIDs(part string, keys ...string) map[string]ids {
	conditions := map[string]ids{}
	v, _ := f.body.get(part)
	if v, ok := f.object(v, []any{part}, keys...); ok {
		for _, key := range keys {
			conditions[key] = f.ids(v, key, []any{part})
		}
	}
	return conditions
}

func (s *Server) flowRuns() []*flowRun { return s.runs.flowRuns }
func (s *Server) taskRuns() []*taskRun { return s.runs.taskRuns }

// filterRuns answers with the page of the runs that pass; all is called under the lock.
func filterRuns[T any](s *Server, f *reader, all func() []*T, pass func(*T) bool) answer {
	p, refused := f.page()
	if refused != nil {
		return *refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	runs := slices.DeleteFunc(slices.Clone(all()), func(run *T) bool { return !pass(run) })
	if runs == nil {
		runs = []*T{}
	}
	return reply(http.StatusOK, cut(p, runs))
}
