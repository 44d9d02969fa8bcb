// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector makes sync.Pool forget on purpose, which then allocates.

package processor_test

import (
	"context"
	"testing"

	"github.com/prefectlogs/prefectlogs/processor"
)

func TestOnEmitAllocatesNothing(t *testing.T) {
	t.Run("in memory", func(t *testing.T) { wantNoAllocations(t, newNullBatch(t)) })
	t.Run("with a spool", func(t *testing.T) { wantNoAllocations(t, newNullBatch(t, processor.WithSpool(t.TempDir()))) })
	t.Run("where there is no room", func(t *testing.T) {
		batch := newStalledBatch(t)
		wantNoAllocations(t, batch)
		if s := batch.Stats(); s.Dropped.QueueFull < 20_000 {
			t.Errorf("records found room: %v", s)
		}
	})
}

func wantNoAllocations(t *testing.T, batch *processor.Batch) {
	record, ctx := sixAttributes(), inRun(context.Background())
	emit := func() {
		if err := batch.OnEmit(ctx, &record); err != nil {
			t.Fatal(err)
		}
	}
	for range 10_000 {
		emit() // until the pools and the free pages are filled
	}
	if n := testing.AllocsPerRun(20_000, emit); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
