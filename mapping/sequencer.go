// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"math"

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
// PostgreSQL returns equal stamps in any order. A record whose time is not later
// than the run's last stamp gets the microsecond after that, if no record of the run
// had a later time, or if it is at most a millisecond behind. One further back keeps
// its own time, as the next one does where a clock was set back; among those the
// same holds.
//
// The zero Sequencer is ready for use. It is not safe for concurrent use: the
// owner's lock orders the records. It remembers at least the 4,096 runs
// used last, in two generations of which the older one is forgotten.
type Sequencer struct {
	last     run.ID // the run used last, and its times: most records are of one run
	times    times
	known    bool
	clock    payload.Clock
	current  map[run.ID]times
	previous map[run.ID]times
}

// times are where the records of a run are, and where those are that came from further back.
type times struct{ front, back latest }

// latest are the latest ones of some records, in microseconds since 1970.
type latest struct {
	stamp int64
	given int64 // that a record had of its own
}

// next returns the stamp for a record of the given time; false where that is too far back.
func (l *latest) next(micros int64) (int64, bool) {
	last := micros >= l.given
	if last {
		l.given = micros
	}
	switch {
	case micros > l.stamp:
	case last || l.stamp-micros <= maxShift:
		micros = l.stamp + 1
	default:
		return micros, false
	}
	l.stamp = micros
	return micros, true
}

// Next returns the stamp for a record of the run at the given time, both in
// microseconds since 1970.
func (s *Sequencer) Next(flow run.ID, micros int64) int64 { return s.next(flow, micros, 1) }

// next is Next for a record of n parts, and returns the stamp of the first.
func (s *Sequencer) next(flow run.ID, micros int64, n int) int64 {
	if !s.known || flow != s.last {
		s.change(flow)
	}
	if !s.known {
		never := latest{math.MinInt64, math.MinInt64}
		s.times, s.known = times{never, never}, true
	}
	of := &s.times.front
	stamp, ok := of.next(micros)
	if !ok {
		of = &s.times.back
		if stamp, ok = of.next(micros); !ok {
			*of = latest{micros, micros}
		}
	}
	of.stamp = stamp + int64(n-1)
	return stamp
}

// Stamp writes its final stamp into an encoded record, or into each of its
// parts, which then stand right behind each other. It returns the first of them.
func (s *Sequencer) Stamp(line []byte, meta Meta) int64 {
	if meta.ExactTime {
		return meta.Micros
	}
	first := s.next(meta.Run.Flow, meta.Micros, max(meta.Parts, 1))
	switch {
	case first == meta.Micros:
	case meta.Parts <= 1:
		s.clock.SetStamp(line, first)
	default:
		stamp := first
		for part := range Lines(line, meta) {
			s.clock.SetStamp(part, stamp)
			stamp++
		}
	}
	return first
}

// change puts the run used last away and takes the other one out.
func (s *Sequencer) change(flow run.ID) {
	if s.current == nil {
		s.current = make(map[run.ID]times)
	}
	if s.known {
		if len(s.current) >= maxRuns {
			s.current, s.previous = s.previous, s.current
			if s.current == nil {
				s.current = make(map[run.ID]times)
			}
			clear(s.current)
		}
		s.current[s.last] = s.times
	}
	s.last = flow
	if s.times, s.known = s.current[flow]; !s.known {
		s.times, s.known = s.previous[flow]
	}
}
