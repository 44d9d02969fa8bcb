// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"context"
	"slices"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

// urgentEvery is how often the urgent lane can wake the worker ahead of time.
const urgentEvery = 100 * time.Millisecond

// forever is longer than anything the worker waits for.
const forever = 24 * time.Hour

// work is the goroutine that owns sending.
func (b *Batch) work() {
	defer close(b.done)
	timer := time.NewTimer(forever)
	defer timer.Stop()
	for {
		request, wait, stop := b.next(time.Now())
		if request.Records() > 0 {
			select {
			case <-b.hurry: // meant for a wait of an earlier request
			default:
			}
			began := time.Now()
			outcome := b.sender.Send(b.hard, request, b.hurry)
			b.settle(outcome, request.Records(), time.Since(began))
			continue
		}
		if stop {
			return
		}
		timer.Reset(wait)
		select {
		case <-b.wake:
		case <-timer.C:
		}
	}
}

// next returns the request to send now; or how long to wait for one; or that
// the worker is to end.
func (b *Batch) next(now time.Time) (request payload.Request, wait time.Duration, stop bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait, notice := b.dueLocked(now), b.noticeDueLocked(now)
	if wait > 0 && notice > 0 {
		return request, min(wait, notice), b.stopping
	}
	limits := b.config.limits
	limits.Records = b.pace.size()
	if notice <= 0 {
		b.notices = b.losses.tell(&request, limits, now)
		b.stats.Emitted += uint64(b.notices)
		b.noticedAt = now
	}
	if b.queue.hasUrgent() {
		b.urgentAt = now
	}
	b.queue.take(&request, limits)
	b.stats.Requests++
	b.stats.Bytes += uint64(request.Size())
	return request, 0, false
}

// noticeDueLocked returns how long the losses may stay untold; at most 0 means
// they are due.
func (b *Batch) noticeDueLocked(now time.Time) time.Duration {
	if len(b.losses.untold) == 0 {
		return forever
	}
	if b.stopping || len(b.flushing) > 0 {
		return 0
	}
	return b.noticedAt.Add(noticeEvery).Sub(now)
}

// dueLocked returns how long what is queued may still wait; at most 0 means it is due.
func (b *Batch) dueLocked(now time.Time) time.Duration {
	q := &b.queue
	if q.records == 0 {
		return forever
	}
	if b.stopping || len(b.flushing) > 0 || q.records >= b.pace.size() || q.length >= b.config.limits.Bytes {
		return 0
	}
	wait := forever
	if q.hasUrgent() {
		wait = b.urgentAt.Add(urgentEvery).Sub(now)
	}
	if since, ok := q.oldest(normal); ok {
		wait = min(wait, since.Add(b.config.interval).Sub(now))
	}
	return wait
}

// settle counts what became of the request under way and gives its memory back.
func (b *Batch) settle(outcome payload.Outcome, records int, took time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if outcome.Resolved+outcome.Resent == 0 { // else the time was spent on looking, not on storing
		b.pace.done(records, took, outcome.Err == nil)
	}
	b.stats.Stored += uint64(outcome.Stored)
	b.stats.Refused += uint64(len(outcome.Refused))
	for _, refusal := range outcome.Refused {
		b.losses.addLine(refusal.Line, refused)
	}
	b.losses.told(outcome.Err == nil)
	b.notices = 0
	b.stats.Retries += uint64(outcome.Retries)
	b.stats.Resolved += uint64(outcome.Resolved)
	b.stats.Resent += uint64(outcome.Resent)
	b.stats.Blind += uint64(outcome.Blind)
	b.stats.Duplicated += uint64(outcome.Duplicated)
	unsent := outcome.Unsent.Records()
	b.stats.Unknown += uint64(outcome.Unknown)
	b.stats.Dropped.Shutdown += uint64(unsent - outcome.Unknown)
	b.queue.land()
	if outcome.Err != nil {
		b.lastErr = outcome.Err
	}
	if b.hard.Err() != nil {
		b.stats.Dropped.Shutdown += uint64(b.queue.evictAll())
		b.losses = losses{} // there is nobody left to tell them
		if b.lastErr == nil {
			b.lastErr = context.Cause(b.hard)
		}
	}
	b.madeRoomLocked()
	b.flushing = slices.DeleteFunc(b.flushing, func(f *flush) bool {
		if !b.queue.passed(f.until) {
			return false
		}
		close(f.done)
		return true
	})
}
