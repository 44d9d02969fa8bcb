// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/internal/diag"
	"github.com/prefectlogs/prefectlogs/internal/own"
	"github.com/prefectlogs/prefectlogs/internal/pace"
	"github.com/prefectlogs/prefectlogs/internal/sdkrecord"
	"github.com/prefectlogs/prefectlogs/internal/spool"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// Compile-time check that Batch implements the SDK's interface.
var _ sdklog.Processor = (*Batch)(nil)

// Batch is a processor that sends records in batches. Its queue holds encoded
// records and is bounded in bytes. All methods may be called concurrently. Get
// one from [NewBatch], and end it with Shutdown.
type Batch struct {
	sender   Sender
	reader   *sdkrecord.Reader
	reporter *diag.Reporter
	config   config
	observed *observed    // nil: no metrics
	spool    *spool.Spool // nil: none

	wake  chan struct{} // holds one element: there is news for the worker
	hurry chan struct{} // holds one element: a wait between tries is to end
	hard  context.Context
	cut   context.CancelCauseFunc
	done  chan struct{} // closed when the worker has ended

	full atomic.Bool // the last record found no room; only looked at under Block and DropNewest

	saidFull, saidTooLarge atomic.Bool // to the error handler

	mu        sync.Mutex // guards what follows; never held over I/O, a wait or a callback
	queue     queue
	sequencer mapping.Sequencer
	stats     Stats
	losses    losses
	pace      *pace.Pace
	size      int // of the next request, in records
	adoption  adoption
	notices   int       // in the request under way
	noticedAt time.Time // when losses were last told
	asked     marker    // what a flush has asked to be sent
	hurriedAt time.Time // when a flush last ended a wait between tries
	flushing  []*flush  // those that wait
	urgentAt  time.Time // when the urgent lane last woke the worker
	sentAt    time.Time // when the last request ended
	attention attention // of the worker
	loadAt    time.Time // when pages are read back again, behind a failure; zero: now
	stopping  bool
	waiting   list.List // of chan struct{}: callers under Block, each closed when it is its turn
	gaveUp    bool      // a blocked caller has waited in vain
	lastErr   error     // of the request that was cut off
}

// hurryEvery is how often a flush can end a wait between two tries: a server that asks for time gets it.
const hurryEvery = 10 * time.Second

// flush waits for the records that were in the queue when it began.
type flush struct {
	until marker
	done  chan struct{}
}

// NewBatch returns a processor that sends through sender, and starts its one
// goroutine. All problems of the options are returned in one joined error.
func NewBatch(sender Sender, opts ...Option) (*Batch, error) {
	c, err := newConfig(sender, opts)
	if err != nil {
		return nil, err
	}
	reporter := diag.New(c.onError)
	b := &Batch{
		sender:   sender,
		reader:   sdkrecord.NewReader(sender.Encoder(), reporter),
		reporter: reporter,
		config:   c,
		wake:     make(chan struct{}, 1),
		hurry:    make(chan struct{}, 1),
		done:     make(chan struct{}),
		queue:    queue{maxBytes: c.queueSize, pageSize: c.pageSize},
		pace:     pace.New(c.limits.Records),
	}
	if c.fixedRecords {
		b.pace = pace.Fixed(c.limits.Records)
	}
	b.size = b.pace.Size()
	b.hard, b.cut = context.WithCancelCause(context.Background())
	if c.spoolDir != "" {
		if err := b.openSpool(); err != nil {
			return nil, err
		}
	}
	if c.meters != nil {
		b.observed = &observed{stats: b.Stats, queueSize: c.queueSize}
		if err := registerMetrics(c.meters, b.observed); err != nil {
			if b.spool != nil {
				err = errors.Join(err, b.spool.Close(context.Background()))
			}
			return nil, err
		}
	}
	go b.work()
	return b, nil
}

// Enabled reports true: the processor sends every record that has a run,
// whatever its level.
func (b *Batch) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

