// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package runconfig_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/runconfig"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

const (
	flow = "11111111-1111-4111-8111-111111111111"
	task = "22222222-2222-4222-8222-222222222222"
)

// problems collects what is bad.
type problems []string

func (p *problems) bad(key, format string, args ...any) {
	*p = append(*p, key+" "+fmt.Sprintf(format, args...))
}

func TestTheDefaultRun(t *testing.T) {
	tests := []struct {
		name string
		of   runconfig.Default
		want run.IDs
		bad  problems
	}{
		{"none", runconfig.Default{}, run.IDs{}, nil},
		{"a flow run", runconfig.Default{FlowRunID: flow}, run.Info{FlowRunID: flow}.IDs(), nil},
		{"a task run of a flow run", runconfig.Default{FlowRunID: flow, TaskRunID: task}, run.Info{FlowRunID: flow, TaskRunID: task}.IDs(), nil},
		{"a flow run that is no UUID", runconfig.Default{FlowRunID: "x"}, run.IDs{}, problems{"default_run::flow_run_id is no UUID; want the id of a run, as it stands in the address of its page"}},
		{
			"a task run that is no UUID", runconfig.Default{FlowRunID: flow, TaskRunID: "x"}, run.Info{FlowRunID: flow}.IDs(),
			problems{"default_run::task_run_id is no UUID; want the id of a run, as it stands in the address of its page"},
		},
		{
			"a task run alone", runconfig.Default{TaskRunID: task}, run.Info{TaskRunID: task}.IDs(),
			problems{"default_run::task_run_id is set without flow_run_id; a task run needs its flow run"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got problems
			if ids := test.of.IDs(got.bad); ids != test.want {
				t.Errorf("got %v, want %v", ids, test.want)
			}
			if diff := cmp.Diff(test.bad, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOwnKeysStandBeforeTheKnownOnes(t *testing.T) {
	known := mapping.Keys{{Name: "flow_run_id", Meaning: mapping.FlowRunID}, {Name: "levelno", Meaning: mapping.Level}}
	tests := []struct {
		name string
		own  runconfig.Keys
		want mapping.Keys
		bad  problems
	}{
		{"none", runconfig.Keys{}, known, nil},
		{
			"in their order", runconfig.Keys{FlowRunID: []string{"a", "b"}, TaskRunID: []string{"c"}},
			mapping.Keys{{Name: "a", Meaning: mapping.FlowRunID}, {Name: "b", Meaning: mapping.FlowRunID}, {Name: "c", Meaning: mapping.TaskRunID}, known[0], known[1]}, nil,
		},
		{
			"a known one means what is said here", runconfig.Keys{TaskRunID: []string{"flow_run_id"}},
			mapping.Keys{{Name: "flow_run_id", Meaning: mapping.TaskRunID}, known[1]}, nil,
		},
		{"an empty one", runconfig.Keys{FlowRunID: []string{""}}, known, problems{"run_keys::flow_run_id::0 is empty"}},
		{
			"one for both kinds of run", runconfig.Keys{FlowRunID: []string{"a"}, TaskRunID: []string{"b", "a"}},
			mapping.Keys{{Name: "a", Meaning: mapping.FlowRunID}, {Name: "b", Meaning: mapping.TaskRunID}, known[0], known[1]},
			problems{`run_keys::task_run_id::1 is "a", as run_keys::flow_run_id::0 is; leave one of them out`},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got problems
			if diff := cmp.Diff(test.want, test.own.Before(known, got.bad)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.bad, got); diff != "" {
				t.Error(diff)
			}
			if len(known) != 2 || known[0].Meaning != mapping.FlowRunID {
				t.Errorf("the known keys were changed: %v", known)
			}
		})
	}
}
