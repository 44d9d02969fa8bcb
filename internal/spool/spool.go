// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"
)

// Config is what a spool needs to know.
type Config struct {
	// Dir is the folder. It is made if it is missing.
	Dir string
	// Target names where the lines are to be sent. It holds no secret.
	Target string
	// Sync asks that lines are on the disk and not only in a file: within SyncEvery, or
	// where that is 0 before Append returns.
	Sync      bool
	SyncEvery time.Duration
	// Wait is how long Append waits for the disk at most, about.
	Wait time.Duration
	// Stalled, which may be nil, gets an element when the disk has not answered for so long.
	Stalled chan<- struct{}
	// MaxPage bounds a page that is read, in bytes.
	MaxPage int64
	// Say gets what there is to say, once for each change, in a goroutine of its own.
	Say func(error)
}

// pause is how long a disk that has failed, or has taken too long, is left alone.
const pause = 10 * time.Second

// maxPending bounds what waits to be written, in bytes. Who finds no room waits.
const maxPending = 1 << 20

// Spool keeps lines in files, and takes over those of processes that have ended. Its
// methods never wait for the disk, but for [File.Append], within a bound. It is safe for
// concurrent use. Get one from [Open], and end it with Close.
type Spool struct {
	config   Config
	wake     chan struct{} // holds one element: there is work
	done     chan struct{} // closed when the goroutine has ended
	watchdog *time.Timer   // fires when a round takes too long
	keeper   keeper        // owned by the goroutine
	saying   sync.WaitGroup
	waiters  sync.Pool // of *waiter

	mu      sync.Mutex // guards what follows; never held over a call of the disk
	session string     // of the pages that can be read back; "" for none
	pending *round     // gathers what comes
	writing *round     // under way
	began   time.Time  // when; zero while none is
	stalled bool       // it takes too long
	failing bool       // and that was said
	until   time.Time  // the disk is left alone
	missed  uint64     // lines that are in no file
	closing bool
}

// Open makes a session in the folder and starts the goroutine that owns it. An error says that
// the folder is not fit for a spool, which people have to mend. A disk that fails is none:
// that is said, and the disk is tried again later.
func Open(c Config) (*Spool, error) { return open(c, folder{path: c.Dir}) }

func open(c Config, d disk) (*Spool, error) {
	s := &Spool{
		config: c, wake: make(chan struct{}, 1), done: make(chan struct{}),
		pending: new(round), writing: new(round),
		keeper: keeper{
			disk: d, header: header{Version: version, Target: c.Target}.append(nil),
			maxPage: min(c.MaxPage, math.MaxInt64-1), adopted: map[string]*adoptedSession{},
		},
	}
	s.waiters.New = func() any { return &waiter{ready: make(chan bool, 1)} }
	s.keeper.sync, s.keeper.syncEvery = c.Sync, c.SyncEvery
	if err := s.keeper.begin(); err != nil {
		if _, ok := errors.AsType[unfit](err); ok {
			return nil, fmt.Errorf("spool: %w", err)
		}
		s.failLocked(err)
	}
	s.session = s.keeper.session
	s.watchdog = time.AfterFunc(time.Hour, s.stall)
	s.watchdog.Stop()
	go s.work()
	return s, nil
}

// round is what is done at once: lines that are written, and jobs behind them.
type round struct {
	buf     []byte
	chunks  []chunk
	waiters []*waiter
	jobs    []func(*keeper)
}

// chunk is a run of lines for one file.
type chunk struct {
	file  *File
	end   int // in the buffer
	lines int
	ok    bool // they are in the file
}

// waiter waits for a chunk. It is used again.
type waiter struct {
	chunk int
	ready chan bool // holds one element: whether the chunk is in its file
}

func (r *round) empty() bool { return len(r.chunks)+len(r.waiters)+len(r.jobs) == 0 }

func (r *round) reset() {
	clear(r.chunks)
	clear(r.jobs)
	r.buf, r.chunks, r.jobs = r.buf[:0], r.chunks[:0], r.jobs[:0]
}

// releaseLocked lets all who wait go on.
func (r *round) releaseLocked(ok func(*waiter) bool) (missed uint64) {
	for i, w := range r.waiters {
		answer := ok(w)
		if !answer && w.chunk >= 0 {
			missed++
		}
		w.ready <- answer
		r.waiters[i] = nil
	}
	r.waiters = r.waiters[:0]
	return missed
}

// usableLocked reports whether the disk may be waited for.
func (s *Spool) usableLocked() bool {
	return !s.stalled && !s.closing && (s.until.IsZero() || !time.Now().Before(s.until))
}