// OnEmit encodes the record and puts it into the queue. It keeps nothing of the
// record and always returns nil: the SDK would log an error, and where the
// standard log package writes to these very records that never ends. What
// becomes of the record is told by [Batch.Stats] and the error handler.
func (b *Batch) OnEmit(ctx context.Context, record *sdklog.Record) error {
	ctx = own.Given(ctx)
	if own.Is(ctx) {
		b.count(&b.stats.Skipped.Own)
		return nil
	}
	var deadline time.Time
	for {
		if b.config.overflow != DropOldest && b.full.Load() && !b.awaitRoom(&deadline) {
			b.dropUnencoded(ctx, record)
			return nil
		}
		if b.emit(ctx, record) {
			return nil
		}
	}
}

// emit encodes a record and settles what becomes of it. It returns false where
// the caller has to wait for room; it then holds no memory of the record.
func (b *Batch) emit(ctx context.Context, record *sdklog.Record) bool {
	encoded, err := b.reader.Encode(ctx, record, b.config.limits.LogBytes)
	done := true
	if err != nil {
		b.skip(encoded.Meta, err)
	} else {
		done = b.accept(encoded.Line, encoded.Meta)
	}
	b.reader.Release(encoded)
	return done
}

// count adds a record to those emitted and to a counter of what became of it.
func (b *Batch) count(counter *uint64) {
	b.mu.Lock()
	b.stats.Emitted++
	*counter++
	b.mu.Unlock()
}

// skip counts a record that has no line, for a reason.
func (b *Batch) skip(meta mapping.Meta, reason error) {
	switch {
	case errors.Is(reason, mapping.ErrOptedOut):
		b.count(&b.stats.Skipped.OptedOut)
	case errors.Is(reason, mapping.ErrDisabled):
		b.count(&b.stats.Skipped.Disabled)
	case errors.Is(reason, mapping.ErrTooLarge):
		b.lose(meta, &b.stats.Dropped.TooLarge, tooLong)
		if first(&b.saidTooLarge) {
			b.reporter.Tell(fmt.Errorf("a log record is longer than %d bytes and is dropped, as WithOversize has it; further ones are only counted", b.config.limits.LogBytes))
		}
	default:
		b.count(&b.stats.Skipped.NoRun)
	}
}

// Flush asks for everything that is queued to be sent now, and does not wait. A wait between two
// tries ends with it, at most once in ten seconds.
func (b *Batch) Flush() {
	b.mu.Lock()
	b.askLocked()
	b.mu.Unlock()
	signal(b.wake)
}

// askLocked has what is queued sent now.
func (b *Batch) askLocked() {
	b.asked = b.queue.mark()
	if now := time.Now(); now.Sub(b.hurriedAt) >= hurryEvery {
		b.hurriedAt = now
		signal(b.hurry)
	}
}

