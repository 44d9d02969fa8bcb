// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"container/list"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/internal/spool"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// accept puts a record into the queue, or drops what policy drops. It returns
// false where the caller has to wait for room and encode again. Each part of a
// split record counts as a record.
func (b *Batch) accept(encoded []byte, meta mapping.Meta) bool {
	b.mu.Lock()
	if b.stopping {
		b.stats.Emitted += uint64(meta.Parts)
		b.stats.Dropped.Shutdown += uint64(meta.Parts)
		b.mu.Unlock()
		return true
	}
	b.sequencer.Stamp(encoded, meta)
	var p placed
	var parts []*spool.File // of a record that was split, where there is a spool
	if meta.Parts <= 1 {
		p = b.putLocked(encoded, meta)
	} else {
		p, parts = b.putPartsLocked(encoded, meta)
	}
	b.mu.Unlock()
	if p.news {
		signal(b.wake)
	}
	if p.lost {
		b.tellFull()
	}
	if b.spool != nil {
		spoolLines(encoded, meta, p.file, parts)
	}
	return p.done
}

// placed is what became of a line.
type placed struct {
	news bool        // the worker needs to know
	lost bool        // records were lost
	done bool        // else the caller has to wait
	file *spool.File // that it has to be written to; nil: none
}

// putPartsLocked puts the parts of a split record into the queue, and returns the file of each.
// Only where not even the first one finds room the caller has to wait.
func (b *Batch) putPartsLocked(encoded []byte, meta mapping.Meta) (all placed, files []*spool.File) {
	for part := range mapping.Lines(encoded, meta) {
		p := b.putLocked(part, meta)
		if !p.done && !all.done {
			return placed{}, nil
		}
		if !p.done {
			b.dropLocked(part)
			p.lost = true
		}
		all.news, all.lost, all.done = all.news || p.news, all.lost || p.lost, true
		if b.spool != nil {
			files = append(files, p.file)
		}
	}
	return all, files
}

// putLocked puts a line into the queue, in place of older ones where policy has it
// so, or drops it where policy has that.
func (b *Batch) putLocked(line []byte, meta mapping.Meta) placed {
	lane := b.queue.laneFor(meta.Level, meta.Run.Flow)
	lost := false
	for {
		if page := b.queue.put(line, lane, meta.Run.Flow, time.Now); page != nil {
			b.stats.Emitted++
			return placed{news: b.newsLocked(lane), lost: lost, done: true, file: page.file}
		}
		evicted := 0
		if b.config.overflow == DropOldest {
			evicted = b.queue.evict(lane, b.lostLocked)
			b.stats.Dropped.QueueFull += uint64(evicted)
		}
		if evicted == 0 {
			block := b.config.overflow == Block
			b.full.Store(block || !b.queue.takesPage()) // a long line may find no room where others do
			if block {
				return placed{}
			}
			b.dropLocked(line)
			return placed{lost: true, done: true}
		}
		lost = true
	}
}

// dropLocked counts a line that finds no room.
func (b *Batch) dropLocked(line []byte) {
	b.stats.Emitted++
	b.stats.Dropped.QueueFull++
	b.losses.addLine(line, queueFull)
}

// lostLocked notes that a page is dropped because the queue is full. One in its file alone is
// read back first, so that its runs can be told.
func (b *Batch) lostLocked(page *queuedPage) {
	if page.page != nil {
		b.losses.add(page.waiting(), queueFull)
		return
	}
	b.readLost([]spool.Page{page.file.Page()}, func(lines payload.Lines) { b.losses.add(lines, queueFull) })
}

// newsLocked reports whether the worker needs to be told of the record that was just put into
// the queue: it is the first one, it fills a batch or half of the queue, or it is urgent.
func (b *Batch) newsLocked(lane int) bool {
	q := &b.queue
	switch b.attention {
	case looks:
		return false
	case waits:
		if q.records == 1 {
			return true
		}
	}
	return lane < normal || q.records == b.size || q.length >= b.config.limits.Bytes || q.fills()
}

