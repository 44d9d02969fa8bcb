// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

// unsent remembers of requests that come again how many records they had, by their first lines: package delivery looks for what may
// have been stored in the form in which it was sent, so it must come again in one request. It is bounded, and safe for concurrent use.
type unsent struct {
	seed maphash.Seed
	mu   sync.Mutex // guards all
	all  []unsentRequest
}

type unsentRequest struct {
	first   uint64 // hash of its first line
	records int
}

const maxUnsent = 64

func (u *unsent) add(request payload.Request) {
	if request.Records() == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.all) >= maxUnsent {
		u.all = slices.Delete(u.all, 0, 1)
	}
	u.all = append(u.all, unsentRequest{maphash.Bytes(u.seed, request.Line(0)), request.Records()})
}

// take forgets the request that begins with a line, and returns how many records it had; 0: there was none.
func (u *unsent) take(line []byte) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.all) == 0 {
		return 0
	}
	first := maphash.Bytes(u.seed, line)
	i := slices.IndexFunc(u.all, func(r unsentRequest) bool { return r.first == first })
	if i < 0 {
		return 0
	}
	records := u.all[i].records
	u.all = slices.Delete(u.all, i, i+1)
	return records
}

// settled remembers lines of records that come again although some of their lines are settled. It is bounded, and safe for
// concurrent use.
type settled struct {
	seed  maphash.Seed
	mu    sync.Mutex // guards what follows
	lines map[uint64]struct{}
	order []uint64
}

const maxSettled = 4096

func (s *settled) hash(line []byte) uint64 { return maphash.Bytes(s.seed, line) }

func (s *settled) add(hashes []uint64) {
	if len(hashes) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines == nil {
		s.lines = map[uint64]struct{}{}
	}
	for _, hash := range hashes {
		if _, known := s.lines[hash]; known {
			continue
		}
		if len(s.order) >= maxSettled {
			delete(s.lines, s.order[0])
			s.order = s.order[1:]
		}
		s.lines[hash] = struct{}{}
		s.order = append(s.order, hash)
	}
}

// take forgets a line and reports whether it was remembered.
func (s *settled) take(line []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) == 0 {
		return false
	}
	hash := s.hash(line)
	if _, known := s.lines[hash]; !known {
		return false
	}
	delete(s.lines, hash)
	s.order = slices.DeleteFunc(s.order, func(other uint64) bool { return other == hash })
	return true
}
