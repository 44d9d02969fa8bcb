// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/internal/spool"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// spoolWait is how long logging waits for the disk at most, about.
const spoolWait = 250 * time.Millisecond

// The waits between two tries to send what was taken over, which grow from the one to the other.
const (
	firstAdoptionWait   = 500 * time.Millisecond
	longestAdoptionWait = 30 * time.Second
)

// adoptionEvery is how many requests of new records go before one of old ones, where both wait.
const adoptionEvery = 3

// adoptionPatience is how many tries in a row have to fail before a shutdown leaves it to the next process.
const adoptionPatience = 3

// adoption is what processes that have ended have left in the spool. Little of it is in
// memory at a time: a page, or several small ones.
type adoption struct {
	begun   bool         // the folder has been looked through
	files   []spool.Page // not yet read
	loading bool

	since    time.Time       // when the processes were known to have ended
	pages    []spool.Page    // that were read
	rest     payload.Request // of their records, what is not settled and not under way
	flying   int             // records under way
	behind   payload.Request // what follows the request under way
	memory   int             // bytes
	due      time.Time       // of the next try, behind one that failed
	failures int             // in a row
	passed   int             // requests of new records since the last one of these
}

// waiting is how many records are read and not under way.
func (a *adoption) waiting() int { return a.rest.Records() + a.behind.Records() }

// over reports whether a shutdown need not wait: there is nothing left to send, or it cannot be sent now.
func (a *adoption) over() bool {
	return a.begun && !a.loading && (a.hopeless() || len(a.files) == 0 && a.rest.Records() == 0)
}

func (a *adoption) hopeless() bool { return a.failures >= adoptionPatience }

// turn reports whether it is the turn of old records although new ones wait.
func (a *adoption) turn() bool {
	a.passed++
	return a.passed > adoptionEvery
}

// take returns the next request.
func (a *adoption) take(limits payload.Limits) payload.Request {
	request, behind := a.rest.Cut(limits.Records)
	fits, more := request.CutSize(limits.Bytes)
	more.Append(behind)
	a.rest, a.behind, a.flying, a.passed = payload.Request{}, more, fits.Records(), 0
	return fits
}

// openSpool opens the spool and looks for what earlier processes have left there.
func (b *Batch) openSpool() (err error) {
	wait := spoolWait
	if b.config.overflow == Block {
		wait = b.config.blockTimeout
	}
	b.spool, err = spool.Open(spool.Config{
		Dir: b.config.spoolDir, Target: b.sender.(Resumer).Target(),
		Sync: b.config.spoolSync, SyncEvery: b.config.spoolEvery,
		Wait: wait, Stalled: b.wake, MaxPage: int64(b.config.queueSize), Say: b.reporter.Tell,
	})
	if err != nil {
		return fmt.Errorf("processor: %w", err)
	}
	b.queue.spool, b.queue.maxDisk = b.spool, b.config.spoolSize
	b.spool.Adopt(b.adopt)
	return nil
}

// spoolLines writes a record to its file, or each of its parts.
func spoolLines(encoded []byte, meta mapping.Meta, file *spool.File, parts []*spool.File) {
	if file != nil {
		file.Append(encoded)
	}
	if len(parts) == 0 {
		return
	}
	i := 0
	for part := range mapping.Lines(encoded, meta) {
		if parts[i] != nil {
			parts[i].Append(part)
		}
		i++
	}
}

// adopt gets the pages of processes that have ended, and drops the oldest ones where they take
// more than three quarters of the spool.
func (b *Batch) adopt(files []spool.Page) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := &b.adoption
	a.begun, a.since = true, time.Now()
	total := 0
	for _, file := range files {
		total += int(file.Size) + pageOverhead
	}
	b.queue.disk += total
	for ; total > b.queue.maxDisk/4*3; files = files[1:] {
		total -= int(files[0].Size) + pageOverhead
		b.readLost(files[:1], func(lines payload.Lines) {
			b.stats.Adopted += uint64(lines.Records())
			b.stats.Dropped.SpoolFull += uint64(lines.Records())
			b.losses.add(lines, spoolFull)
		})
		b.discardLocked(files[:1])
	}
	a.files = files
	signal(b.wake)
}

