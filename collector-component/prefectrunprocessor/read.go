// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/run"
)

// named is what attributes say.
type named struct {
	run        run.IDs
	flowItself bool // of a span: it is that of the flow run
	optedOut   bool // of a log: it is none for Prefect
	engine     bool // of a log: Prefect's own engine wrote it
}

// runTypeKey tells on Prefect's spans of which kind the run is.
const runTypeKey = "prefect.run.type"

// idsOf reads the run that attributes name, by the keys of the configuration.
func (c *core) idsOf(attributes pcommon.Map) named {
	var n named
	flowType, names := false, false
	for key, value := range attributes.All() {
		switch key {
		case runTypeKey:
			flowType = value.AsString() == "flow"
		case "send_to_api", "send_to_orion":
			n.optedOut = n.optedOut || isFalse(value)
		case "code.file.path", "code.filepath":
			n.engine = n.engine || isEngine(value.Str())
		}
		names = names || c.plan.names[key]
	}
	if !names { // as nearly always
		return n
	}
	source := c.plan.encoder.Resolve(func(yield func(attribute.KeyValue) bool) {
		for key, value := range attributes.All() {
			// Ids are texts; a value of another type is no id, and is to be told of.
			kv := attribute.KeyValue{Key: attribute.Key(key)}
			switch value.Type() {
			case pcommon.ValueTypeEmpty:
			case pcommon.ValueTypeStr:
				kv.Value = attribute.StringValue(value.Str())
			default:
				kv.Value = attribute.BoolValue(false)
			}
			if !yield(kv) {
				return
			}
		}
	})
	n.run = source.Run
	n.flowItself = flowType && !n.run.Flow.IsZero() && n.run.Task.IsZero()
	return n
}

func isFalse(value pcommon.Value) bool {
	return value.Type() == pcommon.ValueTypeBool && !value.Bool() ||
		value.Type() == pcommon.ValueTypeStr && strings.EqualFold(value.Str(), "false")
}

func isEngine(file string) bool {
	return strings.HasSuffix(file, "prefect/task_engine.py") || strings.HasSuffix(file, "prefect/flow_engine.py")
}

// What Prefect's engine says of a task run in the span of whatever called it (task_engine.py).
var besideItsSpan = []string{"Created task run ", "Finished in state "}

// learnable is what a log that names its run tells of the span that it is in. What Prefect's engine says of a task run stands in part
// in the span of the flow run; of that only the flow run is taken.
func learnable(record plog.LogRecord, n named) run.IDs {
	ids := n.run
	if ids.Task.IsZero() || ids.Flow.IsZero() {
		return ids
	}
	beside := n.engine
	if body := record.Body(); body.Type() == pcommon.ValueTypeStr {
		for _, start := range besideItsSpan {
			beside = beside || strings.HasPrefix(body.Str(), start)
		}
	}
	if beside {
		ids.Task = run.ID{}
	}
	return ids
}
