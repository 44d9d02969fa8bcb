// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package run_test

import (
	"testing"

	"github.com/prefectlogs/prefectlogs/run"
)

func TestIDsOfAContextAllocateNothing(t *testing.T) {
	ctx := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
	if n := testing.AllocsPerRun(10_000, func() { run.IDsFromContext(ctx) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
