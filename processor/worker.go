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

// attention is when the worker looks at the queue next, so that it is only woken where that is
// too late: waking a goroutine costs more than a record.
type attention int

const (
	waits   attention = iota // when it is told to
	watches                  // within the interval that a record may wait
	looks                    // before it waits for anything
)

// work is the goroutine that owns sending.
func (b *Batch) work() {
	defer close(b.done)
	timer := time.NewTimer(forever)
	defer timer.Stop()
	for {
		task := b.next(time.Now(), b.patience())
		switch {
		case task.adopted:
			b.resume(task.request)
		case task.request.Records() > 0:
			select {
			case <-b.hurry: // meant for a wait of an earlier request
			default:
			}
			began := time.Now()
			outcome := b.sender.Send(b.hard, task.request, b.hurry)
			b.settle(outcome, task.request.Records(), time.Since(began))
		case task.stop:
			return
		default:
			timer.Reset(task.wait)
			select {
			case <-b.wake:
			case <-timer.C:
			case <-b.hard.Done():
				b.giveUp()
				return
			}
		}
	}
}

// task is what the worker does next.
type task struct {
	request payload.Request // to send, if it has records
	adopted bool            // it is of processes that have ended
	stop    bool            // the worker is to end
	wait    time.Duration   // else, for news
}

// next returns what to do now. patience is how long what a process that ended has sent may
// still be stored.
func (b *Batch) next(now time.Time, patience time.Duration) (t task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loadLocked(now)
	b.attention = looks
	due, notice := b.dueLocked(now), b.noticeDueLocked(now)
	adopted := b.adoptionDueLocked(now, patience)
	if due > 0 && notice > 0 || adopted <= 0 && b.adoption.turn() {
		if adopted <= 0 {
			return task{request: b.adoption.take(b.requestLimitsLocked()), adopted: true}
		}
		t = task{wait: min(due, notice, adopted), stop: b.stopping && !b.awaitsDiskLocked()}
		if idle := now.Sub(b.sentAt); b.queue.records == 0 && idle < b.config.interval {
			t.wait = min(t.wait, b.config.interval-idle) // there were records, so more will come
		} else if b.queue.records == 0 {
			b.queue.trim(maxIdlePages)
		}
		if b.queue.alone > 0 && now.Before(b.loadAt) {
			t.wait = min(t.wait, b.loadAt.Sub(now))
		}
		b.attention = waits
		if t.wait <= b.config.interval {
			b.attention = watches
		}
		return t
	}
	limits := b.requestLimitsLocked()
	if notice <= 0 {
		b.notices = b.losses.tell(&t.request, limits, now)
		b.stats.Emitted += uint64(b.notices)
		b.noticedAt = now
	}
	if b.queue.hasUrgent() {
		b.urgentAt = now
	}
	b.queue.take(&t.request, limits)
	b.stats.Requests++
	b.stats.Bytes += uint64(t.request.Size())
	return t
}

// requestLimitsLocked are the limits of the next request.
func (b *Batch) requestLimitsLocked() payload.Limits {
	limits := b.config.limits
	limits.Records = b.size
	return limits
}

// noticeDueLocked returns how long the losses may stay untold; at most 0 means
// they are due.
func (b *Batch) noticeDueLocked(now time.Time) time.Duration {
	if len(b.losses.untold) == 0 {
		return forever
	}
	if b.stopping {
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
	if b.stopping || !q.passed(b.asked) || q.records >= b.size || q.length >= b.config.limits.Bytes || q.fills() {
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
	switch {
	case outcome.Err != nil, outcome.Overloaded > 0:
		b.pace.Failed()
	case outcome.Resolved+outcome.Resent+outcome.Retries == 0: // else the time was spent on looking or waiting, not on storing
		b.pace.Stored(records, took)
	}
	b.size = b.pace.Size()
	b.sentAt = time.Now()
	b.countLocked(outcome)
	b.losses.told(outcome.Err == nil)
	b.notices = 0
	// What is in a file is left there for the next process, which looks for it before it sends it.
	left := b.queue.leaveUnsent(outcome.Unsent)
	unsent := outcome.Unsent.Records() - left
	unknown := min(outcome.Unknown, unsent)
	b.stats.Unknown += uint64(unknown)
	b.stats.Dropped.Shutdown += uint64(unsent - unknown)
	b.queue.land()
	if outcome.Err != nil {
		b.lastErr = outcome.Err
		if b.stopping {
			b.losses = losses{} // the sender has been shut down: nobody can be told
		}
	}
	if b.hard.Err() != nil {
		b.giveUpLocked()
	}
	b.madeRoomLocked()
	b.endFlushesLocked()
}

// countLocked counts what became of the records of a request, but for those unsent.
func (b *Batch) countLocked(outcome payload.Outcome) {
	b.stats.Stored += uint64(outcome.Stored)
	b.stats.Refused += uint64(len(outcome.Refused))
	for _, refusal := range outcome.Refused {
		b.losses.addLine(refusal.Line, refused)
	}
	b.stats.Retries += uint64(outcome.Retries)
	b.stats.Resolved += uint64(outcome.Resolved)
	b.stats.Resent += uint64(outcome.Resent)
	b.stats.Blind += uint64(outcome.Blind)
	b.stats.Duplicated += uint64(outcome.Duplicated)
}

// endFlushesLocked lets those go on whose records have left the queue.
func (b *Batch) endFlushesLocked() {
	b.flushing = slices.DeleteFunc(b.flushing, func(f *flush) bool {
		if !b.queue.passed(f.until) {
			return false
		}
		close(f.done)
		return true
	})
}

// giveUp ends the work at a hard stop.
func (b *Batch) giveUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.giveUpLocked()
}

func (b *Batch) giveUpLocked() {
	b.stats.Dropped.Shutdown += uint64(b.queue.evictAll())
	b.losses = losses{} // there is nobody left to tell them
	if b.lastErr == nil {
		b.lastErr = context.Cause(b.hard)
	}
}
