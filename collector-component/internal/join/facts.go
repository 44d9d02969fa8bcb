// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package join

import (
	"bytes"

	"github.com/prefectlogs/prefectlogs/run"
)

// TraceID and SpanID are as OpenTelemetry has them; all zeros are none.
type (
	TraceID [16]byte
	SpanID  [8]byte
)

// trace is what is known of a trace, besides its spans and runs.
type trace struct {
	id           TraceID
	spans        at // the first of its spans; the others follow by next
	flows, tasks at // the same for its runs
	newer, older at // neighbours in the list of what was heard of last; see ages
	first, last  at // the logs that wait
	heard        uint32
	size         uint32 // how many spans and runs
}

// span is what is known of a span.
type span struct {
	key    spanKey
	parent SpanID // zero: it is the first of its trace, if it is seen
	next   at
	run    at    // what is claimed of it; 0: nothing, or things that differ
	claim  claim // of which kind, and by whom
	seen   bool  // its parent is known
}

type spanKey struct {
	trace at
	id    SpanID
}

// tracedRun is a run within a trace.
type tracedRun struct {
	key  runKey
	flow run.ID // of a task run: its flow run, zero as long as it is not known; of a flow run: itself
	next at
	span at     // of a flow run: the span that it is
	by   source // who told flow
	nest nesting
}

type runKey struct {
	id    run.ID
	trace at
	task  bool
}

// source is who says so. What a higher one says wins.
type source uint8

const (
	byLog source = iota + 1
	byLabel
	bySpan
)

// kind is what a span is to a run. Of two from the same source the higher one wins.
type kind uint8

const (
	ofTask kind = iota + 1 // it is, or is in, a task run
	inFlow                 // it is somewhere in a flow run: a task run may still stand above it
	isFlow                 // it is the span of a flow run
)

// claim orders what is said of a span: first by source, then by kind.
type claim uint8

func claimOf(s source, k kind) claim { return claim(s)<<2 | claim(k) }

func (c claim) kind() kind { return kind(c & 3) }

// nesting is what Prefect says of where a flow run stands.
type nesting uint8

const (
	nestingUnknown nesting = iota
	nestedNot              // nothing called it
	nested                 // it is a sub-flow
)

// say notes a claim about a span. The outcome does not depend on the order of claims.
func (s *span) say(c claim, r at) {
	switch {
	case c > s.claim:
		s.claim, s.run = c, r
	case c == s.claim && r != s.run:
		s.run = 0
	}
}

// belongs notes the flow run of a task run. Of two from the same source, which is none that Prefect
// would make, the lower one wins, whichever came first.
func (r *tracedRun) belongs(flow run.ID, by source) {
	if flow.IsZero() || r.by > by || r.by == by && bytes.Compare(r.flow[:], flow[:]) <= 0 {
		return
	}
	r.flow, r.by = flow, by
}

// is notes the span of a flow run: of several, as a run has that was started again, the lowest.
func (r *tracedRun) is(i at, spans *table[spanKey, span]) {
	if r.span == 0 {
		r.span = i
		return
	}
	if id, known := spans.entry(i).key.id, spans.entry(r.span).key.id; bytes.Compare(id[:], known[:]) < 0 {
		r.span = i
	}
}

// stands notes what Prefect says of where a flow run stands.
func (r *tracedRun) stands(n nesting) { r.nest = max(r.nest, n) }
