// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/join"
	"github.com/prefectlogs/prefectlogs/run"
)

// world is some traces as they are, which is what a joiner has to find out bit by bit.
type world struct {
	r      *rand.Rand
	nodes  []*node
	facts  []fact
	serial int
}

// node is a span, what it is, and what a log in it should get.
type node struct {
	trace    join.TraceID
	id       join.SpanID
	parent   *node
	flow     run.ID // that this span is
	task     run.ID // that this span is
	want     run.IDs
	wantRule join.Rule
}

// fact is something that a joiner may be told.
type fact func(j *join.Joiner[int], now time.Time)

func newWorld(seed uint64) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 0))}
	for range 1 + w.r.IntN(3) {
		w.trace()
	}
	return w
}

func (w *world) name() string { w.serial++; return fmt.Sprint(w.serial, "x") }

// trace makes a trace around one flow run, with sub-flows, task runs and other spans in it, some perhaps around it.
func (w *world) trace() {
	id := traceID(w.name())
	first := len(w.nodes)
	var parent *node
	if w.r.IntN(3) == 0 { // something called the flow
		parent = w.node(id, nil)
	}
	top := w.node(id, parent)
	top.flow = runID(w.name())
	for range w.r.IntN(12) {
		parent := w.nodes[first+w.r.IntN(len(w.nodes)-first)]
		n := w.node(id, parent)
		if !n.within(top) {
			continue
		}
		switch w.r.IntN(5) {
		case 0, 1:
			n.task = runID(w.name())
		case 2:
			n.flow = runID(w.name())
		}
	}
	for _, n := range w.nodes[first:] {
		n.truth(top)
		w.tell(n, top)
	}
}

func (w *world) node(trace join.TraceID, parent *node) *node {
	n := &node{trace: trace, id: spanID(w.name()), parent: parent}
	w.nodes = append(w.nodes, n)
	return n
}

func (n *node) within(other *node) bool {
	for ; n != nil; n = n.parent {
		if n == other {
			return true
		}
	}
	return false
}

// truth finds, with all in view, what a log in the span should get.
func (n *node) truth(top *node) {
	n.wantRule = join.RuleTrace
	for a := n; a != nil && n.want.Flow.IsZero(); a = a.parent {
		switch {
		case !a.task.IsZero() && n.want.Task.IsZero():
			n.want.Task, n.wantRule = a.task, join.RuleTask
		case !a.flow.IsZero():
			n.want.Flow = a.flow
			if n.want.Task.IsZero() {
				n.wantRule = join.RuleFlow
			}
		}
	}
	if n.want.Flow.IsZero() {
		n.want.Flow = top.flow
	}
}

// tell makes the facts about a span: the span itself, as a part of them a label, logs that name their run, and all of it twice.
func (w *world) tell(n, top *node) {
	var parent join.SpanID
	if n.parent != nil {
		parent = n.parent.id
	}
	own := run.IDs{Flow: n.flow, Task: n.task}
	span := func(j *join.Joiner[int], now time.Time) {
		j.Span(now, n.trace, n.id, parent, own, !n.flow.IsZero())
	}
	w.facts = append(w.facts, span)
	if w.r.IntN(4) == 0 { // a service that stamps its spans
		stamped := n.want
		if own == (run.IDs{}) && n.within(top) {
			w.facts[len(w.facts)-1] = func(j *join.Joiner[int], now time.Time) {
				j.Span(now, n.trace, n.id, parent, stamped, false)
			}
		}
	}
	if own != (run.IDs{}) && w.r.IntN(2) == 0 {
		label := join.Label{Trace: n.trace, Span: n.id, Run: n.want, Sub: n != top}
		var stands join.Label // the task run that stands for a sub-flow in this flow run has its label
		if !n.flow.IsZero() && w.r.IntN(2) == 0 {
			stands = join.Label{Trace: n.trace, Span: n.id, Run: run.IDs{Flow: n.flow, Task: runID(w.name())}}
		}
		w.facts = append(w.facts, func(j *join.Joiner[int], now time.Time) {
			j.Label(now, label) // flow runs are told first
			j.Label(now, stands)
		})
	}
	if n.within(top) && w.r.IntN(4) == 0 { // a log that names its run
		w.facts = append(w.facts, func(j *join.Joiner[int], now time.Time) { j.Log(now, n.trace, n.id, n.want) })
	}
	if w.r.IntN(5) == 0 {
		w.facts = append(w.facts, w.facts[len(w.facts)-1])
	}
}

