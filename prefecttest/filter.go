// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// pageLimit is the most that a filter returns at once, PREFECT_API_DEFAULT_LIMIT's default.
const pageLimit = 200

// anyID is the filter {"any_": [...]}.
type anyID struct {
	Any    []string `json:"any_"`
	IsNull *bool    `json:"is_null_"`
}

func (f *anyID) empty() bool { return f == nil || f.Any == nil && f.IsNull == nil }

// passes expects canonical ids.
func (f *anyID) passes(id string) bool {
	if f.IsNull != nil && *f.IsNull != (id == "") {
		return false
	}
	return f.Any == nil || slices.Contains(f.Any, id)
}

// canonical rewrites the ids, and reports whether all of them are ids.
func (f *anyID) canonical(strict bool) bool {
	if f == nil {
		return true
	}
	for i, id := range f.Any {
		var ok bool
		if f.Any[i], ok = parseUUID(id, strict); !ok {
			return false
		}
	}
	return true
}

// page is what every filter has besides the filter.
type page struct {
	Limit  *int    `json:"limit"`
	Offset int     `json:"offset"`
	Sort   *string `json:"sort"`
}

// window cuts the page out of n results, or says why it is refused.
func (p page) window(n int) (from, to int, refused *answer) {
	limit := pageLimit
	if p.Limit != nil {
		limit = *p.Limit
	}
	refuse := func(text string) (int, int, *answer) {
		a := plain(http.StatusUnprocessableEntity, text)
		return 0, 0, &a
	}
	switch {
	case limit < 0:
		return refuse("Invalid limit: must be greater than or equal to 0.")
	case limit > pageLimit:
		return refuse("Invalid limit: must be less than or equal to 200.")
	}
	from = min(max(p.Offset, 0), n)
	return from, min(from+limit, n), nil
}

// logFilter is the body of POST /logs/filter.
type logFilter struct {
	page
	Logs *struct {
		Operator  string `json:"operator"`
		FlowRunID *anyID `json:"flow_run_id"`
		TaskRunID *anyID `json:"task_run_id"`
		Level     *struct {
			Ge *int64 `json:"ge_"`
			Le *int64 `json:"le_"`
		} `json:"level"`
		Timestamp *struct {
			After  json.RawMessage `json:"after_"`
			Before json.RawMessage `json:"before_"`
		} `json:"timestamp"`
		Text *struct {
			Query string `json:"query"`
		} `json:"text"`
	} `json:"logs"`
}

// conditions returns what each part of the filter asks for, or the answer to a filter the generation does not know.
func (f *logFilter) conditions(s *Server) ([]func(*row) bool, *answer) {
	refuse := func(field string, f fault) ([]func(*row) bool, *answer) {
		a := s.invalid("body", field, f)
		return nil, &a
	}
	l := f.Logs
	if l == nil {
		return nil, nil
	}
	modern := s.generation.modern()
	if !modern && (l.Text != nil || l.TaskRunID != nil && l.TaskRunID.IsNull != nil) ||
		l.FlowRunID != nil && l.FlowRunID.IsNull != nil {
		return refuse("logs", extra)
	}
	if !l.FlowRunID.canonical(modern) || !l.TaskRunID.canonical(modern) {
		return refuse("logs", notUUIDText)
	}
	var all []func(*row) bool
	if !l.FlowRunID.empty() {
		all = append(all, func(r *row) bool { return l.FlowRunID.passes(r.FlowRunID) })
	}
	if !l.TaskRunID.empty() {
		all = append(all, func(r *row) bool { return l.TaskRunID.passes(r.TaskRunID) })
	}
	if l.Level != nil && l.Level.Ge != nil {
		all = append(all, func(r *row) bool { return int64(r.Level) >= *l.Level.Ge })
	}
	if l.Level != nil && l.Level.Le != nil {
		all = append(all, func(r *row) bool { return int64(r.Level) <= *l.Level.Le })
	}
	if l.Timestamp != nil {
		after, ok1 := s.bound(l.Timestamp.After)
		before, ok2 := s.bound(l.Timestamp.Before)
		if !ok1 || !ok2 {
			return refuse("logs", notTimestamp)
		}
		if after != nil {
			all = append(all, func(r *row) bool { return !r.Timestamp.Before(*after) })
		}
		if before != nil {
			all = append(all, func(r *row) bool { return !r.Timestamp.After(*before) })
		}
	}
	if l.Text != nil {
		words := strings.Fields(strings.ToLower(l.Text.Query))
		all = append(all, func(r *row) bool {
			t := strings.ToLower(r.Name + " " + r.Message)
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(t, w) })
		})
	}
	return all, nil
}

