// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package sdkrecord

import (
	"context"
	"errors"
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
	reporter *diag.Reporter // nil: it says nothing
	resource atomic.Pointer[resolvedResource]
	pool     sync.Pool // of *Encoded
}

// resolvedResource remembers what the resource seen last says: a provider has one.
type resolvedResource struct {
	resource *resource.Resource
	source   mapping.Source
}

// Encoded is a record that [Reader.Encode] has made a line of.
type Encoded struct {
	Line []byte
	Meta mapping.Meta

	entry   mapping.Entry
	ambient func() (baggage, span run.IDs) // bound once, so that it does not allocate
	ctx     context.Context                // of the record
}

// Bounds of the memory that a pooled record holds on to.
const (
	maxPooledAttributes = 256
	maxPooledLine       = 256 << 10
)

// NewReader returns a reader that encodes by encoder and speaks through reporter, which may be nil where encoder
// ignores records without a run.
func NewReader(encoder *mapping.Encoder, reporter *diag.Reporter) *Reader {
	r := &Reader{encoder: encoder, reporter: reporter}
	r.pool.New = func() any {
		e := new(Encoded)
		e.ambient = func() (baggage, span run.IDs) { return r.ambient(e.ctx) }
		return e
	}
	return r
}

// Encode makes the line of a record, as [mapping.Encoder.Append] does. The record is only read.
// What Encode returns is in memory of the reader's, which [Reader.Release] takes back, also
// after an error.
func (r *Reader) Encode(ctx context.Context, record *sdklog.Record, limit int) (*Encoded, error) {
	e := r.fill(ctx, record)
	var err error
	e.Line, e.Meta, err = r.encoder.Append(e.Line[:0], &e.entry, limit)
	if err == mapping.ErrNoRun {
		r.missingRun(e.entry.ScopeName, e.entry.Attributes)
	}
	return e, err
}

// Identify returns whose record it is, of which level and when, or why it has no line, as
// [mapping.Encoder.Identify] does. The record is only read, and nothing has to be released.
func (r *Reader) Identify(ctx context.Context, record *sdklog.Record) (mapping.Meta, error) {
	e := r.fill(ctx, record)
	meta, err := r.encoder.Identify(&e.entry)
	if err == mapping.ErrNoRun {
		r.missingRun(e.entry.ScopeName, e.entry.Attributes)
	}
	r.Release(e)
	return meta, err
}

// Release takes the memory of a record back.
func (r *Reader) Release(e *Encoded) {
	if cap(e.entry.Attributes) > maxPooledAttributes {
		e.entry.Attributes = nil
	}
	if cap(e.Line) > maxPooledLine {
		e.Line = nil
	}
	e.ctx = nil
	r.pool.Put(e) // what the entry still holds goes with the pool, or when it is filled again
}

// fill reads a record. It sets every field of an entry, which costs less than emptying it before.
func (r *Reader) fill(ctx context.Context, record *sdklog.Record) *Encoded {
	encoded := r.pool.Get().(*Encoded)
	e := &encoded.entry
	e.Timestamp = record.Timestamp()
	e.Observed = record.ObservedTimestamp()
	e.Severity = int(record.Severity())
	e.SeverityText = record.SeverityText()
	e.EventName = record.EventName()
	e.Body = record.Body()
	e.TraceID = record.TraceID()
	e.SpanID = record.SpanID()
	encoded.ctx = ctx
	e.Context = r.runOf(ctx)
	e.Ambient = encoded.ambient
	e.Resource = r.resolveResource(record.Resource())
	scope := record.InstrumentationScope()
	e.ScopeName = scope.Name
	e.Scope = mapping.Source{}
	if scope.Attributes.Len() > 0 {
		e.Scope = r.encoder.Resolve(all(&scope.Attributes))
	}
	e.Attributes, e.Omitted = e.Attributes[:0], false
	if record.AttributesLen() > mapping.MaxAttributes {
		record.WalkAttributes(func(kv attribute.KeyValue) bool {
			e.Add(r.encoder, kv)
			return true
		})
		return encoded
	}
	attributes := e.Attributes
	record.WalkAttributes(func(kv attribute.KeyValue) bool { // which is compiled into a loop
		attributes = append(attributes, kv)
		return true
	})
	e.Attributes = attributes
	return encoded
}

var errBadContext = errors.New("the run of a context (run.NewContext) holds a run id that is no UUID; it counts as absent")

// runOf returns the run that ctx carries.
func (r *Reader) runOf(ctx context.Context) run.IDs {
	ids, valid := run.IDsFromContext(ctx)
	if !valid && r.reporter != nil {
		r.reporter.Once("id of a context", errBadContext)
	}
	return ids
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
