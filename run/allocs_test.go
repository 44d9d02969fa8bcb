// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package run_test

import (
	"context"
	"testing"

	"github.com/prefectlogs/prefectlogs/run"
)

func TestIDsOfAContextAllocateNothing(t *testing.T) {
	ctx := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
	if n := testing.AllocsPerRun(10_000, func() { run.IDsFromContext(ctx) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestIDsOfBaggageAllocateNothing(t *testing.T) {
	carried := withBaggage(t.Context(), run.FlowRunIDKey, flowA, run.TaskRunIDKey, taskA, "user", "4711")
	for name, tt := range map[string]struct {
		ctx  context.Context
		want run.IDs
	}{
		"trusted":     {run.TrustBaggage(carried), run.Info{FlowRunID: flowA, TaskRunID: taskA}.IDs()},
		"not trusted": {carried, run.IDs{}},
		"none":        {run.TrustBaggage(t.Context()), run.IDs{}},
	} {
		if got := run.IDsFromBaggage(tt.ctx); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
		if n := testing.AllocsPerRun(10_000, func() { run.IDsFromBaggage(tt.ctx) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
