// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/run"
)

// Entry is a log record in neutral form. A front end fills it and hands it to
// [Encoder.Append], which keeps nothing of it. The zero Entry is an
// empty record. An entry is for one goroutine at a time, and cheaper when used
// again after [Entry.Reset].
type Entry struct {
	Timestamp    time.Time // zero: Observed
	Observed     time.Time // zero: now
	Severity     int       // OpenTelemetry's severity number, 1..24; 0: unspecified
	SeverityText string
	EventName    string
	Body         attribute.Value
	ScopeName    string
	TraceID      [16]byte // zero: none
	SpanID       [8]byte  // zero: none

	// Attributes of the record, in its order. A key may stand more than once;
	// the last one wins. Front ends put them here by [Entry.Add].
	Attributes []attribute.KeyValue
	// Omitted says that attributes were left out, for there are too many.
	Omitted bool

	Context run.IDs // the run in the caller's context
	// Ambient returns the runs that trusted baggage and the span in the context
	// name. It is asked only where Attributes and Context name no flow run. nil: none.
	Ambient  func() (baggage, span run.IDs)
	Scope    Source // see [Encoder.Resolve]
	Resource Source // see [Encoder.Resolve]

	scratch *scratch // of the encoder; nil until it is used
}

// Add adds an attribute. Of very many, it takes the first [MaxAttributes] and as
// many of those behind them that mean something to enc: no message has room for more.
func (e *Entry) Add(enc *Encoder, kv attribute.KeyValue) {
	if len(e.Attributes) < MaxAttributes || enc.takesMore(len(e.Attributes), string(kv.Key)) {
		e.Attributes = append(e.Attributes, kv)
	} else {
		e.Omitted = true
	}
}

// takesMore reports whether an entry that has n attributes, MaxAttributes or more, takes one with this key.
func (enc *Encoder) takesMore(n int, key string) bool {
	m := enc.table.lookup(key)
	return n < 2*MaxAttributes && m.field != fieldNone && m.field < fieldSkipped
}

// Reset empties the entry and keeps memory for the next record.
func (e *Entry) Reset() {
	clear(e.Attributes) // so that a pooled entry pins no user data
	if e.scratch != nil {
		e.scratch.reset()
	}
	*e = Entry{Attributes: e.Attributes[:0], scratch: e.scratch}
}

// Source is what the attributes of a scope or a resource say about all of
// their records.
type Source struct {
	Run         run.IDs
	ServiceName string
}

// Meta is what the sender needs to know of an encoded record.
type Meta struct {
	Level     int
	Run       run.IDs
	Micros    int64 // of the stamp in the line, since 1970, UTC
	Parts     int   // lines that the record became, one or more; see [Lines]
	Truncated bool  // the message was cut and marked
	ExactTime bool  // the stamp is not to be moved; see [Sequencer.Stamp]
}