// Missed returns how many lines were handed over that are in no file.
func (s *Spool) Missed() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.missed
}

// do hands a job to the goroutine.
func (s *Spool) do(job func(*keeper)) {
	s.mu.Lock()
	s.pending.jobs = append(s.pending.jobs, job)
	s.mu.Unlock()
	signal(s.wake)
}

// work is the goroutine that owns the files.
func (s *Spool) work() {
	defer close(s.done)
	defer s.saying.Wait()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	idle := true
	for {
		r, closing := s.beginRound()
		if r == nil && closing {
			break
		}
		if r == nil && !idle {
			idle = true
			runtime.Gosched()
			continue
		}
		if r == nil {
			timer.Reset(s.keeper.nextSync())
			select {
			case <-s.wake:
				continue
			case <-timer.C:
			}
			r = s.idleRound()
		}
		idle = false
		err := s.keeper.write(r)
		if err == nil {
			err = s.keeper.syncIfDue(time.Now())
		}
		s.endWrites(r, err)
		for _, job := range r.jobs {
			job(&s.keeper)
		}
		s.endRound(r)
	}
	s.keeper.close()
}

// beginRound takes what is pending, if anything is.
func (s *Spool) beginRound() (r *round, closing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending.empty() {
		return nil, s.closing
	}
	s.pending, s.writing = s.writing, s.pending
	s.startLocked()
	return s.writing, false
}

// idleRound is one with nothing in it, to sync what was written before.
func (s *Spool) idleRound() *round {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.startLocked()
	return s.writing
}

func (s *Spool) startLocked() {
	s.began = time.Now()
	s.watchdog.Reset(s.config.Wait)
}

// endWrites tells those who wait what became of their lines.
func (s *Spool) endWrites(r *round, err error) {
	s.mu.Lock()
	s.session = s.keeper.session
	for _, c := range r.chunks {
		if c.ok {
			c.file.lines += c.lines
		}
	}
	if err != nil {
		s.failLocked(err)
	} else if len(r.chunks) > 0 && s.failing && !s.stalled {
		s.failing = false
		s.say(fmt.Errorf("the spool %s is used again", s.config.Dir))
	}
	s.missed += r.releaseLocked(func(w *waiter) bool { return w.chunk >= 0 && r.chunks[w.chunk].ok })
	s.mu.Unlock()
}

func (s *Spool) endRound(r *round) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchdog.Stop()
	s.began = time.Time{}
	if s.stalled {
		s.stalled, s.until = false, time.Now().Add(pause)
	}
	r.reset()
}

// stall lets nobody wait any longer for a round that takes too long.
func (s *Spool) stall() {
	s.mu.Lock()
	if s.began.IsZero() || time.Since(s.began) < s.config.Wait {
		s.mu.Unlock()
		return // of the round before
	}
	s.stalled = true
	signal(s.config.Stalled)
	s.failLocked(fmt.Errorf("the disk has not answered for %v", s.config.Wait))
	no := func(*waiter) bool { return false }
	s.missed += s.writing.releaseLocked(no) + s.pending.releaseLocked(no)
	s.mu.Unlock()
}

// failLocked leaves the disk alone for a while, and says why where that is news.
func (s *Spool) failLocked(err error) {
	s.until = time.Now().Add(pause)
	if !s.failing {
		s.failing = true
		s.say(fmt.Errorf("the spool %s cannot be used, and logs are kept in memory alone until it can: %w", s.config.Dir, err))
	}
}

// Aside calls say without waiting for it: whoever is told may log, and then waits for the very
// goroutine that has something to say. The spool's goroutine ends behind it.
func (s *Spool) Aside(say func()) { s.saying.Go(say) }

func (s *Spool) say(err error) { s.Aside(func() { s.config.Say(err) }) }

// Stalled reports whether the disk does not answer now.
func (s *Spool) Stalled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stalled
}

// closeWait is how long Close waits for the disk beyond its context.
const closeWait = 250 * time.Millisecond

// Close writes what is pending, gives the pages of other sessions back and ends the
// goroutine. Pages that were not removed stay for the next process. If ctx ends first, or the
// disk does not answer, the goroutine ends when the disk lets it.
func (s *Spool) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	signal(s.wake)
	for wait, over := s.config.Wait, ctx.Done(); ; {
		select {
		case <-s.done:
			return nil
		case <-over:
			wait, over = min(wait, closeWait), nil
		case <-time.After(wait):
			if s.Stalled() || ctx.Err() != nil {
				return fmt.Errorf("spool: %s is not closed yet: the disk has not answered", s.config.Dir)
			}
		}
	}
}

// signal leaves one element in a channel that holds one.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