func (b *Batch) tellFull() {
	if first(&b.saidFull) {
		b.reporter.Tell(fmt.Errorf("the queue of %d bytes is full and records are dropped: the server is slower than the program logs, or cannot be reached; raise WithQueueSize, or let a spool take what waits (WithSpool)", b.config.queueSize))
	}
}

// first reports whether something is yet to be said, for the first caller. What is said once is not to be put
// into words for each of the records that a flood loses.
func first(said *atomic.Bool) bool { return !said.Load() && said.CompareAndSwap(false, true) }

// awaitRoom returns true when a record may be encoded. Otherwise the record is to be
// dropped: at once under DropNewest, at the deadline under Block, which the first wait of a
// record sets.
func (b *Batch) awaitRoom(deadline *time.Time) bool {
	b.mu.Lock()
	if !b.full.Load() || b.stopping {
		b.mu.Unlock()
		return true
	}
	if b.config.overflow != Block || b.gaveUp {
		b.mu.Unlock()
		return false
	}
	turn := make(chan struct{})
	var place *list.Element
	if deadline.IsZero() {
		*deadline = time.Now().Add(b.config.blockTimeout)
		place = b.waiting.PushBack(turn)
	} else { // it has had its turn, but found no room
		place = b.waiting.PushFront(turn)
	}
	b.mu.Unlock()

	timer := time.NewTimer(time.Until(*deadline))
	defer timer.Stop()
	select {
	case <-turn:
		return true
	case <-timer.C:
	}
	b.mu.Lock()
	select {
	case <-turn: // just now
		b.mu.Unlock()
		return true
	default:
	}
	b.waiting.Remove(place)
	if b.gaveUp = !b.tenthFreeLocked(); !b.gaveUp { // its line is too long for what is free
		b.letInLocked(b.waiting.Len())
	}
	b.mu.Unlock()
	return false
}

// dropUnencoded counts a record that finds no room and was not encoded, and notes the loss for its run. A flood
// is dropped this way, so no more is made of the record than its run and its time.
func (b *Batch) dropUnencoded(ctx context.Context, record *sdklog.Record) {
	meta, err := b.reader.Identify(ctx, record)
	if err != nil {
		b.skip(meta, err)
		return
	}
	b.lose(meta, &b.stats.Dropped.QueueFull, queueFull)
	b.tellFull()
}

// lose counts a record that is dropped without a line, and notes the loss for its run. The worker is woken if it
// has nothing else to tell: it may be waiting for a record that never comes.
func (b *Batch) lose(meta mapping.Meta, counter *uint64, why reason) {
	var room [192]byte
	head := headOf(room[:0], meta)
	b.mu.Lock()
	b.stats.Emitted++
	if b.stopping { // there is nobody left to tell it
		b.stats.Dropped.Shutdown++
		b.mu.Unlock()
		return
	}
	*counter++
	news := len(b.losses.untold) == 0
	b.losses.addLine(head, why)
	b.mu.Unlock()
	if news {
		signal(b.wake)
	}
}

// madeRoomLocked lets callers try again after pages were given back.
func (b *Batch) madeRoomLocked() {
	if b.gaveUp && !b.tenthFreeLocked() {
		return
	}
	b.gaveUp = false
	const line = 512 // about, of a record
	b.letInLocked(1 + b.queue.room()/line)
}

func (b *Batch) tenthFreeLocked() bool {
	q := &b.queue
	return q.maxBytes-q.bytes >= q.maxBytes/10 && q.maxDisk-q.disk >= q.maxDisk/10
}

// letInLocked gives the first n of the callers that wait their turn. They are no more than find room, about: to wake all
// of very many for a few places would cost far more than the records.
func (b *Batch) letInLocked(n int) {
	for ; n > 0 && b.waiting.Len() > 0; n-- {
		close(b.waiting.Remove(b.waiting.Front()).(chan struct{}))
	}
	if b.waiting.Len() == 0 {
		b.full.Store(false)
	}
}
