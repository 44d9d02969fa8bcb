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
// empty record.
type Entry struct {
	Timestamp    time.Time // zero: Observed
	Observed     time.Time // zero: now
	Severity     int       // OpenTelemetry's severity number, 1..24; 0: unspecified
	SeverityText string
	EventName    string
	Body         attribute.Value
	ScopeName    string

	// Attributes of the record, in its order. A key may stand more than once;
	// the last one wins.
	Attributes []attribute.KeyValue

	Context  run.IDs // the run in the caller's context
	Scope    Source  // see [Encoder.Resolve]
	Resource Source  // see [Encoder.Resolve]
}

// Reset empties the entry and keeps the memory of its attributes.
func (e *Entry) Reset() {
	clear(e.Attributes) // so that a pooled entry pins no user data
	*e = Entry{Attributes: e.Attributes[:0]}
}

// Source is what the attributes of a scope or a resource say about all of
// their records.
type Source struct {
	Run         run.IDs
	ServiceName string
}

// Meta is what the sender needs to know of an encoded record.
type Meta struct {
	Level  int
	Run    run.IDs
	Micros int64 // of the stamp in the line, since 1970, UTC
}
