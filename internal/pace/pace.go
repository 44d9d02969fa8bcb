// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"slices"
	"sync"
	"time"
)

// The sizes of requests. A few are enough: between two neighbours the rate of a server changes little.
var sizes = []int{50, 100, Start, 400, 700, 1000}

// Start is the size to begin with, near the best for both of Prefect's databases.
const Start = 200

const (
	firstPause = 10              // requests at one size before a neighbour is tried
	longPause  = 80              // the same, after many tries in vain
	pauseTime  = 5 * time.Second // but no longer than this, so that a slow size is soon left
	tries      = 2               // requests for which a neighbour is tried
	better     = 1.05            // by how much a neighbour must be faster
	tooSlow    = 2 * time.Second // a request that takes longer is too large, whatever the rate
	fading     = 0.97            // of the best rate, at each further request
)

// Pace stays at one size, tries a neighbour now and then, and moves there if records are stored faster. Of each size the best recent
// rate counts, since what disturbs a measurement makes it slower. It is safe for concurrent use.
type Pace struct {
	sizes []int

	mu      sync.Mutex    // guards what follows
	rates   []float64     // best recent records per second of each size
	current int           // index of the size in use
	trying  int           // index of the neighbour that is tried; current while none is
	upward  bool          // the direction of the next try
	pause   int           // requests until then
	count   int           // requests since the last change of trying
	spent   time.Duration // in those
}

// New returns a pace for requests of at most limit records.
func New(limit int) *Pace {
	p := &Pace{upward: true, pause: firstPause}
	for _, size := range sizes {
		if size < limit {
			p.sizes = append(p.sizes, size)
		}
	}
	p.sizes = append(p.sizes, limit)
	p.rates = make([]float64, len(p.sizes))
	p.current = p.level(Start)
	p.trying = p.current
	return p
}

// Fixed returns a pace that stays at one size.
func Fixed(size int) *Pace { return &Pace{sizes: []int{size}} }

// Size is how many records the next request may carry.
func (p *Pace) Size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sizes[p.trying]
}

// Stored takes into account how long the server took to store a request.
func (p *Pace) Stored(records int, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if took > tooSlow {
		p.shrink()
		return
	}
	if len(p.sizes) == 1 || records < p.sizes[0] {
		return
	}
	at := p.level(records)
	p.rates[at] = max(p.rates[at]*fading, float64(records)/max(took.Seconds(), 1e-6))
	p.count++
	p.spent += took
	switch {
	case p.trying == p.current:
		if p.count >= p.pause || p.spent >= pauseTime {
			p.try()
		}
	case p.count < tries:
	case p.rates[p.trying] > better*p.rates[p.current]: // 0 where no request had that many records
		p.pause = tries // it may get better still
		p.settle(p.trying)
	default:
		p.upward = !p.upward
		p.pause = min(max(2*p.pause, firstPause), longPause)
		p.settle(p.current)
	}
}

// Failed takes into account that the server failed on a request, whether or not it was stored by another try. It may be too large.
func (p *Pace) Failed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shrink()
}

// level is the index of the size of which a request of so many records tells: the largest one that it reaches.
func (p *Pace) level(records int) int {
	at, found := slices.BinarySearch(p.sizes, records)
	if !found {
		at = max(at-1, 0)
	}
	return at
}

func (p *Pace) shrink() {
	if len(p.sizes) == 1 {
		return
	}
	p.rates[p.trying] = 0
	p.settle(max(p.trying-1, 0))
}

// settle stays at a size for a while.
func (p *Pace) settle(at int) { p.current, p.trying, p.count, p.spent = at, at, 0, 0 }

// try begins to try the neighbour in the present direction, or the other one at an end.
func (p *Pace) try() {
	p.upward = p.current == 0 || p.upward && p.current < len(p.sizes)-1
	p.settle(p.current)
	p.trying--
	if p.upward {
		p.trying = p.current + 1
	}
	p.rates[p.trying] = 0 // what was measured long ago says nothing
}
