// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package join

import (
	"time"

	"github.com/prefectlogs/prefectlogs/run"
)

// Config bounds a joiner. All of it is required.
type Config struct {
	MaxBytes     int           // of what is known of traces, as the tables count it
	Expiry       time.Duration // after it a trace of which nothing is heard is forgotten
	MaxWait      time.Duration // of a log; 0: none waits
	MaxWaitBytes int           // of the logs that wait, as their sizes are told
}

// Joiner finds the runs of logs. T is a log, which it only keeps. It is not safe for concurrent use. What it is told of times must
// not go backwards.
type Joiner[T any] struct {
	config  Config
	store   *store
	waiting waiting[T]
	settled []Settled[T]
}

// Why a log waits no more.
const (
	Found   Cause = iota // its run is known
	Expired              // it has waited as long as it may
	Crowded              // others needed its room
	Drained              // [Joiner.Drain] asked for it
)

// Cause is why a log waits no more.
type Cause uint8

// Settled is a log that has waited.
type Settled[T any] struct {
	Log    T
	Size   int
	Answer Answer
	Cause  Cause
}

// New returns a joiner that knows nothing. Its time begins at now.
func New[T any](config Config, now time.Time) *Joiner[T] {
	return &Joiner[T]{config: config, store: newStore(config.MaxBytes, config.Expiry, now)}
}

// Span tells of a span: its parent, zero for the first of a trace, and the run that its attributes name. itself says that the span
// is that of the flow run.
func (j *Joiner[T]) Span(now time.Time, id TraceID, of, parent SpanID, ids run.IDs, itself bool) {
	t := j.store.hear(now, id)
	if t == 0 || of == (SpanID{}) {
		return
	}
	i := j.store.span(t, of)
	if i == 0 {
		return
	}
	if sp := j.store.spans.entry(i); !sp.seen {
		sp.parent, sp.seen = parent, true
	}
	j.claim(t, i, ids, bySpan, itself)
	j.settle(t)
}

// Log tells of a log that names its run by itself. of may be zero.
func (j *Joiner[T]) Log(now time.Time, id TraceID, of SpanID, ids run.IDs) {
	t := j.store.hear(now, id)
	if t == 0 {
		return
	}
	var i at
	if of != (SpanID{}) {
		i = j.store.span(t, of)
	}
	j.claim(t, i, ids, byLog, false)
	j.settle(t)
}

// Label is what Prefect says of a run that is under way.
type Label struct {
	Trace TraceID
	Span  SpanID
	Run   run.IDs // of a task run both; Flow may be zero
	Sub   bool    // of a flow run: another run called it
}

// Label tells of a run that is under way. Telling again keeps its trace from being forgotten.
func (j *Joiner[T]) Label(now time.Time, l Label) {
	t := j.store.hear(now, l.Trace)
	if t == 0 || l.Span == (SpanID{}) {
		return
	}
	i := j.store.span(t, l.Span)
	j.claim(t, i, l.Run, byLabel, l.Run.Task.IsZero())
	if r := j.store.runs.find(runKey{l.Run.Flow, t, false}); r != 0 && l.Run.Task.IsZero() {
		stands := nestedNot
		if l.Sub {
			stands = nested
		}
		j.store.runs.entry(r).stands(stands)
	}
	j.settle(t)
}

// claim notes what a source says of a span, 0 where it speaks of the trace alone.
func (j *Joiner[T]) claim(t, i at, ids run.IDs, by source, itself bool) {
	s := j.store
	if !ids.Flow.IsZero() {
		r := s.run(t, ids.Flow, false)
		if r != 0 && i != 0 && ids.Task.IsZero() {
			k := inFlow
			if itself {
				k = isFlow
				s.runs.entry(r).is(i, &s.spans)
			}
			s.spans.entry(i).say(claimOf(by, k), r)
		}
	}
	if !ids.Task.IsZero() {
		if r := s.run(t, ids.Task, true); r != 0 {
			s.runs.entry(r).belongs(ids.Flow, by)
			if i != 0 {
				s.spans.entry(i).say(claimOf(by, ofTask), r)
			}
		}
	}
}

// Find returns the run of a log at once. certain is false where it could still turn out otherwise, or where the log has to
// stand behind others: such a log is for [Joiner.Wait].
func (j *Joiner[T]) Find(now time.Time, id TraceID, of SpanID) (answer Answer, certain bool) {
	t := j.store.traces.find(id)
	if t == 0 {
		return Answer{}, false
	}
	if j.store.hear(now, id); j.store.traces.entry(t).first != 0 {
		return Answer{}, false
	}
	return j.store.find(t, of)
}

