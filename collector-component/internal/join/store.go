// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package join

import (
	"time"

	"github.com/prefectlogs/prefectlogs/run"
)

// store is what is known of traces, within a bound of bytes.
type store struct {
	traces   table[TraceID, trace]
	spans    table[spanKey, span]
	runs     table[runKey, tracedRun]
	maxBytes int
	share    uint32 // how many spans and runs a trace may have at the cost of others
	expiry   uint32
	began    time.Time
	plain    ages // traces without a run
	known    ages // traces with one
	forgot   Forgotten
}

// Forgotten counts what is known no more.
type Forgotten struct {
	Expired int // traces of which nothing was heard for so long
	Evicted int // traces that had to give room
	Refused int // spans and runs for which there was none
}

// ages is a list of traces in the order in which something was heard of them. Traces with logs that wait are in no list.
type ages struct{ oldest, newest at }

// tick is the unit in which the store remembers when it heard of a trace.
const tick = 100 * time.Millisecond

// maxShare is the part of the bound that one trace may take from others.
const maxShare = 4

func newStore(maxBytes int, expiry time.Duration, began time.Time) *store {
	return &store{
		traces:   newTable(func(t *trace) TraceID { return t.id }),
		spans:    newTable(func(s *span) spanKey { return s.key }),
		runs:     newTable(func(r *tracedRun) runKey { return r.key }),
		maxBytes: maxBytes, share: uint32(maxBytes / maxShare / (pageBytes[span]()/pageSize + 2*slotBytes)), expiry: uint32(expiry / tick), began: began,
	}
}

func (s *store) bytes() int { return s.traces.bytes() + s.spans.bytes() + s.runs.bytes() }

func (s *store) ticks(now time.Time) uint32 { return uint32(max(now.Sub(s.began), 0) / tick) }

// hear returns the trace with the id, as the one that was heard of last. It returns 0 where there is no room for it.
func (s *store) hear(now time.Time, id TraceID) at {
	i := s.traces.find(id)
	if i == 0 {
		if !room(s, &s.traces, 0) {
			return 0
		}
		i = s.traces.add(trace{id: id})
		s.enlist(i)
	} else if t := s.traces.entry(i); t.first == 0 && s.listOf(t).newest != i {
		s.delist(i)
		s.enlist(i)
	}
	s.traces.entry(i).heard = s.ticks(now)
	return i
}

// span returns the span of a trace, 0 where there is no room for it.
func (s *store) span(t at, id SpanID) at {
	key := spanKey{t, id}
	if i := s.spans.find(key); i != 0 {
		return i
	}
	if !room(s, &s.spans, t) {
		return 0
	}
	of := s.traces.entry(t)
	i := s.spans.add(span{key: key, next: of.spans})
	of.spans = i
	of.size++
	return i
}

// run returns the run in a trace, 0 where there is no room for it.
func (s *store) run(t at, id run.ID, task bool) at {
	key := runKey{id, t, task}
	if i := s.runs.find(key); i != 0 {
		return i
	}
	if !room(s, &s.runs, t) {
		return 0
	}
	waits := s.traces.entry(t).first != 0
	if !waits {
		s.delist(t)
	}
	r := tracedRun{key: key}
	head := &s.traces.entry(t).tasks
	if !task {
		r.flow = id
		head = &s.traces.entry(t).flows
	}
	r.next = *head
	*head = s.runs.add(r)
	s.traces.entry(t).size++
	i := *head
	if !waits {
		s.enlist(t)
	}
	return i
}

// room makes room for one more entry of a table. It forgets other traces than keep, as long as that has not had its share, and
// reports whether that was enough.
func room[K comparable, E any](s *store, of *table[K, E], keep at) bool {
	for {
		needs := of.needs()
		if needs == 0 || s.bytes()+needs <= s.maxBytes {
			return true
		}
		if keep != 0 && s.traces.entry(keep).size >= s.share {
			s.forgot.Refused++
			return false
		}
		oldest := s.plain.oldest
		if oldest == keep && oldest != 0 {
			oldest = s.traces.entry(oldest).newer
		}
		if oldest == 0 {
			oldest = s.known.oldest
		}
		if oldest == keep && oldest != 0 {
			oldest = s.traces.entry(oldest).newer
		}
		if oldest == 0 {
			s.forgot.Refused++
			return false
		}
		s.forget(oldest)
		s.forgot.Evicted++
	}
}

// expire forgets the traces of which nothing was heard for long.
func (s *store) expire(now time.Time) {
	ticks := s.ticks(now)
	for _, list := range []*ages{&s.plain, &s.known} {
		for i := list.oldest; i != 0 && s.traces.entry(i).heard+s.expiry <= ticks; i = list.oldest {
			s.forget(i)
			s.forgot.Expired++
		}
	}
}

// forget removes a trace for which no log waits.
func (s *store) forget(i at) {
	s.delist(i)
	t := *s.traces.entry(i)
	for j := t.spans; j != 0; {
		next := s.spans.entry(j).next
		s.spans.remove(j)
		j = next
	}
	for _, j := range []at{t.flows, t.tasks} {
		for j != 0 {
			next := s.runs.entry(j).next
			s.runs.remove(j)
			j = next
		}
	}
	s.traces.remove(i)
}

// listOf returns the list that a trace is in while no log waits for it.
func (s *store) listOf(t *trace) *ages {
	if t.flows != 0 || t.tasks != 0 {
		return &s.known
	}
	return &s.plain
}

// enlist puts a trace at the end of its list.
func (s *store) enlist(i at) {
	t := s.traces.entry(i)
	list := s.listOf(t)
	t.older, t.newer = list.newest, 0
	if list.newest != 0 {
		s.traces.entry(list.newest).newer = i
	} else {
		list.oldest = i
	}
	list.newest = i
}

func (s *store) delist(i at) {
	t := s.traces.entry(i)
	list := s.listOf(t)
	if t.newer != 0 {
		s.traces.entry(t.newer).older = t.older
	} else {
		list.newest = t.older
	}
	if t.older != 0 {
		s.traces.entry(t.older).newer = t.newer
	} else {
		list.oldest = t.newer
	}
	t.older, t.newer = 0, 0
}
