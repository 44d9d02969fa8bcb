// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
)

const mib = 1 << 20

func heap() int64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestAStalledServerCostsNoMoreThanTheQueueAndNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const records, errorEvery, queue = 100_000, 100, 16 * mib
		r := newRig(t, nil)
		r.server.FaultAlways(prefecttest.Hang())
		ctx := inRun(t.Context())
		body := strings.Repeat("x", 200)
		before := heap()
		for i := range records {
			if i%errorEvery == 0 {
				r.emit(ctx, otellog.SeverityError, fmt.Sprint("error ", i))
			} else {
				r.emit(ctx, otellog.SeverityInfo, body)
			}
		}
		grown := heap() - before
		r.balance()
		s := r.batch.Stats()
		t.Logf("heap grew by %d bytes: %v", grown, s)

		if limit := int64(queue + queue/5 + 8*mib); grown > limit {
			t.Errorf("the heap grew by %d bytes, more than %d", grown, limit)
		}
		if s.QueuedBytes > queue {
			t.Errorf("the queue takes %d bytes", s.QueuedBytes)
		}
		const lineBytes = 173 + 200 // about: what stands around a message, and the message
		if used := int(s.Queued+s.InFlight) * lineBytes; used < queue*9/10 {
			t.Errorf("%d of %d bytes of the queue are in use", used, queue)
		}
		if s.Dropped.QueueFull == 0 {
			t.Error("nothing was dropped")
		}
		if told := r.saidSoFar(); !slices.ContainsFunc(told, func(s string) bool { return strings.Contains(s, "queue of 16777216 bytes is full") }) {
			t.Errorf("told %q", told)
		}

		r.server.ClearFaults()
		if err := r.batch.ForceFlush(ctx); err != nil {
			t.Fatal(err)
		}
		var errorsStored int
		for _, log := range r.server.Logs() {
			if log.Level == 40 {
				errorsStored++
			}
		}
		if errorsStored != records/errorEvery {
			t.Errorf("%d of %d errors stored", errorsStored, records/errorEvery)
		}
		r.balance()
	})
}

// stall lets the server answer nothing any more, and has a request with a record under way there: what comes
// from now on waits in the queue, whenever the worker gets to run.
func (r *rig) stall(severity otellog.Severity, body string) {
	r.t.Helper()
	r.server.FaultAlways(prefecttest.Hang())
	r.emit(inRun(context.Background()), severity, body)
	r.batch.Flush()
	synctest.Wait()
	if s := r.batch.Stats(); s.Queued != 0 || s.InFlight == 0 {
		r.t.Fatalf("the record is not under way: %v", s)
	}
}

// fillUp stalls the server and logs until the queue is full. It returns how many
// records are in the queue or under way.
func (r *rig) fillUp() uint64 {
	r.t.Helper()
	r.stall(otellog.SeverityInfo, strings.Repeat("x", 500))
	for range 100_000 {
		r.emit(inRun(context.Background()), otellog.SeverityInfo, strings.Repeat("x", 500))
		if s := r.batch.Stats(); s.Dropped.QueueFull > 0 {
			r.balance()
			return s.Queued + s.InFlight
		}
	}
	r.t.Fatal("the queue does not fill up")
	return 0
}

func TestDropOldestKeepsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithQueueSize(2*mib))
		r.fillUp()
		r.emit(inRun(t.Context()), otellog.SeverityInfo, "the newest")
		r.server.ClearFaults()
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if stored := r.stored(); stored[len(stored)-1] != "the newest" {
			t.Error("the newest record was dropped")
		}
	})
}

func TestDropNewestKeepsTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithQueueSize(2*mib), processor.WithOverflow(processor.DropNewest))
		r.emit(inRun(t.Context()), otellog.SeverityInfo, "the oldest")
		before := r.fillUp()
		r.emit(inRun(t.Context()), otellog.SeverityError, "too late")
		r.server.ClearFaults()
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		stored := r.stored()
		if stored[0] != "the oldest" || slices.Contains(stored, "too late") || uint64(len(stored)) != before {
			t.Errorf("%d records stored of %d, the first %q", len(stored), before, stored[0])
		}
	})
}

func TestBlockWaitsForRoomAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const goroutines, each = 8, 2000
		r := newRig(t, nil, processor.WithQueueSize(2*mib), processor.WithOverflow(processor.Block), processor.WithBlockTimeout(time.Minute))
		r.server.Fault(prefecttest.Delay(10 * time.Second))
		var group sync.WaitGroup
		for g := range goroutines {
			group.Go(func() {
				for i := range each {
					r.emit(inRun(t.Context()), otellog.SeverityInfo, fmt.Sprint(g, i, strings.Repeat("x", 500)))
				}
			})
		}
		group.Wait()
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.wantStored(goroutines * each)
	})
}

func TestBlockingIsBoundedForTheWholeProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithQueueSize(2*mib), processor.WithOverflow(processor.Block))
		start := time.Now()
		r.fillUp()
		if got := time.Since(start); got != time.Second {
			t.Errorf("the first record without room waited for %v", got)
		}
		start = time.Now()
		for range 1000 {
			r.emit(inRun(t.Context()), otellog.SeverityError, "x")
		}
		if got := time.Since(start); got != 0 {
			t.Errorf("a thousand more waited for %v", got)
		}
		r.balance()

		r.server.ClearFaults() // and once there is room, the next record finds it
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := len(r.stored())
		r.info(1)
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.wantStored(before + 1)
	})
}

func TestShutdownReleasesBlockedCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithQueueSize(2*mib), processor.WithOverflow(processor.Block), processor.WithBlockTimeout(time.Hour))
		r.server.FaultAlways(prefecttest.Hang())
		emitted := make(chan struct{})
		go func() {
			defer close(emitted)
			for range 6000 {
				r.emit(inRun(context.Background()), otellog.SeverityInfo, strings.Repeat("x", 500))
			}
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.batch.Shutdown(ctx); err == nil {
			t.Error("no error")
		}
		<-emitted
		r.balance()
		if got := r.batch.Stats().Emitted; got != 6000 {
			t.Errorf("%d records counted", got)
		}
	})
}

func TestErrorsAreDroppedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithQueueSize(2*mib))
		r.stall(otellog.SeverityError, "under way")
		const n = 10_000 // more than the queue holds
		for i := range n {
			r.emit(inRun(t.Context()), otellog.SeverityError, fmt.Sprint(i, strings.Repeat("x", 500)))
		}
		r.emit(inRun(t.Context()), otellog.SeverityInfo, "no room for this")
		r.server.ClearFaults()
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		stored := r.stored()
		if last := stored[len(stored)-1]; !strings.HasPrefix(last, fmt.Sprint(n-1)) {
			t.Errorf("the newest error was dropped; the last one stored is %.10q", last)
		}
		if slices.Contains(stored, "no room for this") {
			t.Error("a record below ERROR took the place of an error")
		}
	})
}

func TestARecordOfAnySizeFitsTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithQueueSize(2*mib))
		for _, size := range []int{0, 1, 16_000, 17_000, 60_000, 70_000, 999_000, 5_000_000} {
			r.emit(inRun(t.Context()), otellog.SeverityInfo, strings.Repeat("x", size))
			if err := r.batch.ForceFlush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		r.wantStored(8)
		if got := r.batch.Stats().QueuedBytes; got != 0 {
			t.Errorf("the empty queue takes %d bytes", got)
		}
	})
}

func TestALongLogThatFindsNoRoomLeavesItToOthers(t *testing.T) {
	for _, policy := range []processor.Overflow{processor.DropNewest, processor.Block} {
		t.Run(fmt.Sprint("policy ", policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil, processor.WithQueueSize(2_000_000), processor.WithOverflow(policy))
				r.server.FaultAlways(prefecttest.Status(503))
				r.info(10)
				for range 2 { // which do not both fit
					r.emit(inRun(t.Context()), otellog.SeverityInfo, strings.Repeat("x", 980_000))
				}
				for range 60 {
					time.Sleep(time.Second)
					r.info(10)
				}
				if s := r.batch.Stats(); s.Dropped.QueueFull != 1 {
					t.Errorf("%d records are dropped, %d bytes of 2,000,000 in use", s.Dropped.QueueFull, s.QueuedBytes)
				}
				r.server.ClearFaults()
				r.shutdown()
				r.wantStored(611)
			})
		})
	}
}
