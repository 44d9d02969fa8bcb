// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// TestAnOutageCostsNextToNothing: a minute without a server, with more records
// than the queue holds, and then all that was kept is delivered.
func TestAnOutageCostsNextToNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const records = 200_000
		r := newRig(t, nil)
		r.server.FaultAlways(prefecttest.CutBefore())
		body := strings.Repeat("x", 200)
		before := heap()
		for range records {
			r.emit(inRun(context.Background()), otellog.SeverityInfo, body)
			r.balance()
		}
		if grown, limit := heap()-before, int64(16*mib*6/5+8*mib); grown > limit {
			t.Errorf("the heap grew by %d bytes, more than %d", grown, limit)
		}
		spent := processorTime(t)
		for range 60 {
			time.Sleep(time.Second)
			r.balance()
		}
		if spent = processorTime(t) - spent; spent > time.Minute/100 {
			t.Errorf("waiting for a minute takes %v of a core", spent)
		}
		kept := r.batch.Stats()
		defer r.watchBalance()()
		r.server.ClearFaults()
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.balance()
		want := records - kept.Dropped.Total() // a notice of those may be among what is queued or under way
		if got := uint64(len(r.stored())); got != want || want == 0 {
			t.Errorf("%d records stored of %d kept", got, want)
		}
	})
}
