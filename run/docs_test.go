// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/prefectlogs/prefectlogs/run"
)

// The variables of a process that the documents name are those that are read, all of them.
func TestTheDocumentsHaveTheVariablesOfTheCode(t *testing.T) {
	want := []string{
		run.DeploymentIDVariable, run.DeploymentNameVariable, run.FlowIDVariable, run.FlowNameVariable, run.FlowRunIDVariable,
		run.TaskRunIDVariable, run.WorkerIDVariable, run.WorkerNameVariable,
	}
	for _, document := range []string{"doc.go", "../docs/runs.md"} {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		got := regexp.MustCompile(`\bPREFECT__[A-Z_]+`).FindAllString(string(text), -1)
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%s has the variables %q, want %q", document, got, want)
		}
	}
	for _, variable := range want {
		setEnvironment(t, vars{run.FlowRunIDVariable: flowA, variable: taskA})
		if info, err := run.FromEnvironment(); err != nil || info == (run.Info{FlowRunID: flowA}) {
			t.Errorf("%s is not read: %+v, %v", variable, info, err)
		}
	}
}
