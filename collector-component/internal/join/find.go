// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package join

import "github.com/prefectlogs/prefectlogs/run"

// Rule is how the run of a log was found.
type Rule uint8

// The rules, the first of which that knows is taken.
const (
	RuleNone  Rule = iota // no run is known
	RuleTask              // the task run of the nearest ancestor
	RuleFlow              // the flow run of the nearest ancestor
	RuleTrace             // the flow run of the trace
)

// Answer is the run of a log: Task without Flow where the flow run of the task run is not known.
type Answer struct {
	Run  run.IDs
	Rule Rule
}

// Bounds of a search: no trace of use is as deep, and few have as many flow runs.
const (
	maxDepth = 1000
	maxFlows = 64
)

// find returns the run of a log in a span, 0 for none, of a trace, and whether more knowledge could not change it, so far as can
// be told.
func (s *store) find(t at, id SpanID) (answer Answer, certain bool) {
	var task, flow run.ID // flow: something below said that it is the one, unless a task run above is nearer to it
	complete := id == SpanID{}
	for range maxDepth {
		if complete {
			break
		}
		i := s.spans.find(spanKey{t, id})
		if i == 0 {
			break
		}
		sp := s.spans.entry(i)
		if sp.run != 0 {
			r := s.runs.entry(sp.run)
			switch {
			case !task.IsZero() && !r.flow.IsZero():
				return Answer{run.IDs{Flow: r.flow, Task: task}, RuleTask}, true
			case !task.IsZero(): // a task run within a task run, and neither tells its flow run
			case !flow.IsZero() && !r.flow.IsZero() && r.flow != flow:
				return Answer{run.IDs{Flow: flow}, RuleFlow}, true
			case r.key.task && r.flow.IsZero() && flow.IsZero():
				task = r.key.id
			case r.key.task:
				if flow.IsZero() {
					flow = r.flow
				}
				return Answer{run.IDs{Flow: flow, Task: r.key.id}, RuleTask}, true
			case sp.claim.kind() == isFlow:
				return Answer{run.IDs{Flow: r.key.id}, RuleFlow}, true
			default:
				flow = r.key.id
			}
		}
		if !sp.seen {
			break
		}
		id = sp.parent
		complete = id == SpanID{}
	}
	if !flow.IsZero() {
		return Answer{run.IDs{Flow: flow}, RuleFlow}, complete
	}
	flow, only := s.flowOf(t)
	switch {
	case !task.IsZero():
		return Answer{run.IDs{Flow: flow, Task: task}, RuleTask}, complete && only
	case !flow.IsZero():
		return Answer{run.IDs{Flow: flow}, RuleTrace}, complete && only
	}
	return Answer{}, false
}

// flowOf returns the flow run of a trace: the one that is within no other. It returns zero where none is known, or where it
// cannot be told which of several. certain says that it is known to be within no other, and that all others are.
func (s *store) flowOf(t at) (flow run.ID, certain bool) {
	var outer, maybe, any run.ID
	outers, maybes, flows := 0, 0, 0
	for i := s.traces.entry(t).flows; i != 0; i = s.runs.entry(i).next {
		if flows++; flows > maxFlows {
			return run.ID{}, false
		}
		r := s.runs.entry(i)
		any = r.key.id
		switch s.standing(t, r) {
		case nestedNot:
			outer = r.key.id
			outers++
		case nestingUnknown:
			maybe = r.key.id
			maybes++
		}
	}
	switch {
	case outers == 1:
		return outer, maybes == 0
	case outers == 0 && maybes == 1:
		return maybe, false
	case outers == 0 && maybes == 0 && flows == 1:
		return any, false
	}
	return run.ID{}, false
}

// standing tells whether a flow run is within another one of the trace, by what stands above its span, else by what Prefect says.
func (s *store) standing(t at, r *tracedRun) nesting {
	if r.span == 0 || s.spans.entry(r.span).run == 0 || s.runs.entry(s.spans.entry(r.span).run) != r {
		return r.nest
	}
	sp := s.spans.entry(r.span)
	for range maxDepth {
		if !sp.seen {
			return r.nest
		}
		if sp.parent == (SpanID{}) {
			return nestedNot
		}
		i := s.spans.find(spanKey{t, sp.parent})
		if i == 0 {
			return r.nest
		}
		sp = s.spans.entry(i)
		if sp.run != 0 {
			if above := s.runs.entry(sp.run).flow; !above.IsZero() && above != r.key.id {
				return nested
			}
		}
	}
	return r.nest
}
