// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// In a bubble time stands still while a goroutine can run, so a call that waits for the
// server takes as long as the request does, or for ever.
func TestLoggingAndFlushDoNotWaitForAServerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.server.FaultAlways(prefecttest.Hang())
		start := time.Now()
		r.info(1)
		r.batch.Flush()
		synctest.Wait() // until the request is on its way
		if s := r.batch.Stats(); s.InFlight != 1 || r.posts() != 1 {
			t.Fatalf("the server has %d requests: %v", r.posts(), s)
		}
		r.info(10)
		r.batch.Flush()
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
		if s := r.batch.Stats(); s.Stored != 0 || s.Queued != 10 {
			t.Errorf("%v, want 10 in the queue", s)
		}
		r.server.ClearFaults()
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.wantStored(11)
	})
}
