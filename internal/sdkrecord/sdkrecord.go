// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package sdkrecord

import (
	"context"
	"iter"
	"strconv"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"

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

// walker is an entry and the functions that fill it, bound once so that a walk
// does not allocate.
type walker struct {
	entry   mapping.Entry
	visit   func(attribute.KeyValue) bool
	ambient func() (baggage, span run.IDs)
	ctx     context.Context // of the record at hand
}

// maxPooledAttributes bounds the memory that a pooled walker holds on to.
const maxPooledAttributes = 256

// NewReader returns a reader that encodes by encoder and speaks through reporter.
func NewReader(encoder *mapping.Encoder, reporter *diag.Reporter) *Reader {
	r := &Reader{encoder: encoder, reporter: reporter}
	r.pool.New = func() any {
		w := new(walker)
		w.visit = func(kv attribute.KeyValue) bool {
			w.entry.Add(encoder, kv)
			return true
		}
		w.ambient = func() (baggage, span run.IDs) { return r.ambient(w.ctx) }
		return w
	}
	return r
}

// Append appends the line of a record to dst, as [mapping.Encoder.Append] does.
// The record is only read.
func (r *Reader) Append(ctx context.Context, dst []byte, record *sdklog.Record, limit int) ([]byte, mapping.Meta, error) {
	w := r.walker()
	defer r.release(w)
	r.fill(ctx, w, record)
	line, meta, err := r.encoder.Append(dst, &w.entry, limit)
	if err == mapping.ErrNoRun {
		r.missingRun(w.entry.ScopeName, w.entry.Attributes)
	}
	return line, meta, err
}

func (r *Reader) walker() *walker { return r.pool.Get().(*walker) }

func (r *Reader) release(w *walker) {
	if cap(w.entry.Attributes) > maxPooledAttributes {
		w.entry.Attributes = nil
	}
	w.ctx = nil
	r.pool.Put(w) // what the entry still holds goes with the pool, or when it is filled again
}

// fill makes the record the walker's entry. It sets every field, which costs less than
// emptying the entry before.
func (r *Reader) fill(ctx context.Context, w *walker, record *sdklog.Record) {
	e := &w.entry
	e.Timestamp = record.Timestamp()
	e.Observed = record.ObservedTimestamp()
	e.Severity = int(record.Severity())
	e.SeverityText = record.SeverityText()
	e.EventName = record.EventName()
	e.Body = record.Body()
	e.TraceID = record.TraceID()
	e.SpanID = record.SpanID()
	w.ctx = ctx
	e.Context = run.IDsFromContext(ctx)
	e.Ambient = w.ambient
	e.Resource = r.resolveResource(record.Resource())
	scope := record.InstrumentationScope()
	e.ScopeName = scope.Name
	e.Scope = mapping.Source{}
	if scope.Attributes.Len() > 0 {
		e.Scope = r.encoder.Resolve(all(&scope.Attributes))
	}
	e.Attributes, e.Omitted = e.Attributes[:0], false
	record.WalkAttributes(w.visit)
}

// attributer is a span of the SDK's that is being recorded.
type attributer interface {
	Attributes() []attribute.KeyValue
}

// ambient finds the runs that trusted baggage and the span in ctx name.
func (r *Reader) ambient(ctx context.Context) (baggage, span run.IDs) {
	if members := run.TrustedBaggage(ctx); members != nil {
		baggage = r.encoder.Resolve(func(yield func(attribute.KeyValue) bool) {
			for name, value := range members {
				if !yield(attribute.String(name, value)) {
					return
				}
			}
		}).Run
	}
	if recording, ok := trace.SpanFromContext(ctx).(attributer); ok {
		span = r.encoder.ResolveSlice(recording.Attributes()).Run
	}
	return baggage, span
}

func (r *Reader) missingRun(logger string, attributes []attribute.KeyValue) {
	switch r.encoder.MissingRun() {
	case mapping.WarnMissingRun:
		r.reporter.MissingRun(logger, func() string { return place(attributes) })
	case mapping.ErrorMissingRun:
		r.reporter.Tell(diag.NoRun(logger, place(attributes)))
	}
}

// maxPlace bounds each part of a place, in bytes.
const maxPlace = 200

// place returns where in the program a record comes from, as far as it says so:
// "main.work (main.go:12)", or "".
func place(attributes []attribute.KeyValue) string {
	var function, file, line string
	for _, kv := range attributes {
		switch text := kv.Value; kv.Key {
		case "code.function.name", "code.function":
			function = printable(text.AsString())
		case "code.file.path", "code.filepath":
			file = printable(text.AsString())
		case "code.line.number", "code.lineno":
			line = strconv.FormatInt(text.AsInt64(), 10)
		}
	}
	if file != "" && line != "" {
		file += ":" + line
	}
	switch {
	case function != "" && file != "":
		return function + " (" + file + ")"
	default:
		return function + file
	}
}

// printable returns a text as a part of an error: short and on one line.
func printable(text string) string {
	quoted := strconv.Quote(text[:min(len(text), maxPlace)])
	return quoted[1 : len(quoted)-1]
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
