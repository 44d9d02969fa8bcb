// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/join"
)

// outbox hands on the logs of one pipeline that have waited, in the order in which they were settled. While the next component
// does not take them, the pipeline takes no push either. It is safe for concurrent use.
type outbox struct {
	of   *logsProcessor
	wake chan struct{}

	mu    sync.Mutex // guards queue
	queue []join.Settled[held]
	busy  atomic.Bool // there is something that is not handed on yet

	sending  chan struct{} // holds a value while logs are handed on; guards what follows. Whoever waits for it must be able to leave
	unsent   plog.Logs     // what the next component did not take; the zero value: nothing
	refusals time.Time     // since when it takes nothing; zero: it does

	end  context.CancelFunc
	work sync.WaitGroup
}

// Waits between tries to hand on, and after how long of them logs are given up.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
	giveUp     = time.Minute
)

// Bounds of what is handed on at once: a push that is larger than the next component's queue, or than a message of its may be, would never
// be taken.
const (
	maxPushLogs  = 1000
	maxPushBytes = 1 << 20 // or one log
)

// first returns how many of the logs that were settled first go on together.
func first(queue []join.Settled[held]) int {
	n, bytes := 0, 0
	for n < min(len(queue), maxPushLogs) && (n == 0 || bytes+queue[n].Size <= maxPushBytes) {
		bytes += queue[n].Size
		n++
	}
	return n
}

func newOutbox(of *logsProcessor) *outbox {
	return &outbox{of: of, wake: make(chan struct{}, 1), sending: make(chan struct{}, 1), end: func() {}}
}

// add takes a log. Its caller holds the lock of the core, so that logs come in the order in which they were settled.
func (o *outbox) add(log join.Settled[held]) {
	o.mu.Lock()
	o.queue = append(o.queue, log)
	o.busy.Store(true)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) start() {
	ctx, end := context.WithCancel(context.Background())
	o.end = end
	o.work.Go(func() { o.run(ctx) })
}

// run hands on what comes, until ctx ends.
func (o *outbox) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		}
		for wait := firstRetry; o.flush(ctx) != nil; wait = min(2*wait, lastRetry) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
	}
}

// flush hands on all there is. It returns the error of a next component that may take it later.
func (o *outbox) flush(ctx context.Context) error {
	if !o.busy.Load() {
		return nil
	}
	select {
	case o.sending <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-o.sending }()
	for {
		if o.unsent == (plog.Logs{}) {
			o.mu.Lock()
			n := first(o.queue)
			queue := o.queue[:n]
			if o.queue = o.queue[n:]; len(o.queue) == 0 {
				o.queue = nil
			}
			o.busy.Store(n > 0)
			o.mu.Unlock()
			if n == 0 {
				o.refusals = time.Time{}
				return nil
			}
			o.unsent = o.of.core.collect(queue)
			clear(queue) // what stands behind may keep its memory
		}
		if err := o.send(ctx); err != nil {
			return err
		}
	}
}

// send hands on what is unsent.
func (o *outbox) send(ctx context.Context) error {
	n := o.unsent.LogRecordCount()
	err := o.of.next.ConsumeLogs(ctx, o.unsent)
	switch {
	case err == nil:
		o.unsent, o.refusals = plog.Logs{}, time.Time{}
		return nil
	case o.refusals.IsZero():
		o.refusals = time.Now()
	}
	gone := o.unsent.LogRecordCount() != n // the next component has changed what it did not take
	if consumererror.IsPermanent(err) || gone {
		o.refusals = time.Time{} // it does not refuse all
	} else if time.Since(o.refusals) < giveUp {
		return err
	}
	o.lose(n, err)
	return nil
}

// lose gives up what is unsent.
func (o *outbox) lose(n int, err error) {
	o.unsent = plog.Logs{}
	o.of.core.telemetry.lost(n)
	o.of.core.logger.Warn("Logs that had waited for their run are lost: the next component does not take them.", zap.Int("logs", n), zap.Error(err))
}

// shutdown hands on what is left, as long as the next component may take it and ctx has not ended.
func (o *outbox) shutdown(ctx context.Context) error {
	o.end()
	o.work.Wait()
	began := time.Now()
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := o.flush(ctx)
		if err == nil {
			return nil
		}
		if time.Since(began)+wait < lastRetry {
			select {
			case <-ctx.Done():
			case <-time.After(wait):
				continue
			}
		}
		o.sending <- struct{}{}
		defer func() { <-o.sending }()
		o.mu.Lock()
		defer o.mu.Unlock()
		n := o.unsent.LogRecordCount() + len(o.queue)
		o.queue = nil
		o.lose(n, err)
		return fmt.Errorf("%d logs that had waited for their run are lost: %w", n, err)
	}
}

// collect stamps logs and puts them together, those with the same around into one part, in the order in which they came.
func (c *core) collect(settled []join.Settled[held]) plog.Logs {
	logs := plog.NewLogs()
	records := map[*around]plog.LogRecordSlice{}
	var counts [rules]int
	var causes [join.Drained + 1]int
	for _, s := range settled {
		into, ok := records[s.Log.around]
		if !ok {
			into = s.Log.around.appendTo(logs)
			records[s.Log.around] = into
		}
		record := into.AppendEmpty()
		s.Log.record.MoveTo(record)
		counts[c.stamp(record, c.idsOf(record.Attributes()).run, s.Answer)]++
		causes[s.Cause]++
	}
	c.telemetry.stamped(counts)
	c.telemetry.settled(causes)
	return logs
}