// Whatever the order in which spans, labels and logs come: as long as all of them come while a log waits, it gets the
// run that it would get with all of them in view, and the logs of a trace leave in order.
func TestLogsGetWhatTheyWouldWithEverythingInView(t *testing.T) {
	const worlds = 5000
	rules, waited, logs := map[join.Rule]int{}, 0, 0
	for seed := range uint64(worlds) {
		w := newWorld(seed)
		j := join.New[int](ample(), start)
		now := start
		var of []*node // by log
		got := map[int]join.Answer{}
		var left []int
		take := func() {
			for _, s := range j.Settled() {
				got[s.Log] = s.Answer
				left = append(left, s.Log)
				waited++
			}
		}
		events := w.facts
		for range 2 * len(w.nodes) {
			n := w.nodes[w.r.IntN(len(w.nodes))]
			events = append(events, func(j *join.Joiner[int], now time.Time) {
				id := len(of)
				of = append(of, n)
				if answer, certain := j.Find(now, n.trace, n.id); certain {
					take()
					got[id] = answer
					left = append(left, id)
					return
				}
				if answer, taken := j.Wait(now, n.trace, n.id, id, 1); !taken {
					t.Fatalf("world %d: there is no room, and %v is known", seed, answer)
				}
			})
		}
		w.r.Shuffle(len(events), func(a, b int) { events[a], events[b] = events[b], events[a] })
		for _, event := range events {
			event(j, now)
			take()
			now = now.Add(time.Duration(w.r.IntN(int(9*second) / len(events)))) // all of it within the wait
			j.Expire(now)
			take()
		}
		j.Expire(now.Add(10 * second))
		take()
		last := map[join.TraceID]int{}
		for _, id := range left {
			n := of[id]
			if before, ok := last[n.trace]; ok && before > id {
				t.Fatalf("world %d: log %d left after %d", seed, id, before)
			}
			last[n.trace] = id
		}
		for id, n := range of {
			logs++
			rules[n.wantRule]++
			if want := (join.Answer{Run: n.want, Rule: n.wantRule}); got[id] != want {
				t.Fatalf("world %d: log %d in span %s is in %s by %d, want %s by %d", seed, id, n.id, got[id].Run, got[id].Rule, want.Run, want.Rule)
			}
		}
		if s := j.Stats(); s.Waiting != 0 || s.WaitingBytes != 0 {
			t.Fatalf("world %d: %+v", seed, s)
		}
	}
	t.Logf("%d logs, %d of which waited; by rule %v", logs, waited, rules)
}

// Two instances behind a balancer that goes by trace id know as much together as one does.
func TestTwoInstancesByTraceIDDoAsOne(t *testing.T) {
	for seed := range uint64(2000) {
		w := newWorld(seed)
		one := join.New[int](ample(), start)
		two := []*join.Joiner[int]{join.New[int](ample(), start), join.New[int](ample(), start)}
		for _, n := range w.nodes {
			var parent join.SpanID
			if n.parent != nil {
				parent = n.parent.id
			}
			for _, j := range []*join.Joiner[int]{one, two[n.trace[0]%2]} {
				j.Span(start, n.trace, n.id, parent, run.IDs{Flow: n.flow, Task: n.task}, !n.flow.IsZero())
			}
		}
		for _, n := range w.nodes {
			want, wantCertain := one.Find(start, n.trace, n.id)
			got, certain := two[n.trace[0]%2].Find(start, n.trace, n.id)
			if got != want || certain != wantCertain || !certain {
				t.Fatalf("world %d: %v, want %v", seed, got, want)
			}
		}
	}
}

// What is known in the end does not depend on the order in which it came, not even where it contradicts itself.
func TestTheOrderOfWhatIsToldDoesNotMatter(t *testing.T) {
	trace := traceID("t")
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		pick := func(from ...string) string { return from[r.IntN(len(from))] }
		var facts []fact
		parents := map[join.SpanID]join.SpanID{}
		for range 2 + r.IntN(12) {
			of := spanID(pick("1", "2", "3", "4"))
			if parents[of] == (join.SpanID{}) { // which is one thing about which nobody changes their mind
				parents[of] = spanID(pick("", "1", "2", "3", "4", "lost"))
			}
			ids := runs(pick("", "F", "G"), pick("", "A", "B"))
			switch r.IntN(3) {
			case 0:
				itself := ids.Task.IsZero() && r.IntN(2) == 0
				facts = append(facts, func(j *join.Joiner[int], now time.Time) { j.Span(now, trace, of, parents[of], ids, itself) })
			case 1:
				facts = append(facts, func(j *join.Joiner[int], now time.Time) { j.Log(now, trace, of, ids) })
			case 2:
				label := join.Label{Trace: trace, Span: of, Run: ids, Sub: r.IntN(2) == 0}
				facts = append(facts, func(j *join.Joiner[int], now time.Time) { j.Label(now, label) })
			}
		}
		var first []string
		for range 3 {
			j := join.New[int](ample(), start)
			for _, f := range facts {
				f(j, start)
			}
			var got []string
			for _, name := range []string{"", "1", "2", "3", "4", "lost"} {
				answer, certain := j.Find(start, trace, spanID(name))
				got = append(got, fmt.Sprintln(name, answer, certain))
			}
			if first == nil {
				first = got
			}
			if diff := cmp.Diff(first, got); diff != "" {
				t.Fatalf("world %d: (-one order +another)\n%s", seed, diff)
			}
			r.Shuffle(len(facts), func(a, b int) { facts[a], facts[b] = facts[b], facts[a] })
		}
	}
}
