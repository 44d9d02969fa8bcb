// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"context"
	"sync"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/internal/own"
)

// activity knows what is under way, so that a shutdown can wait for it and cut
// it off.
type activity struct {
	base context.Context // ends when everything is cut off
	cut  context.CancelCauseFunc

	mu      sync.Mutex // guards what follows
	running int
	stopped bool
	idle    chan struct{} // closed when stopped and nothing runs
}

func newActivity() *activity {
	base, cut := context.WithCancelCause(context.Background())
	return &activity{base: base, cut: cut, idle: make(chan struct{})}
}

// begin returns a context that also ends when everything is cut off, and the
// function to call at the end; false after the stop.
func (a *activity) begin(ctx context.Context) (context.Context, func(), bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return ctx, nil, false
	}
	a.running++
	ctx, cancel := context.WithCancelCause(own.Given(ctx))
	release := context.AfterFunc(a.base, func() { cancel(context.Cause(a.base)) })
	return ctx, func() {
		release()
		cancel(nil)
		a.end()
	}, true
}

func (a *activity) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running--
	if a.stopped && a.running == 0 {
		close(a.idle)
	}
}

// stop lets nothing begin any more. It returns false if that was so already.
func (a *activity) stop() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return false
	}
	a.stopped = true
	if a.running == 0 {
		close(a.idle)
	}
	return true
}

// wait returns when nothing runs any more. When ctx ends first, it cuts off what
// runs, still waits, and returns the cause.
func (a *activity) wait(ctx context.Context) error {
	defer a.cut(sdklog.ErrExporterShutdown)
	ctx = own.Given(ctx)
	select {
	case <-a.idle:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-a.idle: // of two that are ready the one above is chosen by chance
		return nil
	default:
	}
	a.cut(sdklog.ErrExporterShutdown)
	<-a.idle
	return context.Cause(ctx)
}

// patience remembers when the server was last waited for in vain by callers that
// set no deadline.
type patience struct {
	mu   sync.Mutex // guards last
	last time.Time  // zero: not since something was delivered
}

// isOver reports whether a wait in vain ended less than pause ago.
func (p *patience) isOver(pause time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.last.IsZero() && time.Since(p.last) < pause
}

// note keeps how a wait ended.
func (p *patience) note(inVain bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = time.Time{}
	if inVain {
		p.last = time.Now()
	}
}
