// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"context"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/join"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/run"
)

// MaxWait bounds the wait after failures.
const MaxWait = time.Minute

// API is what is asked: a [prefectapi.Client].
type API interface {
	TracedRuns(ctx context.Context, limit int, found func(prefectapi.TracedRun)) (all bool, err error)
}

// Config says how to watch. All of it is required.
type Config struct {
	Interval time.Duration
	Limit    int // of runs of a kind that are read at a time
	// Learn is handed what was found, after each time of asking.
	Learn func([]join.Label)
	// Tell is called after each time of asking: err tells what went wrong, all that there were not more runs than Limit.
	Tell func(err error, all bool)
}

// Run watches until ctx ends.
func Run(ctx context.Context, api API, config Config) {
	wait := config.Interval
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		began := time.Now()
		labels, all, err := ask(ctx, api, config.Limit)
		if ctx.Err() != nil {
			return
		}
		config.Learn(labels)
		config.Tell(err, all)
		if err == nil {
			wait = max(config.Interval, 9*time.Since(began))
		} else {
			wait = max(config.Interval, min(2*wait, MaxWait))
			if answer, ok := errors.AsType[*prefectapi.Error](err); ok {
				wait = max(wait, answer.RetryAfter)
			}
		}
		timer.Reset(jittered(wait))
	}
}

// jittered takes up to a fifth off a wait, so that many watchers do not come at one time.
func jittered(d time.Duration) time.Duration {
	return d - rand.N(d/5+1)
}

// ask returns the labels of the runs that are under way. With an error it returns those that had come before it.
func ask(ctx context.Context, api API, limit int) (labels []join.Label, all bool, err error) {
	all, err = api.TracedRuns(ctx, limit, func(r prefectapi.TracedRun) {
		label := join.Label{Sub: r.Sub}
		id, notUUID := run.ParseID(r.ID)
		var ok bool
		if label.Trace, label.Span, ok = parse(r.TraceParent); !ok || notUUID != nil {
			return
		}
		label.Run.Flow = id
		if r.TaskRun {
			label.Run.Task = id
			label.Run.Flow, _ = run.ParseID(r.FlowRunID) // zero where it has none
		}
		labels = append(labels, label)
	})
	return labels, all, err
}

// parse reads a W3C traceparent.
func parse(parent string) (trace join.TraceID, span join.SpanID, ok bool) {
	parts := strings.Split(parent, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || len(parts[1]) != 32 || len(parts[2]) != 16 {
		return trace, span, false
	}
	_, badTrace := hex.Decode(trace[:], []byte(parts[1]))
	_, badSpan := hex.Decode(span[:], []byte(parts[2]))
	return trace, span, badTrace == nil && badSpan == nil && trace != join.TraceID{} && span != join.SpanID{}
}
