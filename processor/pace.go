// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"slices"
	"time"
)

// sizes are the numbers of records that a request may carry while the pace adapts.
// A few are enough: between two neighbours the rate of a server changes little.
var sizes = []int{50, 100, 200, 400, 700, 1000}

// startSize is near the best for both of Prefect's databases.
const startSize = 200

const (
	firstPause = 10              // full requests at one size before a neighbour is tried
	longPause  = 80              // the same, after many tries in vain
	pauseTime  = 5 * time.Second // but no longer than this, so that a slow size is soon left
	exploreFor = 2               // full requests at the neighbour
	better     = 1.05            // by how much a neighbour must be faster
	tooSlow    = 2 * time.Second // a request that takes longer is too large, whatever the rate
	fading     = 0.97            // of the best rate, at each further request
)

// pace finds how many records a request should carry, by the rows per second that
// the server stores: it stays at one size, tries a neighbour now and then, and
// moves there if that is faster. Of each size the best recent rate counts, since
// what disturbs a measurement makes it slower. It is not safe for concurrent use:
// the lock of the Batch guards it.
type pace struct {
	sizes   []int
	rates   []float64     // best recent rows per second of each size
	current int           // index of the size in use
	trying  int           // index of the neighbour that is tried; current while none is
	upward  bool          // the direction of the next try
	pause   int           // full requests until then
	count   int           // full requests since the last change of trying
	spent   time.Duration // in those
}

// newPace returns a pace for requests of at most limit records; a fixed one
// always carries limit.
func newPace(limit int, fixed bool) pace {
	if fixed || limit <= sizes[0] {
		return pace{sizes: []int{limit}}
	}
	allowed := slices.Clone(sizes)
	allowed = slices.DeleteFunc(allowed, func(n int) bool { return n >= limit })
	allowed = append(allowed, limit)
	start, found := slices.BinarySearch(allowed, startSize)
	if !found {
		start = len(allowed) - 1
	}
	return pace{sizes: allowed, rates: make([]float64, len(allowed)), current: start, trying: start, upward: true, pause: firstPause}
}

// size returns how many records the next request should carry.
func (p *pace) size() int { return p.sizes[p.trying] }

// done takes a request into account. Only full ones tell the rate of a size; slow
// ones and failures tell that it is too large.
func (p *pace) done(records int, took time.Duration, ok bool) {
	if len(p.sizes) == 1 || records == 0 {
		return
	}
	if !ok || took > tooSlow {
		p.rates[p.trying] = 0
		p.settle(max(p.trying-1, 0))
		return
	}
	if records < p.size() {
		return
	}
	p.count++
	p.spent += took
	p.rates[p.trying] = max(p.rates[p.trying]*fading, float64(records)/max(took.Seconds(), 1e-6))
	switch {
	case p.trying == p.current:
		if p.count >= p.pause || p.spent >= pauseTime {
			p.explore()
		}
	case p.count >= exploreFor && p.rates[p.trying] > better*p.rates[p.current]:
		p.pause = exploreFor // it may get better still
		p.settle(p.trying)
	case p.count >= exploreFor:
		p.upward = !p.upward
		p.pause = min(max(2*p.pause, firstPause), longPause)
		p.settle(p.current)
	}
}

// settle stays at a size for a while.
func (p *pace) settle(at int) {
	p.current, p.trying, p.count, p.spent = at, at, 0, 0
}

// explore begins to try the neighbour in the present direction, or the other one
// at an end.
func (p *pace) explore() {
	p.upward = p.current == 0 || p.upward && p.current < len(p.sizes)-1
	p.settle(p.current)
	p.trying--
	if p.upward {
		p.trying = p.current + 1
	}
	p.rates[p.trying] = 0 // what was measured long ago says nothing
}
