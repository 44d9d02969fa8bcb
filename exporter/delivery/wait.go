// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
)

// The waits between two tries. backoff draws from 0 to twice the interval.
const (
	firstWait   = 500 * time.Millisecond
	longestWait = 30 * time.Second
	holdWait    = 10 * time.Second // at least, while something is wrong that people have to mend
)

func newBackOff() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(firstWait),
		backoff.WithRandomizationFactor(1),
		backoff.WithMultiplier(2),
		backoff.WithMaxInterval(longestWait),
		backoff.WithMaxElapsedTime(0),
	)
}

// waitFor returns how long to wait after an answer.
func waitFor(answer *prefectapi.Error, next time.Duration) time.Duration {
	switch actionFor(answer) {
	case hold, search, shrink, cut: // the latter three only where the server is not well
		next = max(next, holdWait)
	}
	if answer.RetryAfter > 0 {
		// Later by up to a fifth, so that clients that were told the same do not come at once.
		next = max(next, answer.RetryAfter+rand.N(answer.RetryAfter/5+1))
	}
	return next
}

// outlasts reports whether a wait would outlast the deadline of ctx.
func outlasts(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < d
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
