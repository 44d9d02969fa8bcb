// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"hash/maphash"
	"slices"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

// Bounds of what is remembered.
const (
	limitFor    = 10 * time.Minute // how long a size that was refused is avoided
	paceFor     = 5 * time.Minute  // an answer is recent for one to two of these
	memoryFor   = time.Hour
	maxMemories = 64
	maxResent   = 8
)

// The patience with a server that may still be storing a request: measured on loaded
// servers, a commit came up to 5 s after its sender had left.
const (
	leastPatience = 5 * time.Second
	mostPatience  = 60 * time.Second
)

// pace is how slow the server's answers are.
type pace struct {
	slowest  time.Duration // since began
	previous time.Duration // of the time before
	began    time.Time
}

// observe notes how long an answer took.
func (d *Deliverer) observe(start time.Time, err error) {
	if err != nil && answerOf(err).Status == 0 {
		return // there was none
	}
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pace.turn(now)
	d.pace.slowest = max(d.pace.slowest, now.Sub(start))
}

func (p *pace) turn(now time.Time) {
	switch age := now.Sub(p.began); {
	case age < paceFor:
		return
	case age < 2*paceFor:
		p.previous = p.slowest
	default:
		p.previous = 0
	}
	p.slowest, p.began = 0, now
}

// Patience returns how long after its sender has left the server may still store a
// request, as far as its answers tell: 5 s to a minute.
func (d *Deliverer) Patience() time.Duration { return d.patience() }

// patience is how long after a failure the server may still store what it had got.
func (d *Deliverer) patience() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pace.turn(time.Now())
	return min(max(leastPatience, 4*max(d.pace.slowest, d.pace.previous)), mostPatience)
}

// sizeLimit is the largest body that the server is believed to take.
type sizeLimit struct {
	bytes int // 0: none is known
	until time.Time
}

func (d *Deliverer) learnLimit(bytes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit = sizeLimit{bytes: bytes, until: time.Now().Add(limitFor)}
}

func (d *Deliverer) limitNow() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.limit.bytes > 0 && !time.Now().Before(d.limit.until) {
		d.limit = sizeLimit{}
	}
	return d.limit.bytes
}

// memo is what is remembered of a part that was given back unsent, should it come
// again: callers that retry by themselves begin with the same record.
type memo struct {
	first, last uint64 // hashes of its lines
	records     int
	strikes     int
	alone       int
	resent      bool
	inDoubt     bool
	ended       bool
	since       time.Time // of the doubt
	cause       error
	at          time.Time
}

func (d *Deliverer) hash(line []byte) uint64 { return maphash.Bytes(d.seed, line) }

// remember keeps what is known of the parts.
func (d *Deliverer) remember(parts []part, now time.Time) {
	for i := range parts {
		p := &parts[i]
		if p.doubt == nil && p.strikes == 0 && p.alone == 0 && !p.resent {
			continue
		}
		n := p.request.Records()
		m := memo{
			first: d.hash(p.request.Line(0)), last: d.hash(p.request.Line(n - 1)), records: n,
			strikes: p.strikes, alone: p.alone, resent: p.resent, cause: p.cause, at: now,
		}
		if p.doubt != nil {
			m.inDoubt, m.ended, m.since = true, p.doubt.ended, p.doubt.since
		}
		d.mu.Lock()
		d.memory = append(d.memory, m)
		if len(d.memory) > maxMemories {
			d.memory = slices.Delete(d.memory, 0, 1)
		}
		d.mu.Unlock()
	}
}

// recall makes parts of a request, with what is remembered of them.
func (d *Deliverer) recall(request payload.Request) []part {
	m, ok := d.take(request)
	if !ok {
		return []part{{request: request}}
	}
	first := part{strikes: m.strikes, alone: m.alone, resent: m.resent, cause: m.cause, again: m.inDoubt}
	head, tail := request.Cut(m.records)
	if m.inDoubt {
		first.doubt = newDoubt(head)
		first.doubt.since, first.doubt.ended = m.since, m.ended
	}
	first.request = head
	if tail.Records() == 0 {
		return []part{first}
	}
	return append([]part{first}, d.recall(tail)...)
}

// take finds and forgets what is remembered of the beginning of a request.
func (d *Deliverer) take(request payload.Request) (memo, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.memory) == 0 {
		return memo{}, false
	}
	now := time.Now()
	d.memory = slices.DeleteFunc(d.memory, func(m memo) bool { return now.Sub(m.at) > memoryFor })
	first := d.hash(request.Line(0))
	i := slices.IndexFunc(d.memory, func(m memo) bool {
		return m.first == first && m.records <= request.Records() && m.last == d.hash(request.Line(m.records-1))
	})
	if i < 0 {
		return memo{}, false
	}
	m := d.memory[i]
	d.memory = slices.Delete(d.memory, i, i+1)
	return m, true
}

// resent is a request that was sent again, whose first try may yet be stored.
type resent struct {
	key     key
	records int
	due     time.Time
	looks   int // left
}

// lookTwice looks for a request that was stored by another try, and returns how many
// records stand twice. It is looked for once more later.
func (d *Deliverer) lookTwice(ctx context.Context, request payload.Request) int {
	first, _ := ends(request)
	key, ok := keyOf(request, first)
	if !ok {
		return 0
	}
	if n, err := d.count(ctx, key.log); err == nil && n > key.times {
		return request.Records()
	}
	later := resent{key: key, records: request.Records(), due: time.Now().Add(d.patience()), looks: 3}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.resent) < maxResent {
		d.resent = append(d.resent, later)
	}
	return 0
}

// lookBack looks for one of the requests that were sent again, if it is due, and
// returns how many records stand twice.
func (d *Deliverer) lookBack(ctx context.Context) int {
	d.mu.Lock()
	now := time.Now()
	i := slices.IndexFunc(d.resent, func(r resent) bool { return !now.Before(r.due) })
	if i < 0 {
		d.mu.Unlock()
		return 0
	}
	r := d.resent[i]
	d.resent = slices.Delete(d.resent, i, i+1)
	d.mu.Unlock()

	n, err := d.count(ctx, r.key.log)
	if err == nil && n > r.key.times {
		return r.records
	}
	if r.looks--; err != nil && r.looks > 0 {
		r.due = now.Add(d.patience())
		d.mu.Lock()
		d.resent = append(d.resent, r)
		d.mu.Unlock()
	}
	return 0
}
