// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// running holds what this process has started and not yet stopped, for [Close].
var running struct {
	mu      sync.Mutex // guards the fields; never held while something starts or ends, except the cluster
	servers []*Server
	cluster *cluster
}

// starting lets two servers start at a time: each one keeps a core busy until it is up.
var starting = make(chan struct{}, 2)

func remember(s *Server) {
	running.mu.Lock()
	defer running.mu.Unlock()
	running.servers = append(running.servers, s)
}

func forget(s *Server) {
	running.mu.Lock()
	defer running.mu.Unlock()
	running.servers = slices.DeleteFunc(running.servers, func(other *Server) bool { return other == s })
}

// Close ends every server this process has started, and PostgreSQL, and removes their folders. What a
// process leaves without calling it ends too, a moment after the process.
func Close(ctx context.Context) error {
	running.mu.Lock()
	all := slices.Clone(running.servers)
	running.mu.Unlock()

	errs := []error{stopAll(ctx, all)}

	running.mu.Lock()
	defer running.mu.Unlock()
	if running.cluster != nil {
		errs = append(errs, running.cluster.stop(ctx))
		running.cluster = nil
	}
	return errors.Join(errs...)
}

// stopAll stops servers side by side.
func stopAll(ctx context.Context, all []*Server) error {
	var wg sync.WaitGroup
	errs := make([]error, len(all))
	for i, server := range all {
		wg.Go(func() { errs[i] = server.Stop(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
