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
	flowRank, taskRank uint8 // rank of the key that gave the id; 0: none yet
	typed              run.ID
	runType            string
}

// offer takes an attribute into account if it names a run. It reports false for
// an attribute that should hold an id and does not.
func (f *finder) offer(m meaning, value attribute.Value) bool {
	if m.field == fieldRunType {
		f.runType = value.AsString()
		return true
	}
	if value.Type() != attribute.STRING {
		return value.Type() == attribute.EMPTY
	}
	text := value.AsString()
	id, err := run.ParseID(text)
	if err != nil {
		return isPlaceholder(text)
	}
	switch m.field {
	case fieldFlowRun:
		if f.flowRank == 0 || m.rank < f.flowRank {
			f.ids.Flow, f.flowRank = id, m.rank
		}
	case fieldTaskRun:
		if f.taskRank == 0 || m.rank < f.taskRank {
			f.ids.Task, f.taskRank = id, m.rank
		}
	case fieldRunID:
		f.typed = id
	}
	return true
}

// run returns the ids after the last attribute.
func (f *finder) run() run.IDs {
	if !f.typed.IsZero() {
		typed := attribute.StringValue(f.typed.String())
		switch f.runType {
		case "flow":
			f.offer(meaning{fieldFlowRun, rankTypedRun}, typed)
		case "task":
			f.offer(meaning{fieldTaskRun, rankTypedRun}, typed)
		}
		f.typed = run.ID{}
	}
	return f.ids
}

// isPlaceholder reports whether text is what Prefect's Python loggers put where
// there is no id. It says nothing about the run and is no mistake.
func isPlaceholder(text string) bool {
	return text == "" || text == "None" || text == "<unknown>"
}

// resolve finds the run of a record among sources, the first one first.
func resolve(sources ...run.IDs) run.IDs {
	var found run.IDs
	for _, source := range sources {
		if found.Task.IsZero() {
			found.Task = source.Task
		}
		if !source.Flow.IsZero() {
			found.Flow = source.Flow
			return found
		}
	}
	return run.IDs{}
}

// unknownService begins the name that the OpenTelemetry SDK gives a service
// whose name nobody told it.
const unknownService = "unknown_service"

// Resolve reads the attributes of a scope or a resource, once for all records
// that share them.
func (enc *Encoder) Resolve(attributes iter.Seq[attribute.KeyValue]) Source {
	var source Source
	var find finder
	for kv := range attributes {
		m := enc.keys.lookup(string(kv.Key))
		switch m.field {
		case fieldFlowRun, fieldTaskRun, fieldRunID, fieldRunType:
			if !find.offer(m, kv.Value) {
				enc.badID(string(kv.Key))
			}
		case fieldServiceName:
			if name := kv.Value.String(); !strings.HasPrefix(name, unknownService) {
				source.ServiceName = name
			}
		}
	}
	source.Run = find.run()
	return source
}
