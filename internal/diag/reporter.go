// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// maxKeys bounds what a reporter remembers to have said.
const maxKeys = 1000

// Reporter says things once. It is safe for concurrent use, and calls its
// handler without holding a lock.
type Reporter struct {
	handle func(error)

	mu      sync.Mutex // guards what follows
	said    map[string]bool
	failing map[string]string // what was said last of each thing that does not work
	missing map[string]uint64 // records without a run, by logger
}

// New returns a reporter that hands everything to handle, or to [Stderr] if
// that is nil. handle may be called concurrently, on goroutines of its own; it is waited for,
// but not longer than a program that logs can spare.
func New(handle func(error)) *Reporter {
	if handle == nil {
		handle = Stderr
	} else {
		handle = aside(handle)
	}
	return &Reporter{handle: handle, said: make(map[string]bool), failing: make(map[string]string), missing: make(map[string]uint64)}
}

// Tell says err.
func (r *Reporter) Tell(err error) { r.handle(err) }

// Once says err the first time it is called with the key.
func (r *Reporter) Once(key string, err error) {
	r.mu.Lock()
	first := !r.said[key] && len(r.said) < maxKeys
	if first {
		r.said[key] = true
	}
	r.mu.Unlock()
	if first {
		r.handle(err)
	}
}

// Failing says that a thing does not work, unless the same was said last of it and
// nothing has worked since.
func (r *Reporter) Failing(thing string, err error) {
	text := err.Error()
	r.mu.Lock()
	known := r.failing[thing] == text
	r.failing[thing] = text
	r.mu.Unlock()
	if !known {
		r.handle(err)
	}
}

// Working says news if any of the things did not work until now.
func (r *Reporter) Working(news error, things ...string) {
	recovered := false
	r.mu.Lock()
	for _, thing := range things {
		if _, failing := r.failing[thing]; failing {
			recovered = true
			delete(r.failing, thing)
		}
	}
	r.mu.Unlock()
	if recovered {
		r.handle(news)
	}
}

// MissingRun counts a record without a run and says so at the first one of
// its logger. place is asked then where in the program the record comes from; see NoRun.
func (r *Reporter) MissingRun(logger string, place func() string) {
	r.mu.Lock()
	_, known := r.missing[logger]
	first := !known && len(r.missing) < maxKeys
	if known || first {
		r.missing[logger]++
	}
	r.mu.Unlock()
	if first {
		r.handle(NoRun(logger, place()))
	}
}

// NoRun is the error of a record without a run. place names the call that made
// it, or is empty.
func NoRun(logger, place string) error {
	if place != "" {
		place = ", logged in " + place + ","
	}
	return fmt.Errorf("a record of logger %q%s belongs to no run and is not sent: put a run into its context (run.NewContext), set PREFECT__FLOW_RUN_ID, or silence this with PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW=ignore", logger, place)
}

// Close says how many records without a run there were, where there was more than the one already told.
func (r *Reporter) Close() {
	r.mu.Lock()
	missing := r.missing
	r.missing = make(map[string]uint64)
	r.mu.Unlock()
	for _, logger := range slices.Sorted(maps.Keys(missing)) {
		if n := missing[logger]; n > 1 {
			r.handle(fmt.Errorf("in all, %d records of logger %q belonged to no run and were not sent", n, logger))
		}
	}
}
