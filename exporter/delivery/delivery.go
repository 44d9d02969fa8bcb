// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
)

// Poster posts one request; [*prefectapi.Client] is one. Its errors should be
// [*prefectapi.Error]; any other error counts as an exchange without an answer.
type Poster interface {
	PostLogs(ctx context.Context, body prefectapi.Body) error
}

// Retry says that a request failed and when it is tried again.
type Retry struct {
	Err  error
	Wait time.Duration
}

// Deliverer brings requests to a server. It is safe for concurrent use.
type Deliverer struct {
	poster  Poster
	onRetry func(Retry)
}

// New returns a deliverer. onRetry, if not nil, is called before each wait.
func New(poster Poster, onRetry func(Retry)) *Deliverer {
	if onRetry == nil {
		onRetry = func(Retry) {}
	}
	return &Deliverer{poster: poster, onRetry: onRetry}
}

// Once posts the request, and what is left of it after refusals and splits,
// without waiting.
func (d *Deliverer) Once(ctx context.Context, request payload.Request) payload.Outcome {
	var outcome payload.Outcome
	for request.Records() > 0 {
		err := d.poster.PostLogs(ctx, &request)
		if err == nil {
			outcome.Stored += request.Records()
			break
		}
		answer := answerOf(err)
		if answer.Kind == prefectapi.KindRecords {
			rest, refused := request.Without(answer.Positions)
			if refused.Records() > 0 {
				outcome.Refuse(refused, payload.ReasonInvalid)
				request = rest
				continue
			}
		}
		reason, unfit := refusals[answer.Kind]
		switch {
		case !unfit:
			unsent := payload.Outcome{Unsent: request, Err: err}
			if answer.Ambiguous {
				unsent.Unknown = request.Records()
			}
			outcome.Merge(unsent)
		case request.Records() == 1:
			outcome.Refuse(request, reason)
		default:
			first, second := request.Halves()
			outcome.Merge(d.Once(ctx, first))
			if outcome.Err != nil {
				outcome.Unsent.Append(second)
				return outcome
			}
			request = second
			continue
		}
		break
	}
	return outcome
}

// refusals are the answers that mean that a request of this content will never
// be stored, and what a single record is then refused for.
var refusals = map[prefectapi.Kind]payload.Reason{
	prefectapi.KindRecords:  payload.ReasonInvalid,
	prefectapi.KindRequest:  payload.ReasonInvalid,
	prefectapi.KindConflict: payload.ReasonConflict,
	prefectapi.KindTooLarge: payload.ReasonTooLarge,
}

func answerOf(err error) *prefectapi.Error {
	if answer, ok := errors.AsType[*prefectapi.Error](err); ok {
		return answer
	}
	return &prefectapi.Error{Kind: prefectapi.KindNetwork, Ambiguous: true, Err: err}
}

// The waits between two tries. backoff draws from 0 to twice the interval.
const (
	firstWait   = 500 * time.Millisecond
	longestWait = 30 * time.Second
	accessWait  = 10 * time.Second // at least, while credentials or address are wrong
)

// Deliver repeats [Deliverer.Once] for what is unsent until nothing is left or
// ctx ends; where ctx has a deadline, it does not begin a wait that would
// outlast it. A value from hurry, which may be nil, ends the wait under way.
func (d *Deliverer) Deliver(ctx context.Context, request payload.Request, hurry <-chan struct{}) payload.Outcome {
	waits := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(firstWait),
		backoff.WithRandomizationFactor(1),
		backoff.WithMultiplier(2),
		backoff.WithMaxInterval(longestWait),
		backoff.WithMaxElapsedTime(0),
	)
	outcome := d.Once(ctx, request)
	ambiguous := outcome.Unknown > 0
	for outcome.Err != nil && ctx.Err() == nil {
		if outcome.Stored+len(outcome.Refused) > 0 {
			waits.Reset()
		}
		retry := Retry{Err: outcome.Err, Wait: waitFor(answerOf(outcome.Err), waits.NextBackOff())}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < retry.Wait {
			break
		}
		d.onRetry(retry)
		if !wait(ctx, retry.Wait, hurry) {
			break
		}
		next := d.Once(ctx, outcome.Unsent)
		next.Stored += outcome.Stored
		next.Refused = append(outcome.Refused, next.Refused...)
		outcome = next
		ambiguous = ambiguous || outcome.Unknown > 0
	}
	if ambiguous {
		outcome.Unknown = outcome.Unsent.Records() // an earlier try may have stored them
	}
	if cause := context.Cause(ctx); outcome.Err != nil && cause != nil && !errors.Is(outcome.Err, cause) {
		outcome.Err = fmt.Errorf("%w: %w", cause, outcome.Err)
	}
	return outcome
}

// waitFor returns how long to wait after an answer.
func waitFor(answer *prefectapi.Error, next time.Duration) time.Duration {
	if answer.Kind == prefectapi.KindAccess {
		next = max(next, accessWait)
	}
	if answer.RetryAfter > 0 {
		// Later by up to a fifth, so that clients that were told the same do not come at once.
		next = max(next, answer.RetryAfter+rand.N(answer.RetryAfter/5+1))
	}
	return next
}

// wait returns true after the wait or on a value from hurry, false when ctx ends.
func wait(ctx context.Context, d time.Duration, hurry <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-hurry:
		return true
	case <-ctx.Done():
		return false
	}
}