// readLost reads pages that are to be removed, and hands what was in them to lost, which
// holds the lock.
func (b *Batch) readLost(pages []spool.Page, lost func(payload.Lines)) {
	b.spool.Load(pages, func(l spool.Loaded) {
		if l.Lines == nil {
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		lost(l.Lines.Lines())
		signal(b.wake)
	})
}

// discardLocked removes pages of processes that have ended.
func (b *Batch) discardLocked(pages []spool.Page) {
	for _, page := range pages {
		b.queue.disk -= int(page.Size) + pageOverhead
	}
	b.spool.Discard(pages)
}

// loadLocked has pages read back that will soon be sent.
func (b *Batch) loadLocked(now time.Time) {
	if b.spool == nil {
		return
	}
	for !now.Before(b.loadAt) {
		page := b.queue.toLoad(2 * b.size)
		if page == nil {
			break
		}
		b.spool.Load([]spool.Page{page.file.Page()}, func(l spool.Loaded) { b.loaded(page, l) })
	}
	a := &b.adoption
	if a.loading || len(a.files) == 0 || len(a.pages) > 0 {
		return
	}
	n, size := 0, int64(0)
	for n < len(a.files) && (n == 0 || size+a.files[n].Size <= int64(b.config.pageSize)) {
		size += a.files[n].Size
		n++
	}
	next := a.files[:n]
	a.files, a.loading = a.files[n:], true
	b.spool.Load(next, b.adoptedLoaded)
}

// loadAgain is how long a disk that failed to read a page back is left alone.
const loadAgain = 10 * time.Second

// loaded puts a page that was read back into the queue. One that cannot be read for the moment, as when the program has
// too many open files, stays in its file.
func (b *Batch) loaded(page *queuedPage, l spool.Loaded) {
	b.mu.Lock()
	if l.Later && !page.leave {
		b.queue.notLoaded(page)
		b.loadAt, b.lastErr = time.Now().Add(loadAgain), l.Err
		b.mu.Unlock()
		b.spool.Aside(func() {
			b.reporter.Once("spool later", fmt.Errorf("log records that wait in the spool cannot be read back now, which is tried again; that is not said any more: %w", l.Err))
		})
		signal(b.wake)
		return
	}
	b.loadAt = time.Time{}
	lost := b.queue.loaded(page, l.Lines)
	b.stats.Dropped.SpoolLost += uint64(lost)
	b.endFlushesLocked()
	b.mu.Unlock()
	if lost > 0 {
		err := l.Err
		if err == nil {
			err = errors.New("the file is not as it was written")
		}
		b.spool.Aside(func() {
			b.reporter.Once("spool lost", fmt.Errorf("%d log records that waited in the spool cannot be read back and are lost; further ones are only counted: %w", lost, err))
		})
	}
	signal(b.wake)
}

// adoptedLoaded takes the records of pages that were taken over.
func (b *Batch) adoptedLoaded(l spool.Loaded) {
	b.mu.Lock()
	a := &b.adoption
	a.loading, a.pages = false, l.Pages
	if l.Lines != nil {
		a.rest.Add(l.Lines.Lines(), payload.Limits{Bytes: l.Lines.Cap() + payload.Overhead, Records: l.Lines.Lines().Records()})
		a.memory = l.Lines.Cap()
		b.stats.Adopted += uint64(a.rest.Records())
		b.dropTooLongLocked()
	}
	if a.rest.Records() == 0 {
		b.endAdoptedLocked()
	}
	b.mu.Unlock()
	if l.Err != nil {
		b.spool.Aside(func() {
			b.reporter.Tell(fmt.Errorf("the spool has pages that are left as they are: %w", l.Err))
		})
	}
	signal(b.wake)
}

// dropTooLongLocked drops records that are longer than a log may be now: the process that encoded them had
// another limit.
func (b *Batch) dropTooLongLocked() {
	var positions []int
	for i, line := range b.adoption.rest.All() {
		if len(line) > b.config.limits.LogBytes {
			positions = append(positions, i)
			b.losses.addLine(line, tooLong)
		}
	}
	if len(positions) > 0 {
		b.adoption.rest, _ = b.adoption.rest.Without(positions)
		b.stats.Dropped.TooLarge += uint64(len(positions))
	}
}

// endAdoptedLocked removes the pages that were read.
func (b *Batch) endAdoptedLocked() {
	a := &b.adoption
	b.discardLocked(a.pages)
	a.pages, a.memory = nil, 0
}

// patience is how long what a process that ended has sent may still be stored.
func (b *Batch) patience() time.Duration {
	if resumer, ok := b.sender.(Resumer); ok && b.spool != nil {
		return resumer.Patience()
	}
	return 0
}

// adoptionDueLocked returns how long what was taken over has to wait; at most 0 means it is due. It waits
// for the patience here rather than in Resume, where new records would wait, too.
func (b *Batch) adoptionDueLocked(now time.Time, patience time.Duration) time.Duration {
	a := &b.adoption
	if a.rest.Records() == 0 || b.stopping && a.hopeless() {
		return forever
	}
	return max(a.since.Add(patience).Sub(now), a.due.Sub(now))
}

// awaitsDiskLocked reports whether the worker has to go on although nothing is due: there are
// records that wait in files, and the disk answers and can be read.
func (b *Batch) awaitsDiskLocked() bool {
	return b.spool != nil && !b.spool.Stalled() && (b.queue.alone > 0 && b.loadAt.IsZero() || !b.adoption.over())
}

// resume sends records that were taken over and settles what became of them.
func (b *Batch) resume(request payload.Request) {
	b.mu.Lock()
	since := b.adoption.since
	b.stats.Requests++
	b.stats.Bytes += uint64(request.Size())
	b.mu.Unlock()
	outcome := b.sender.(Resumer).Resume(b.hard, request, since)

	b.mu.Lock()
	defer b.mu.Unlock()
	b.countLocked(outcome)
	a := &b.adoption
	a.rest = outcome.Unsent
	a.rest.Append(a.behind)
	a.behind, a.flying = payload.Request{}, 0
	switch {
	case outcome.Err != nil:
		wait := min(firstAdoptionWait<<min(a.failures, 10), longestAdoptionWait)
		a.failures++
		a.due = time.Now().Add(wait/2 + rand.N(wait))
	case a.rest.Records() == 0:
		a.failures = 0
		b.endAdoptedLocked()
	default:
		a.failures = 0
	}
	b.madeRoomLocked()
	if b.hard.Err() != nil {
		b.giveUpLocked()
	}
}