// Wait takes a log until its run is known, or until it has waited for long enough. Where there is no room for it, the logs that
// have waited for longest are settled. It reports false where that is not enough; then the log is not taken, and answer is the best that is known.
func (j *Joiner[T]) Wait(now time.Time, id TraceID, of SpanID, log T, size int) (answer Answer, taken bool) {
	t := j.store.hear(now, id)
	if t == 0 {
		return Answer{}, false
	}
	for j.waiting.bytes+size > j.config.MaxWaitBytes && j.waiting.oldest != 0 {
		j.release(j.waiting.oldest, Crowded)
	}
	if j.config.MaxWait <= 0 || j.waiting.bytes+size > j.config.MaxWaitBytes {
		answer, _ = j.store.find(t, of)
		return answer, false
	}
	entry := j.store.traces.entry(t)
	if entry.first == 0 {
		j.store.delist(t) // it must not be forgotten now
	}
	i := j.waiting.add(wait[T]{log: log, size: size, trace: t, span: of, until: now.Add(j.config.MaxWait)}, entry.last)
	if entry.first == 0 {
		entry.first = i
	}
	entry.last = i
	j.settle(t)
	return Answer{}, true
}

// settle lets the logs of a trace go whose run is known, as far as none stands before them.
func (j *Joiner[T]) settle(t at) {
	for first := j.store.traces.entry(t).first; first != 0; first = j.store.traces.entry(t).first {
		answer, certain := j.store.find(t, j.waiting.entry(first).span)
		if !certain {
			return
		}
		j.leave(first, answer, Found)
	}
}

// release settles the first log of a trace by what is known now, and those behind it whose run is known.
func (j *Joiner[T]) release(i at, cause Cause) {
	w := j.waiting.entry(i)
	t := w.trace
	answer, certain := j.store.find(t, w.span)
	if certain {
		cause = Found
	}
	j.leave(i, answer, cause)
	j.settle(t)
}

// leave takes a log, the first of its trace, out of those that wait.
func (j *Joiner[T]) leave(i at, answer Answer, cause Cause) {
	w := j.waiting.remove(i)
	t := j.store.traces.entry(w.trace)
	if t.first = w.nextInTrace; t.first == 0 {
		t.last = 0
		j.store.enlist(w.trace)
	}
	j.settled = append(j.settled, Settled[T]{w.log, w.size, answer, cause})
}

// Expire settles the logs that have waited for long enough, and forgets traces. It is to be called every now and then.
func (j *Joiner[T]) Expire(now time.Time) {
	for i := j.waiting.oldest; i != 0 && !j.waiting.entry(i).until.After(now); i = j.waiting.oldest {
		j.release(i, Expired)
	}
	j.store.expire(now)
}

// Drain settles logs by what is known now: those for which chosen reports true, and those that stand before them.
func (j *Joiner[T]) Drain(chosen func(T) bool) {
	var traces []at
	for i := j.waiting.oldest; i != 0; i = j.waiting.entry(i).newer {
		if w := j.waiting.entry(i); chosen(w.log) {
			traces = append(traces, w.trace)
		}
	}
	for _, t := range traces { // as often as it has such logs
		for left := 1; left > 0; {
			first := j.store.traces.entry(t).first
			if first == 0 {
				break
			}
			if chosen(j.waiting.entry(first).log) {
				left--
			}
			j.release(first, Drained)
		}
	}
}

// Settled returns the logs that have been settled since it was called last, in order.
func (j *Joiner[T]) Settled() []Settled[T] {
	settled := j.settled
	j.settled = nil
	return settled
}

// Next returns when the first of the logs that wait has waited for long enough; false where none waits.
func (j *Joiner[T]) Next() (time.Time, bool) {
	if j.waiting.oldest == 0 {
		return time.Time{}, false
	}
	return j.waiting.entry(j.waiting.oldest).until, true
}

// Stats is the state of a joiner.
type Stats struct {
	Traces, Spans, Runs int // that are known
	Bytes               int // of what is known
	Waiting             int // logs
	WaitingBytes        int
	Forgotten           Forgotten
}

// Stats returns the present state.
func (j *Joiner[T]) Stats() Stats {
	return Stats{
		Traces: j.store.traces.count, Spans: j.store.spans.count, Runs: j.store.runs.count, Bytes: j.store.bytes(),
		Waiting: j.waiting.count, WaitingBytes: j.waiting.bytes, Forgotten: j.store.forgot,
	}
}
