// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// Meaning is what an attribute is for, besides being shown.
type Meaning uint8

// The meanings of attributes. Those that name a run count wherever they stand:
// on records, in trusted baggage, on spans, scopes and resources.
const (
	FlowRunID Meaning = iota + 1 // names the flow run
	TaskRunID                    // names the task run
	TypedID                      // names the run whose kind RunType tells
	RunType                      // "flow" or "task"

	Level               // on records: a level of Python's logging, 10..59
	Logger              // on records: the logger's name
	SendToAPI           // on records: false is for records that are not for Prefect
	ExceptionType       // on records
	ExceptionMessage    // on records
	ExceptionStacktrace // on records
	ServiceName         // on resources: the logger's name where nothing better is known
	RunName             // on records that name a run by id too: says what its page shows, and messages leave it out
)

// Key is an attribute key and its meaning.
type Key struct {
	Name    string
	Meaning Meaning
}

// Keys is a table of keys. Of two keys with the same meaning the one that stands
// first wins, if it holds a UUID where one is due. A [TypedID] is in
// competition with flow run ids or task run ids, by what it turns out to be.
type Keys []Key

// DefaultKeys returns the table that is used where none is configured. It is the
// caller's to change.
func DefaultKeys() Keys {
	return Keys{
		{"prefect.flow_run.id", FlowRunID},
		{"prefect.flow_run_id", FlowRunID},
		{"flow_run_id", FlowRunID}, // of Prefect's Python loggers
		{"prefect.task_run.id", TaskRunID},
		{"prefect.task_run_id", TaskRunID},
		{"task_run_id", TaskRunID},    // of Prefect's Python loggers
		{"prefect.run.id", TypedID},   // of Prefect's spans
		{"prefect.run.type", RunType}, // of Prefect's spans
		{"k8s.pod.label.prefect.io/flow-run-id", FlowRunID},
		{"k8s.pod.labels.prefect.io/flow-run-id", FlowRunID},
		{"container.label.prefect.io/flow-run-id", FlowRunID},
		{"container.label.io.prefect.flow-run-id", FlowRunID},
		{"prefect.io/flow-run-id", FlowRunID},

		{"levelno", Level},
		{"logger.name", Logger},
		{"log.logger", Logger},
		{"send_to_api", SendToAPI},
		{"send_to_orion", SendToAPI}, // until Prefect 3.0.1
		{"exception.type", ExceptionType},
		{"exception.message", ExceptionMessage},
		{"exception.stacktrace", ExceptionStacktrace},
		{"service.name", ServiceName},
		{"prefect.flow_run.name", RunName}, // these of our own loggers and processors
		{"prefect.flow.name", RunName},
		{"prefect.task_run.name", RunName},
		{"prefect.task.name", RunName},
		{"prefect.deployment.name", RunName},
		{"flow_run_name", RunName}, // these of Prefect's Python loggers
		{"flow_name", RunName},
		{"task_run_name", RunName},
		{"task_name", RunName},
		{"deployment_name", RunName},
	}
}

// WithCICD returns the table with OpenTelemetry's keys of pipeline runs added.
// They are not in the default one, since other systems than Prefect use them too.
func (k Keys) WithCICD() Keys {
	return append(k[:len(k):len(k)],
		Key{"cicd.pipeline.run.id", FlowRunID},
		Key{"cicd.pipeline.task.run.id", TaskRunID},
	)
}

// field is what becomes of an attribute: one of the meanings above, or one of these.
type field = Meaning

const (
	fieldNone    field = 0          // goes into the message
	fieldDenied  field = 255 - iota // its name speaks of a secret: left out
	fieldSkipped                    // it is not among those allowed
)

// meaning is a field and the rank of its key.
type meaning struct {
	field field
	pair  string // " key=" for a key that needs no quotes in key=value text; else ""
	rank  uint16 // of two keys that mean the same the lower one wins; never 0
	bit   uint64 // of this key alone; 0: it has none
}

// table is what a [Config] says about attribute keys. It is safe for concurrent use.
type table struct {
	meanings    map[string]meaning
	allow, deny []string
	dotted      bool // a pattern may mean what is within a map by its whole name
	cache       keyCache
}

func newTable(c Config) (*table, error) {
	t := &table{meanings: make(map[string]meaning, len(c.Keys)), allow: lowered(c.Allow), deny: lowered(c.Deny)}
	if c.Allow != nil && t.allow == nil {
		t.allow = []string{}
	}
	t.dotted = slices.ContainsFunc(t.deny, func(pattern string) bool {
		return strings.Contains(pattern, ".") && !slices.Contains(DefaultDeny(), pattern)
	})
	for i, key := range c.Keys {
		if key.Meaning < FlowRunID || key.Meaning > RunName || key.Name == "" || i >= 1<<16-1 {
			return nil, fmt.Errorf("mapping: key %d of the table, %q, is invalid: it needs a name and a meaning", i, key.Name)
		}
		if _, twice := t.meanings[key.Name]; twice {
			return nil, fmt.Errorf("mapping: key %q stands in the table of keys twice", key.Name)
		}
		t.meanings[key.Name] = meaning{field: key.Meaning, rank: uint16(i + 1)}
	}
	return t, nil
}

// denies reports whether the dotted name, as messages show it, of what is within a map is denied.
func (t *table) denies(name []byte) bool { return t.dotted && matchesAny(t.deny, stringOf(name)) }

// lookup returns what a key means.
func (t *table) lookup(key string) meaning { return t.cache.lookup(key, t) }

// classify looks a key up, in full.
func (t *table) classify(key string) meaning {
	m := t.meaningOf(key)
	if spellingOf(key) == bare {
		m.pair = " " + key + "="
	}
	return m
}

func (t *table) meaningOf(key string) meaning {
	if m, ok := t.meanings[key]; ok {
		return m
	}
	if matchesAny(t.deny, key) {
		return meaning{field: fieldDenied}
	}
	if t.allow != nil && !matchesAny(t.allow, key) {
		return meaning{field: fieldSkipped}
	}
	return meaning{}
}
