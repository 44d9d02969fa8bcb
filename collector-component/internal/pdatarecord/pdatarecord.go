// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package pdatarecord

import (
	"iter"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/mapping"
)

// Reader encodes the records of one push after another. It keeps no pdata
// between calls. It is not safe for concurrent use: each push has its own.
type Reader struct {
	encoder  *mapping.Encoder
	entry    mapping.Entry
	resource mapping.Source
	scope    mapping.Source
	name     string // of the scope
}

// NewReader returns a reader that encodes by encoder.
func NewReader(encoder *mapping.Encoder) *Reader { return &Reader{encoder: encoder} }

// Resource begins the records of a resource. Those of no scope come next.
func (r *Reader) Resource(resource pcommon.Resource) {
	r.resource = r.encoder.Resolve(all(resource.Attributes()))
	r.scope, r.name = mapping.Source{}, ""
}

// Scope begins the records of a scope of the resource told last.
func (r *Reader) Scope(scope pcommon.InstrumentationScope) {
	r.scope, r.name = r.encoder.Resolve(all(scope.Attributes())), scope.Name()
}

// Reset forgets the resource and the scope, so that a reader that is kept pins nothing of them.
func (r *Reader) Reset() { r.resource, r.scope, r.name = mapping.Source{}, mapping.Source{}, "" }

// Append appends the line of a record to dst, as [mapping.Encoder.Append] does.
// The record is only read.
func (r *Reader) Append(dst []byte, record plog.LogRecord, limit int) ([]byte, mapping.Meta, error) {
	defer r.entry.Reset()
	c := converter{budget: max(limit, mapping.MinLimit)}
	e := &r.entry
	if record.Timestamp() != 0 {
		e.Timestamp = record.Timestamp().AsTime()
	}
	if record.ObservedTimestamp() != 0 {
		e.Observed = record.ObservedTimestamp().AsTime()
	}
	e.Severity = int(record.SeverityNumber())
	e.SeverityText = record.SeverityText()
	e.EventName = record.EventName()
	e.Body = c.value(record.Body(), 0)
	e.TraceID = record.TraceID()
	e.SpanID = record.SpanID()
	e.ScopeName, e.Scope, e.Resource = r.name, r.scope, r.resource
	for key, value := range record.Attributes().All() {
		kv := attribute.KeyValue{Key: attribute.Key(key)}
		if value.Type() == pcommon.ValueTypeStr { // as most are
			kv.Value = attribute.StringValue(value.Str())
		} else {
			kv.Value = c.value(value, 0)
		}
		if len(e.Attributes) < mapping.MaxAttributes {
			e.Attributes = append(e.Attributes, kv)
		} else {
			e.Add(r.encoder, kv)
		}
	}
	return r.encoder.Append(dst, e, limit)
}

func all(m pcommon.Map) iter.Seq[attribute.KeyValue] {
	return func(yield func(attribute.KeyValue) bool) {
		for key, value := range m.All() {
			switch value.Type() {
			case pcommon.ValueTypeStr: // all that names a run or a service
				if !yield(attribute.String(key, value.Str())) {
					return
				}
			default:
				c := converter{budget: 1}
				if !yield(attribute.KeyValue{Key: attribute.Key(key), Value: c.value(value, 0)}) {
					return
				}
			}
		}
	}
}

// maxDepth is how deep lists and maps are read: one more than package mapping
// shows, so that it sees that there is more.
const maxDepth = 65

// converter copies the structure of lists and maps; texts are shared.
type converter struct {
	budget int // members that are still copied: no line has room for more, with one byte each
}

func (c *converter) value(v pcommon.Value, depth int) attribute.Value {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return attribute.StringValue(v.Str())
	case pcommon.ValueTypeBool:
		return attribute.BoolValue(v.Bool())
	case pcommon.ValueTypeInt:
		return attribute.Int64Value(v.Int())
	case pcommon.ValueTypeDouble:
		return attribute.Float64Value(v.Double())
	case pcommon.ValueTypeBytes:
		return attribute.ByteSliceValue(v.Bytes().AsRaw())
	case pcommon.ValueTypeSlice:
		var list []attribute.Value
		for _, element := range v.Slice().All() {
			if depth >= maxDepth || c.budget <= 0 {
				break
			}
			c.budget--
			list = append(list, c.value(element, depth+1))
		}
		return attribute.SliceValue(list...)
	case pcommon.ValueTypeMap:
		var members []attribute.KeyValue
		for key, value := range v.Map().All() {
			if depth >= maxDepth || c.budget <= 0 {
				break
			}
			c.budget--
			members = append(members, attribute.KeyValue{Key: attribute.Key(key), Value: c.value(value, depth+1)})
		}
		return attribute.MapValue(members...)
	default:
		return attribute.Value{}
	}
}
