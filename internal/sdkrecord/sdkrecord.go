// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package sdkrecord reads log records of the OpenTelemetry SDK into the neutral
// entries of package mapping, in one walk over their attributes.
//
// The entry point is [Reader.Append].
package sdkrecord

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/prefectlogs/prefectlogs/internal/diag"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

// Reader encodes SDK records and says what there is to say about records
// without a run. It is safe for concurrent use.
type Reader struct {
	encoder  *mapping.Encoder
	reporter *diag.Reporter
	resource atomic.Pointer[resolvedResource]
	pool     sync.Pool // of *walker
}

// resolvedResource remembers what the resource seen last says: a provider has one.
type resolvedResource struct {
	resource *resource.Resource
	source   mapping.Source
}

// walker is an entry and the function that fills its attributes, bound once so
// that a walk does not allocate.
type walker struct {
	entry mapping.Entry
	visit func(attribute.KeyValue) bool
}

// maxPooledAttributes bounds the memory that a pooled walker holds on to.
const maxPooledAttributes = 256

// NewReader returns a reader that encodes by encoder and speaks through reporter.
func NewReader(encoder *mapping.Encoder, reporter *diag.Reporter) *Reader {
	r := &Reader{encoder: encoder, reporter: reporter}
	r.pool.New = func() any {
		w := new(walker)
		w.visit = func(kv attribute.KeyValue) bool {
			w.entry.Attributes = append(w.entry.Attributes, kv)
			return true
		}
		return w
	}
	return r
}

// Append appends the line of a record to dst, as [mapping.Encoder.Append] does.
// The record is only read.
func (r *Reader) Append(ctx context.Context, dst []byte, record *sdklog.Record, limit int) ([]byte, mapping.Meta, error) {
	w := r.pool.Get().(*walker)
	defer func() {
		if cap(w.entry.Attributes) > maxPooledAttributes {
			w.entry.Attributes = nil
		}
		w.entry.Reset()
		r.pool.Put(w)
	}()

	e := &w.entry
	e.Timestamp = record.Timestamp()
	e.Observed = record.ObservedTimestamp()
	e.Severity = int(record.Severity())
	e.SeverityText = record.SeverityText()
	e.EventName = record.EventName()
	e.Body = record.Body()
	e.Context = run.IDsFromContext(ctx)
	e.Resource = r.resolveResource(record.Resource())
	scope := record.InstrumentationScope()
	e.ScopeName = scope.Name
	if scope.Attributes.Len() > 0 {
		e.Scope = r.encoder.Resolve(all(&scope.Attributes))
	}
	record.WalkAttributes(w.visit)
	line, meta, err := r.encoder.Append(dst, e, limit)
	if err == mapping.ErrNoRun {
		r.missingRun(scope.Name)
	}
	return line, meta, err
}

func (r *Reader) missingRun(logger string) {
	switch r.encoder.MissingRun() {
	case mapping.WarnMissingRun:
		r.reporter.MissingRun(logger)
	case mapping.ErrorMissingRun:
		r.reporter.Tell(diag.NoRun(logger))
	}
}

func (r *Reader) resolveResource(res *resource.Resource) mapping.Source {
	if known := r.resource.Load(); known != nil && known.resource == res {
		return known.source
	}
	var source mapping.Source
	if res != nil {
		source = r.encoder.Resolve(all(res.Set()))
	}
	r.resource.Store(&resolvedResource{res, source})
	return source
}

func all(set *attribute.Set) iter.Seq[attribute.KeyValue] {
	return func(yield func(attribute.KeyValue) bool) {
		for i := set.Iter(); i.Next(); {
			if !yield(i.Attribute()) {
				return
			}
		}
	}
}
