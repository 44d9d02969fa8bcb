// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/run"
)

// maxShift is how far, in microseconds, a record may lie behind the last one of
// its run and still be put behind it.
const maxShift = 1000

// maxRuns bounds the runs that a generation of a [Sequencer] remembers.
const maxRuns = 4096

// Sequencer gives the records of a run stamps of their own, so that they read
// back in the order in which they were emitted: servers sort by stamp alone, and
// PostgreSQL returns equal stamps in any order. A stamp that is not later than
// the run's last one, and at most a millisecond behind it, becomes the last
// one plus a microsecond; one further back keeps its own time.
//
// The zero Sequencer is ready for use. It is not safe for concurrent use: the
// owner's lock orders the records. It remembers at least the 4,096 runs
// used last, in two generations of which the older one is forgotten.
type Sequencer struct {
	last     run.ID // the run used last, and its stamp: most records are of one run
	stamp    int64
	known    bool
	clock    payload.Clock
	current  map[run.ID]int64
	previous map[run.ID]int64
}

// Next returns the stamp for a record of the run at the given time, both in
// microseconds since 1970.
func (s *Sequencer) Next(flow run.ID, micros int64) int64 {
	if !s.known || flow != s.last {
		s.change(flow)
	}
	if s.known && micros <= s.stamp && s.stamp-micros <= maxShift {
		micros = s.stamp + 1
	}
	if !s.known || micros > s.stamp {
		s.stamp, s.known = micros, true
	}
	return micros
}

// Stamp writes its final stamp into an encoded record, or into each of its
// parts, which then stand right behind each other.
func (s *Sequencer) Stamp(line []byte, meta Meta) {
	if meta.ExactTime {
		return
	}
	if meta.Parts <= 1 {
		if micros := s.Next(meta.Run.Flow, meta.Micros); micros != meta.Micros {
			s.clock.SetStamp(line, micros)
		}
		return
	}
	own := meta.Micros
	for part := range Lines(line, meta) {
		if micros := s.Next(meta.Run.Flow, own); micros != own {
			s.clock.SetStamp(part, micros)
		}
		own++
	}
}

// change puts the run used last away and takes the other one out.
func (s *Sequencer) change(flow run.ID) {
	if s.current == nil {
		s.current = make(map[run.ID]int64)
	}
	if s.known {
		if len(s.current) >= maxRuns {
			s.current, s.previous = s.previous, s.current
			if s.current == nil {
				s.current = make(map[run.ID]int64)
			}
			clear(s.current)
		}
		s.current[s.last] = s.stamp
	}
	s.last = flow
	if s.stamp, s.known = s.current[flow]; !s.known {
		s.stamp, s.known = s.previous[flow]
	}
}
