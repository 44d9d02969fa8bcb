// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs

import (
	"context"
	"errors"
	"sync"
)

// live are the pipelines that have not been shut down.
var live = struct {
	sync.Mutex // guards pipelines; never held while one is flushed
	pipelines  map[*Pipeline]bool
}{pipelines: make(map[*Pipeline]bool)}

func (p *Pipeline) register() {
	live.Lock()
	defer live.Unlock()
	live.pipelines[p] = true
}

func (p *Pipeline) unregister() {
	live.Lock()
	defer live.Unlock()
	delete(live.pipelines, p)
}

// FlushAll flushes every pipeline of the program that has not been shut down, all
// at once: what Prefect's handler does by its class method flush. It returns when
// each record logged before the call is stored, refused or dropped, or with an
// error when ctx ends first.
//
// Pipelines share nothing, also if their settings are equal: each has a queue,
// limits and connections of its own, and to shut one down leaves the others as they are.
// Records of one run that come from two of them are ordered by their time.
func FlushAll(ctx context.Context) error {
	live.Lock()
	pipelines := make([]*Pipeline, 0, len(live.pipelines))
	for p := range live.pipelines {
		pipelines = append(pipelines, p)
	}
	live.Unlock()
	errs := make([]error, len(pipelines))
	var wg sync.WaitGroup
	for i, p := range pipelines {
		wg.Go(func() { errs[i] = p.ForceFlush(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
