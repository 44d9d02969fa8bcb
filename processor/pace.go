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
	exploreEvery = 10              // full requests at one size before a neighbour is tried
	exploreFor   = 2               // full requests at the neighbour
	better       = 1.05            // by how much a neighbour must be faster
	tooSlow      = 2 * time.Second // a request that takes longer is too large, whatever the rate
	memory       = 0.7             // weight of what was measured before, at each further request
)

// pace finds how many records a request should carry, by the rows per second that
// the server stores: it stays at one size, tries a neighbour now and then, and
// moves there if that is faster. It is not safe for concurrent use: the
// lock of the Batch guards it.
type pace struct {
	sizes   []int
	rates   []rate // of each size
	current int    // index of the size in use
	trying  int    // index of the neighbour that is tried; current while none is
	count   int    // full requests since the last change of trying
	upward  bool   // the direction of the next try
}

// rate is a fading sum of what was measured.
type rate struct{ records, seconds float64 }

func (r rate) value() float64 {
	if r.seconds == 0 {
		return 0
	}
	return r.records / r.seconds
}

// newPace returns a pace for requests of at most limit records; a fixed one
// always carries limit.
func newPace(limit int, fixed bool) pace {
	if fixed || limit <= sizes[0] {
		return pace{sizes: []int{limit}, rates: make([]rate, 1)}
	}
	allowed := slices.Clone(sizes)
	allowed = slices.DeleteFunc(allowed, func(n int) bool { return n >= limit })
	allowed = append(allowed, limit)
	start, found := slices.BinarySearch(allowed, startSize)
	if !found {
		start = len(allowed) - 1
	}
	return pace{sizes: allowed, rates: make([]rate, len(allowed)), current: start, trying: start, upward: true}
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
		p.settle(max(p.trying-1, 0))
		return
	}
	if records < p.size() {
		return
	}
	r := &p.rates[p.trying]
	r.records = r.records*memory + float64(records)
	r.seconds = r.seconds*memory + max(took.Seconds(), 1e-6)
	p.count++
	switch {
	case p.trying != p.current && p.count >= exploreFor:
		if p.rates[p.trying].value() > better*p.rates[p.current].value() {
			p.settle(p.trying)
		} else {
			p.upward = !p.upward
			p.settle(p.current)
		}
	case p.trying == p.current && p.count >= exploreEvery:
		p.explore()
	}
}

// settle stays at a size for a while.
func (p *pace) settle(at int) {
	p.current, p.trying, p.count = at, at, 0
}

// explore begins to try the neighbour in the present direction, or the other one
// at an end.
func (p *pace) explore() {
	if p.upward && p.current == len(p.sizes)-1 {
		p.upward = false
	} else if !p.upward && p.current == 0 {
		p.upward = true
	}
	p.trying, p.count = p.current-1, 0
	if p.upward {
		p.trying = p.current + 1
	}
	p.rates[p.trying] = rate{} // what was measured long ago says nothing
}