// bound reads an end of a range of time; both ends are inclusive. nil is no bound.
func (s *Server) bound(raw json.RawMessage) (*time.Time, bool) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, true
	}
	v, err := decodeJSON(raw)
	if err != nil {
		return nil, false
	}
	t, f := (&validator{generation: s.generation}).timestamp(v)
	return &t, f == nil
}

// decodeFilter reads the body of a filter, in which unknown keys are refused. An empty body is no filter.
func (s *Server) decodeFilter(r *http.Request, body []byte, into any) *answer {
	if len(body) == 0 {
		return nil
	}
	if _, refused := s.decode(r, body); refused != nil {
		return refused
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		a := s.invalid("body", "", extra)
		return &a
	}
	return nil
}

// unreadable is a time stamp that PostgreSQL takes and that no later query can read back.
var unreadable = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)

// filterLogs is POST /logs/filter.
func (s *Server) filterLogs(r *http.Request, body []byte) answer {
	var f logFilter
	if refused := s.decodeFilter(r, body, &f); refused != nil {
		return *refused
	}
	conditions, refused := f.conditions(s)
	if refused != nil {
		return *refused
	}
	sort := "TIMESTAMP_ASC"
	if f.Sort != nil {
		sort = *f.Sort
	}
	if sort != "TIMESTAMP_ASC" && sort != "TIMESTAMP_DESC" {
		return s.invalid("body", "sort", fault{"type_error.enum", "value is not a valid enumeration member", "enum", "Input should be 'TIMESTAMP_ASC' or 'TIMESTAMP_DESC'"})
	}
	pass := func(r *row) bool {
		return !slices.ContainsFunc(conditions, func(c func(*row) bool) bool { return !c(r) })
	}
	if f.Logs != nil && f.Logs.Operator == "or_" && len(conditions) > 0 {
		pass = func(r *row) bool {
			return slices.ContainsFunc(conditions, func(c func(*row) bool) bool { return c(r) })
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := s.store.matching(pass, sort == "TIMESTAMP_DESC")
	from, to, refused := f.window(len(rows))
	if refused != nil {
		return *refused
	}
	type logAnswer struct {
		ID        string  `json:"id"`
		Created   string  `json:"created"`
		Updated   string  `json:"updated"`
		Name      string  `json:"name"`
		Level     int     `json:"level"`
		Message   string  `json:"message"`
		Timestamp string  `json:"timestamp"`
		FlowRunID *string `json:"flow_run_id"`
		TaskRunID *string `json:"task_run_id"`
	}
	answers := make([]logAnswer, 0, to-from)
	for _, r := range rows[from:to] {
		if s.database == PostgreSQL && r.Timestamp.Equal(unreadable) {
			return message(http.StatusInternalServerError, "Internal Server Error")
		}
		a := logAnswer{
			ID: r.ID, Created: s.instant(r.created), Updated: s.instant(r.created), Name: r.Name, Level: r.Level,
			Message: r.Message, Timestamp: s.instant(r.Timestamp),
		}
		if r.FlowRunID != "" {
			a.FlowRunID = &r.FlowRunID
		}
		if r.TaskRunID != "" {
			a.TaskRunID = &r.TaskRunID
		}
		answers = append(answers, a)
	}
	return reply(http.StatusOK, answers)
}
