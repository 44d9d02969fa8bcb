// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
)

func TestFlushesTakeNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.stall(otellog.SeverityInfo, "first")
		over, cancel := context.WithCancel(t.Context())
		cancel()
		for range 2000 { // more than the queue has pages
			r.info(1)
			r.batch.Flush()
			if err := r.batch.ForceFlush(over); err == nil {
				t.Fatal("a flush that cannot end has ended well")
			}
		}
		if s := r.batch.Stats(); s.Dropped.QueueFull > 0 || s.QueuedBytes > mib {
			t.Errorf("%v", s)
		}
		r.server.ClearFaults()
	})
}

// What comes behind a flush does not delay it, and is not taken for what it waits for.
func TestAFlushEndsWhenItsRecordsAreStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithBatchRecords(5))
		r.stall(otellog.SeverityInfo, "first")
		r.info(7)
		flushed := make(chan error, 1)
		go func() { flushed <- r.batch.ForceFlush(t.Context()) }()
		synctest.Wait()
		r.info(8)
		r.server.ClearFaults()
		r.server.FaultAlways(prefecttest.Delay(time.Hour))
		if err := <-flushed; err != nil {
			t.Fatal(err)
		}
		if s := r.batch.Stats(); s.Stored < 8 || s.Stored > 11 { // in requests of five
			t.Errorf("%d are stored at the end of the flush", s.Stored)
		}
		r.server.ClearFaults()
	})
}

func TestFlushesLeaveAServerAloneThatAsksForTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.server.FaultAlways(prefecttest.Status(429).RetryAfter("60"))
		r.info(1)
		for range 2000 {
			r.batch.Flush()
			time.Sleep(10 * time.Millisecond)
		}
		if n := len(r.server.Requests()); n > 4 {
			t.Errorf("%d requests in 20 seconds", n)
		}
		r.server.ClearFaults()
	})
}

func TestAFlushBringsNoNoticeOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		for range 20 {
			r.server.Fault(prefecttest.Refuse(0))
			r.info(1)
			if err := r.batch.ForceFlush(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(r.notices()); n > 1 {
			t.Errorf("%d notices in 2 seconds", n)
		}
		r.server.ClearFaults()
	})
}

// A queue that is smaller than a request is sent before it is full.
func TestASmallQueueLosesNothingToAServerThatAnswers(t *testing.T) {
	for _, policy := range []processor.Overflow{processor.DropOldest, processor.DropNewest, processor.Block} {
		for name, load := range map[string]struct {
			records, size int
			pause         time.Duration
		}{"long records": {60, 100_000, 50 * time.Millisecond}, "many records": {3000, 3000, time.Millisecond}} {
			t.Run(fmt.Sprint(policy, " ", name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, nil, processor.WithQueueSize(2*mib), processor.WithBatchRecords(1000), processor.WithOverflow(policy))
					body := strings.Repeat("x", load.size)
					for range load.records {
						r.emit(inRun(t.Context()), otellog.SeverityInfo, body)
						time.Sleep(load.pause)
					}
					r.batch.Flush()
					time.Sleep(time.Minute)
					if s := r.batch.Stats(); s.Stored != uint64(load.records) {
						t.Errorf("%v", s)
					}
				})
			})
		}
	}
}

func TestAnEarlierDeadlineCutsAShutdownThatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.stall(otellog.SeverityInfo, "first")
		r.info(5)
		ended := make(chan error, 1)
		go func() { ended <- r.batch.Shutdown(context.Background()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		if err := r.batch.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "6 log records") {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %v", took)
		}
		if err := <-ended; err == nil {
			t.Error("the first shutdown speaks of no loss")
		}
		if err := r.batch.Shutdown(t.Context()); err != nil {
			t.Errorf("behind them: %v", err)
		}
	})
}

// Programs end with Shutdown(context.Background()).
func TestAShutdownWithoutADeadlineEndsWhereTheServerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.server.FaultAlways(prefecttest.Status(401)) // held, as where nobody listens
		r.info(3)
		began := time.Now()
		err := r.batch.Shutdown(context.Background())
		if took := time.Since(began); took != 30*time.Second || err == nil || !strings.Contains(err.Error(), "3 log records not delivered") {
			t.Errorf("after %v: %v", took, err)
		}
		r.balance()
	})
}

func TestAShutdownWithoutADeadlineWaitsForASlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithBatchRecords(1))
		r.server.FaultAlways(prefecttest.Delay(20 * time.Second))
		r.info(20)
		if err := r.batch.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		r.wantStored(20)
	})
}

// deaf refuses a record, and takes nothing any more then, as an exporter that somebody else has shut down.
type deaf struct {
	nullSender
	sends *atomic.Int64
}

func (d deaf) Send(_ context.Context, request payload.Request, _ <-chan struct{}) (o payload.Outcome) {
	if d.sends.Add(1) == 1 {
		for _, line := range request.All() {
			o.Refused = append(o.Refused, payload.Refusal{Line: bytes.Clone(line)})
		}
		return o
	}
	return payload.Outcome{Unsent: request, Err: errors.New("it is shut down")}
}

func TestAShutdownTellsNobodyWhoDoesNotListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sends := new(atomic.Int64)
		batch := newBatchOn(t, deaf{newNullSender(t), sends})
		record := sixAttributes()
		if err := errors.Join(batch.OnEmit(inRun(t.Context()), &record), batch.ForceFlush(t.Context())); err != nil {
			t.Fatal(err)
		}
		if err := batch.Shutdown(t.Context()); err == nil {
			t.Error("a shutdown that could not tell of a loss speaks of none")
		}
		if n := sends.Load(); n > 3 {
			t.Errorf("%d requests", n)
		}
	})
}
