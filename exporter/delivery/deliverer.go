// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
)

// API is what a [Deliverer] delivers to; [*prefectapi.Client] is one. Its errors
// should be [*prefectapi.Error]; any other error counts as an exchange without an
// answer. Each method makes one exchange.
type API interface {
	// PostLogs stores a request as a whole or not at all.
	PostLogs(ctx context.Context, body prefectapi.Body) error
	// CountLogs tells how often a log is stored.
	CountLogs(ctx context.Context, log prefectapi.Log) (int, error)
	// FindLogs hands found the stored logs of the runs from one time to another. It
	// returns false if there are more than it reads.
	FindLogs(ctx context.Context, flowRunIDs []string, from, to time.Time, found func(prefectapi.Log)) (all bool, err error)
	// Check returns nil if the server is well.
	Check(ctx context.Context) error
}

// Retry says that a request failed and what is waited for.
type Retry struct {
	Err  error
	Wait time.Duration // at most

	// Looking: the request may have been stored, and is looked for meanwhile; it
	// may not have to be sent again.
	Looking bool
}

// Deliverer brings requests to a server. It is safe for concurrent use; what it
// learns of the server serves all requests. Get one from [New].
type Deliverer struct {
	api     API
	onRetry func(Retry)
	seed    maphash.Seed

	mu     sync.Mutex // guards what follows
	pace   pace
	limit  sizeLimit
	memory []memo
	resent []resent
}

// New returns a deliverer. onRetry, if not nil, is called before each wait. It may be
// called concurrently.
func New(api API, onRetry func(Retry)) *Deliverer {
	if onRetry == nil {
		onRetry = func(Retry) {}
	}
	return &Deliverer{api: api, onRetry: onRetry, seed: maphash.MakeSeed()}
}

// mode says what a call may wait for.
type mode struct {
	patient bool // until a request that may have been stored is certainly not
	retries bool // until a request that failed is sent again
}

// Once posts the request, and what is left of it after refusals and splits, without
// waiting. Where it ends with a request that may have been stored, that
// is in Unknown and remembered: the next call that begins with the same record looks
// for it first.
func (d *Deliverer) Once(ctx context.Context, request payload.Request) payload.Outcome {
	return d.run(ctx, request, mode{}, nil)
}

// Push is Once with the patience to find out whether a request has been stored
// that may have been. It sends nothing twice. Unknown is 0 on return, unless
// ctx ended before or the server could not be asked: all else of Unsent can be sent again.
func (d *Deliverer) Push(ctx context.Context, request payload.Request) payload.Outcome {
	return d.run(ctx, request, mode{patient: true}, nil)
}

// Deliver is Push repeated under backoff for what is unsent, until nothing is left or
// ctx ends; where ctx has a deadline, it does not begin a wait that would
// outlast it. A value from hurry, which may be nil, ends the wait before the next try,
// but not the search for what may have been stored.
func (d *Deliverer) Deliver(ctx context.Context, request payload.Request, hurry <-chan struct{}) payload.Outcome {
	return d.run(ctx, request, mode{patient: true, retries: true}, hurry)
}

func (d *Deliverer) run(ctx context.Context, request payload.Request, how mode, hurry <-chan struct{}) payload.Outcome {
	j := d.begin(request, how)
	waits := newBackOff()
	var err, last error // last is of the try before
	retries := 0
	for {
		settled := j.settled()
		last, err = err, j.advance(ctx)
		if err == nil || !how.retries || ctx.Err() != nil {
			break
		}
		if j.settled() > settled {
			waits.Reset()
		}
		pause := max(waitFor(answerOf(err), waits.NextBackOff())-j.looked, 0)
		if outlasts(ctx, pause) {
			break
		}
		d.onRetry(Retry{Err: err, Wait: pause})
		if !wait(ctx, pause, hurry) {
			break
		}
		retries++
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		if !errors.Is(err, cause) {
			err = fmt.Errorf("%w: %w", cause, err)
		} else if last != nil {
			err = fmt.Errorf("%w: %w", err, last)
		}
	}
	outcome := j.end(ctx, err)
	outcome.Retries = retries
	return outcome
}

func (d *Deliverer) post(ctx context.Context, request *payload.Request) error {
	start := time.Now()
	err := d.api.PostLogs(ctx, request)
	d.observe(start, err)
	return err
}

func (d *Deliverer) count(ctx context.Context, log prefectapi.Log) (int, error) {
	start := time.Now()
	n, err := d.api.CountLogs(ctx, log)
	d.observe(start, err)
	return n, err
}

// well reports whether the server is, as far as it can be asked; where it does not
// let itself be asked, whether it takes a request at all.
func (d *Deliverer) well(ctx context.Context) bool {
	err := d.api.Check(ctx)
	if err != nil && answerOf(err).Kind == prefectapi.KindAccess {
		return d.takesRequests(ctx)
	}
	return err == nil
}

// takesRequests reports whether the server takes a request that stores nothing. One
// version answers an empty list with 409, which it does to no request that
// it has not read.
func (d *Deliverer) takesRequests(ctx context.Context) bool {
	var empty payload.Request
	err := d.post(ctx, &empty)
	return err == nil || answerOf(err).Kind == prefectapi.KindConflict
}

func answerOf(err error) *prefectapi.Error {
	if answer, ok := errors.AsType[*prefectapi.Error](err); ok {
		return answer
	}
	return &prefectapi.Error{Kind: prefectapi.KindNetwork, Ambiguous: true, Err: err}
}
