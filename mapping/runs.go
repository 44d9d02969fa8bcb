// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"iter"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/run"
)

// finder collects the run that attributes name.
type finder struct {
	ids                run.IDs
	flowRank, taskRank uint16 // rank of the key that gave the id; 0: none yet
	typed              run.ID
	typedRank          uint16
	runType            string
}

// parsed is an id and its text, of the record before: programs log many records of a run.
type parsed struct {
	text string // "": none yet
	id   run.ID
}

func (p *parsed) parse(text string) (run.ID, error) {
	const canonical = len("11111111-2222-3333-4444-555555555555") // what programs log
	if p != nil && len(text) == canonical && p.text == text {
		return p.id, nil
	}
	id, err := run.ParseID(text)
	if p != nil && err == nil && len(text) == canonical {
		p.text, p.id = text, id
	}
	return id, err
}

// offer takes an attribute into account if it names a run. It reports false for
// an attribute that should hold an id and does not. before, if not nil, is what the
// attribute of this meaning held last.
func (f *finder) offer(m *meaning, value *attribute.Value, before *parsed) bool {
	if m.field == RunType {
		f.runType = value.AsString()
		return true
	}
	if value.Type() != attribute.STRING {
		return value.Type() == attribute.EMPTY
	}
	text := value.AsString()
	id, err := before.parse(text)
	if err != nil {
		return isPlaceholder(text)
	}
	switch m.field {
	case FlowRunID:
		f.flow(id, m.rank)
	case TaskRunID:
		f.task(id, m.rank)
	case TypedID:
		if f.typedRank == 0 || m.rank < f.typedRank {
			f.typed, f.typedRank = id, m.rank
		}
	}
	return true
}

func (f *finder) flow(id run.ID, rank uint16) {
	if f.flowRank == 0 || rank < f.flowRank {
		f.ids.Flow, f.flowRank = id, rank
	}
}

func (f *finder) task(id run.ID, rank uint16) {
	if f.taskRank == 0 || rank < f.taskRank {
		f.ids.Task, f.taskRank = id, rank
	}
}

// run returns the ids after the last attribute.
func (f *finder) run() run.IDs {
	if f.typedRank != 0 {
		switch f.runType {
		case "flow":
			f.flow(f.typed, f.typedRank)
		case "task":
			f.task(f.typed, f.typedRank)
		}
	}
	return f.ids
}

// isPlaceholder reports whether text is what Prefect's Python loggers put where
// there is no id. It says nothing about the run and is no mistake.
func isPlaceholder(text string) bool {
	return text == "" || text == "None" || text == "<unknown>"
}

// Run returns the run that the attributes of e name by themselves, and the one that
// e belongs to, as [Encoder.Append] finds it: zero IDs where no source names a flow run.
func (enc *Encoder) Run(e *Entry) (own, all run.IDs) {
	s := e.begin(enc)
	enc.read(s, e)
	own = s.find.run()
	return own, enc.resolve(own, e)
}

// resolve finds the run of a record; the zero IDs where nothing names a flow run.
func (enc *Encoder) resolve(found run.IDs, e *Entry) run.IDs {
	if found = found.Or(e.Context); !found.Flow.IsZero() {
		return found
	}
	if e.Ambient != nil {
		baggage, span := e.Ambient()
		found = found.Or(baggage).Or(span)
	}
	found = found.Or(e.Scope.Run).Or(e.Resource.Run).Or(enc.config.Default)
	if found.Flow.IsZero() {
		return run.IDs{}
	}
	return found
}

// unknownService begins the name that the OpenTelemetry SDK gives a service
// whose name nobody told it.
const unknownService = "unknown_service"

// Resolve reads the attributes of a scope or a resource, once for all records
// that share them, or those of baggage.
func (enc *Encoder) Resolve(attributes iter.Seq[attribute.KeyValue]) Source {
	r := resolver{enc: enc}
	for kv := range attributes {
		r.add(kv)
	}
	return r.source()
}

// ResolveSlice is Resolve for attributes in a slice, as spans have them. It does
// not allocate.
func (enc *Encoder) ResolveSlice(attributes []attribute.KeyValue) Source {
	r := resolver{enc: enc}
	for _, kv := range attributes {
		r.add(kv)
	}
	return r.source()
}

// resolver collects a [Source].
type resolver struct {
	enc         *Encoder
	find        finder
	serviceName string
}

func (r *resolver) add(kv attribute.KeyValue) {
	m := r.enc.table.lookup(string(kv.Key))
	switch m.field {
	case FlowRunID, TaskRunID, TypedID, RunType:
		if !r.find.offer(&m, &kv.Value, nil) {
			r.enc.badID(string(kv.Key))
		}
	case ServiceName:
		if name := kv.Value.AsString(); !strings.HasPrefix(name, unknownService) {
			r.serviceName = name
		}
	}
}

func (r *resolver) source() Source { return Source{Run: r.find.run(), ServiceName: r.serviceName} }
