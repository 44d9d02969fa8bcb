// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"sync"
	"time"
)

// lookAfter is when a look waits for a straggler: less than the least patience that a client has with one, 5 s.
const lookAfter = 4 * time.Second

// stragglers are the POSTs of logs that a proxy has handed to a server and whose client has gone. A client that has lost an
// answer looks for its logs, for 5 s or longer, and sends them again; a server that commits even later than that has
// them twice. That is documented, and nothing that a test here is about, so a proxy keeps a machine that is too busy from
// it: a look waits for those who left too long ago.
type stragglers struct {
	mu  sync.Mutex // guards all, and what is in it
	all map[*straggler]struct{}
}

type straggler struct {
	left time.Time     // zero: the client is there
	done chan struct{} // closed once the server has answered
}

// begin notes a POST that a client has sent. Its context ends when the client leaves; end is for when the server has answered.
func (s *stragglers) begin(client context.Context) (end func()) {
	one := &straggler{done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[*straggler]struct{}{}
	}
	s.all[one] = struct{}{}
	stop := context.AfterFunc(client, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		one.left = time.Now()
	})
	return func() {
		stop()
		close(one.done)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.all, one)
	}
}

// wait returns when no straggler is under way for too long, or when ctx ends.
func (s *stragglers) wait(ctx context.Context) {
	for _, one := range s.overdue() {
		select {
		case <-one.done:
		case <-ctx.Done():
		}
	}
}

func (s *stragglers) overdue() (all []*straggler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.all {
		if !one.left.IsZero() && time.Since(one.left) > lookAfter {
			all = append(all, one)
		}
	}
	return all
}
