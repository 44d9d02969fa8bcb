// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// orderedTies is up to how many rows a result of PostgreSQL keeps rows of one time stamp in the order of storing.
// The query asks for no such order; small results were only ever seen to have it.
const orderedTies = 150

// sorts are the orders of POST /logs/filter, the default first. The rest is of Orion.
func sorts(g Generation) []string {
	all := []string{
		"TIMESTAMP_ASC", "TIMESTAMP_DESC",
		"LEVEL_ASC", "LEVEL_DESC", "FLOW_RUN_ID_ASC", "FLOW_RUN_ID_DESC", "TASK_RUN_ID_ASC", "TASK_RUN_ID_DESC",
	}
	if g != Orion27 {
		return all[:2]
	}
	return all
}

// filterLogs is POST /logs/filter.
func (s *Server) filterLogs(r *http.Request, body []byte) answer {
	f, refused := s.readFilter(r, body)
	if refused != nil {
		return *refused
	}
	pass := f.logs()
	order := sorts(s.generation)[0]
	if v, _ := f.body.get("sort"); v.kind != null {
		if order = v.text; v.kind != text || !slices.Contains(sorts(s.generation), v.text) {
			f.refuse(v, notMember(sorts(s.generation)), "sort")
		}
	}
	p, refused := f.page()
	if refused != nil {
		return *refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := s.store.page(pass, order, p)
	answers := make([]logAnswer, len(rows))
	for i, r := range rows {
		if !inRange(r.Timestamp) { // PostgreSQL took it, and its driver cannot read it
			return internalError()
		}
		answers[i] = s.logAnswer(r)
	}
	return reply(http.StatusOK, answers)
}

// logs reads the conditions on log records.
func (f *reader) logs() func(*row) bool {
	var all []func(*row) bool
	v, _ := f.body.get("logs")
	known := []string{"operator", "level", "timestamp", "flow_run_id", "task_run_id"}
	nullable := []string{}
	if f.generation.modern() {
		known, nullable = append(known, "text"), append(nullable, "is_null_")
	}
	loc := []any{"logs"}
	v, ok := f.object(v, loc, known...)
	if !ok {
		return func(*row) bool { return true }
	}
	if c := f.ids(v, "flow_run_id", loc); !c.empty() {
		all = append(all, func(r *row) bool { return c.passes(r.FlowRunID) })
	}
	if c := f.ids(v, "task_run_id", loc, nullable...); !c.empty() {
		all = append(all, func(r *row) bool { return c.passes(r.TaskRunID) })
	}
	level, _ := v.get("level")
	if level, ok := f.object(level, at(loc, "level"), "ge_", "le_"); ok {
		ge, _ := level.get("ge_")
		if n := f.int(ge, "logs", "level", "ge_"); n != nil {
			all = append(all, func(r *row) bool { return int64(r.Level) >= *n })
		}
		le, _ := level.get("le_")
		if n := f.int(le, "logs", "level", "le_"); n != nil {
			all = append(all, func(r *row) bool { return int64(r.Level) <= *n })
		}
	}
	stamp, _ := v.get("timestamp")
	if stamp, ok := f.object(stamp, at(loc, "timestamp"), "after_", "before_"); ok {
		after, _ := stamp.get("after_")
		if t := f.time(after, "logs", "timestamp", "after_"); t != nil {
			all = append(all, func(r *row) bool { return !r.Timestamp.Before(*t) })
		}
		before, _ := stamp.get("before_")
		if t := f.time(before, "logs", "timestamp", "before_"); t != nil {
			all = append(all, func(r *row) bool { return !r.Timestamp.After(*t) })
		}
	}
	search, _ := v.get("text")
	if search, ok := f.object(search, at(loc, "text"), "query"); ok {
		query, _ := search.get("query")
		words := strings.Fields(strings.ToLower(query.text))
		all = append(all, func(r *row) bool {
			t := strings.ToLower(r.Name + " " + r.Message)
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(t, w) })
		})
	}
	if op, _ := v.get("operator"); op.text == "or_" && len(all) > 0 {
		return func(r *row) bool { return slices.ContainsFunc(all, func(c func(*row) bool) bool { return c(r) }) }
	}
	return func(r *row) bool { return !slices.ContainsFunc(all, func(c func(*row) bool) bool { return !c(r) }) }
}

// page returns the part p of the rows that pass, in one of the orders of sorts.
func (s *store) page(pass func(*row) bool, order string, p page) []*row {
	if p.limit == 0 {
		return nil
	}
	by, descending := strings.CutSuffix(order, "_DESC")
	rows := s.ordered(pass, strings.TrimSuffix(by, "_ASC"))
	walk := slices.Values(rows)
	if descending {
		walk = func(yield func(*row) bool) {
			for _, r := range slices.Backward(rows) {
				if !yield(r) {
					return
				}
			}
		}
	}
	var found []*row
	for r := range walk {
		if !pass(r) {
			continue
		}
		if p.offset > 0 {
			p.offset--
			continue
		}
		if found = append(found, r); int64(len(found)) == p.limit {
			break
		}
	}
	return found
}

// ordered returns all rows, ascending. Rows that the order leaves equal are in the order of storing, or in none where
// the database promises none.
func (s *store) ordered(pass func(*row) bool, by string) []*row {
	switch by {
	case "LEVEL":
		return s.sortedBy(func(a, b *row) int { return cmp.Compare(a.Level, b.Level) })
	case "FLOW_RUN_ID":
		return s.sortedBy(func(a, b *row) int { return cmp.Compare(a.FlowRunID, b.FlowRunID) })
	case "TASK_RUN_ID":
		return s.sortedBy(func(a, b *row) int { return cmp.Compare(a.TaskRunID, b.TaskRunID) })
	}
	if s.sorted == nil {
		s.sorted = s.sortedBy(func(a, b *row) int { return a.Timestamp.Compare(b.Timestamp) })
		s.shuffled = nil
	}
	if s.database != PostgreSQL || !s.moreThan(orderedTies, pass) {
		return s.sorted
	}
	if s.shuffled == nil {
		s.shuffled = s.sortedBy(func(a, b *row) int {
			return cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(a.shuffle, b.shuffle))
		})
	}
	return s.shuffled
}

func (s *store) sortedBy(compare func(a, b *row) int) []*row {
	rows := slices.Clone(s.rows)
	slices.SortStableFunc(rows, compare)
	return rows
}

// moreThan reports whether more than n rows pass.
func (s *store) moreThan(n int, pass func(*row) bool) bool {
	for _, r := range s.rows {
		if pass(r) {
			if n--; n < 0 {
				return true
			}
		}
	}
	return false
}

// logAnswer is a log record as the server answers it.
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

func (s *Server) logAnswer(r *row) logAnswer {
	optional := func(id string) *string {
		if id == "" {
			return nil
		}
		return &id
	}
	return logAnswer{
		ID: r.ID, Created: s.instant(r.created), Updated: s.instant(r.created), Name: r.Name, Level: r.Level,
		Message: r.Message, Timestamp: s.instant(r.Timestamp),
		FlowRunID: optional(r.FlowRunID), TaskRunID: optional(r.TaskRunID),
	}
}