// ForceFlush returns when every record emitted before the call is stored, refused
// or dropped. If ctx ends first, the error says how many records are
// still on their way; they stay in the queue. Without a deadline it waits as long as the server is away.
// It shortens waits as Flush does. After Shutdown it returns nil.
func (b *Batch) ForceFlush(ctx context.Context) error {
	ctx = own.Given(ctx)
	f := &flush{done: make(chan struct{})}
	b.mu.Lock()
	b.askLocked()
	f.until = b.asked
	if b.queue.passed(f.until) {
		b.mu.Unlock()
		return nil
	}
	b.flushing = append(b.flushing, f)
	b.mu.Unlock()
	signal(b.wake)
	select {
	case <-f.done:
		return nil
	case <-b.done:
		return nil
	case <-ctx.Done():
	}
	select { // of two that are ready the one above is chosen by chance
	case <-f.done:
		return nil
	case <-b.done:
		return nil
	default:
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.Index(b.flushing, f)
	if at < 0 {
		return nil // just now
	}
	b.flushing = slices.Delete(b.flushing, at, at+1)
	left := b.queue.records + b.queue.alone + b.queue.inFlight
	return fmt.Errorf("processor: flush ended with %d log records not delivered yet: %w", left, context.Cause(ctx))
}

// Shutdown refuses new records, delivers what is queued and ends the worker and
// the sender. If ctx ends first, the request under way is cut off and the error says
// how many records were not delivered. A ctx without a deadline ends when nothing was delivered
// for 30 seconds. Shutdown never returns before the worker has
// ended. A call while another one is under way waits for the worker too, cuts it off where its ctx ends earlier, and
// returns what was not delivered; one after that returns nil.
func (b *Batch) Shutdown(ctx context.Context) error {
	ctx = own.Given(ctx)
	b.mu.Lock()
	first := !b.stopping
	b.stopping = true
	b.letInLocked(b.waiting.Len())
	b.mu.Unlock()
	signal(b.wake)
	signal(b.hurry)

	if !first {
		select {
		case <-b.done:
			return nil
		default:
		}
	}
	if gaveUp := b.awaitEnd(ctx); gaveUp != nil {
		b.cut(gaveUp)
		<-b.done
	}
	if !first {
		return b.undelivered()
	}
	b.cut(nil)
	err := b.sender.Shutdown(ctx)
	if b.spool != nil {
		err = errors.Join(err, b.spool.Close(ctx))
	}
	if b.observed != nil {
		b.observed.end(b.Stats())
	}
	b.reporter.Close()
	if lost := b.undelivered(); lost != nil {
		return lost
	}
	return err
}

// stallLimit is how long a shutdown without a deadline goes on while nothing is
// delivered: a program whose server is away has to end all the same.
const stallLimit = 30 * time.Second

var errStalled = fmt.Errorf("nothing was delivered for %v; give a context with a deadline to wait longer", stallLimit)

// awaitEnd returns nil when the worker has ended, and else why it is to be cut off:
// the cause of ctx or, where that has no deadline, errStalled.
func (b *Batch) awaitEnd(ctx context.Context) error {
	var look <-chan time.Time // none: as long as ctx lets it
	if _, bounded := ctx.Deadline(); !bounded {
		ticker := time.NewTicker(stallLimit)
		defer ticker.Stop()
		look = ticker.C
	}
	for before := b.delivered(); ; {
		select {
		case <-b.done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look:
			now := b.delivered()
			if now == before {
				return errStalled
			}
			before = now
		}
	}
}

// delivered counts the records that the server has taken or refused.
func (b *Batch) delivered() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats.Stored + b.stats.Refused
}

// undelivered tells what the worker, which has ended, has not delivered.
func (b *Batch) undelivered() error {
	stats := b.Stats()
	b.mu.Lock()
	cause := b.lastErr
	b.mu.Unlock()
	if lost := stats.Dropped.Shutdown + stats.Unknown; cause != nil && lost > 0 {
		return fmt.Errorf("processor: shutdown ended with %d log records not delivered, which more time, or a spool (WithSpool), would have saved: %w", lost, cause)
	}
	if cause != nil && stats.Spooled > 0 {
		return fmt.Errorf("processor: shutdown ended with %d log records not delivered, which the next program finds in the spool: %w", stats.Spooled, cause)
	}
	return nil
}

// Stats returns the counters of one moment.
func (b *Batch) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	stats := b.stats
	stats.Queued = uint64(b.queue.records)
	stats.InFlight = uint64(b.queue.inFlight + b.notices + b.adoption.flying)
	stats.QueuedBytes = uint64(b.queue.bytes + b.adoption.memory)
	stats.Spooled = uint64(b.queue.alone + b.queue.kept + b.adoption.waiting())
	if b.spool != nil {
		stats.Unspooled = b.spool.Missed()
	}
	return stats
}

// signal leaves one element in a channel that holds one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
