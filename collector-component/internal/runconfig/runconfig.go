// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package runconfig

import (
	"fmt"
	"slices"

	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

// Bad takes what is wrong with a key, given by its path.
type Bad func(key, format string, args ...any)

// Default names the run of records for which none is found. The zero value names none.
type Default struct {
	FlowRunID string `mapstructure:"flow_run_id"`
	TaskRunID string `mapstructure:"task_run_id"`
}

const notUUID = "is no UUID; want the id of a run, as it stands in the address of its page"

// IDs returns the run that d names, and tells bad of what is wrong with it.
func (d Default) IDs(bad Bad) run.IDs {
	ids := run.Info{FlowRunID: d.FlowRunID, TaskRunID: d.TaskRunID}.IDs()
	if d.FlowRunID != "" && ids.Flow.IsZero() {
		bad("default_run::flow_run_id", notUUID)
	}
	if d.TaskRunID != "" && ids.Task.IsZero() {
		bad("default_run::task_run_id", notUUID)
	}
	if d.TaskRunID != "" && d.FlowRunID == "" {
		bad("default_run::task_run_id", "is set without flow_run_id; a task run needs its flow run")
	}
	return ids
}

// Keys are attribute keys that name runs, the most important one first.
type Keys struct {
	FlowRunID []string `mapstructure:"flow_run_id"`
	TaskRunID []string `mapstructure:"task_run_id"`
}

// Before returns known with the keys of k in front of it, and tells bad of what is wrong with them. A key that is known already
// means what k says.
func (k Keys) Before(known mapping.Keys, bad Bad) mapping.Keys {
	var keys mapping.Keys
	at := map[string]string{} // the paths of the names
	add := func(list string, names []string, meaning mapping.Meaning) {
		for i, name := range names {
			path := fmt.Sprintf("run_keys::%s::%d", list, i)
			switch first, twice := at[name]; {
			case name == "":
				bad(path, "is empty")
			case twice:
				bad(path, "is %q, as %s is; leave one of them out", name, first)
			default:
				at[name] = path
				keys = append(keys, mapping.Key{Name: name, Meaning: meaning})
			}
		}
	}
	add("flow_run_id", k.FlowRunID, mapping.FlowRunID)
	add("task_run_id", k.TaskRunID, mapping.TaskRunID)
	for _, key := range known {
		if !slices.ContainsFunc(keys, func(own mapping.Key) bool { return own.Name == key.Name }) {
			keys = append(keys, key)
		}
	}
	return keys
}
