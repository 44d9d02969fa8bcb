// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

// job is the delivery of one request: the parts that it has come apart into, and
// what became of the rest. It belongs to one goroutine.
type job struct {
	d       *Deliverer
	how     mode
	todo    []part // in the order of sending; none is empty
	outcome payload.Outcome

	// What this call to advance has learned about the server; it ages.
	passed   bool // it has stored other records of this job
	well     bool // it answered a question
	accused  int  // records that failed by themselves while nothing had passed
	searched bool // a search has begun: what fails now fails for its content

	barren bool          // a search found nothing that can be stored
	looked time.Duration // waited in this call to advance, looking
}

// part is what is posted as one request, or has to be split before.
type part struct {
	request payload.Request
	role    role
	strikes int    // how often it failed with a 5xx while the server was well
	alone   int    // the same, as a single record
	doubt   *doubt // an earlier try may have stored it; nil: certainly not
	cause   error  // of the last failure
	resent  bool   // an earlier try might have stored it, or still might
	blind   bool   // and it could not be looked for
	again   bool   // it comes from an earlier call, which ended in its failure
}

// role is what a search knows of a part.
type role uint8

const (
	fresh   role = iota
	guilty       // it cannot be stored as a whole: at least one of its records is to blame
	sibling      // it is guilty if the part before it can be stored
)

// begin makes a job of a request, with what is remembered of it.
func (d *Deliverer) begin(request payload.Request, how mode) *job {
	j := &job{d: d, how: how}
	if request.Records() > 0 {
		j.todo = d.recall(request)
	}
	return j
}

// settled is how many records need no further work.
func (j *job) settled() int { return j.outcome.Stored + len(j.outcome.Refused) }

// advance works until nothing is left, or until what is left can only be mended
// by time, and returns why.
func (j *job) advance(ctx context.Context) error {
	j.passed, j.well, j.accused, j.searched, j.looked = false, false, 0, false, 0
	for len(j.todo) > 0 {
		if err := j.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// step makes one exchange, or a look that takes several. It returns nil if the next step
// can follow at once.
func (j *job) step(ctx context.Context) error {
	j.split()
	p := &j.todo[0]
	if p.doubt != nil {
		switch verdict, err := j.look(ctx, p); {
		case verdict == found:
			j.found(p)
			return nil
		case verdict == undecided:
			return err
		case verdict == absent:
			p.resent = p.resent || !p.doubt.ended
			p.doubt, p.blind = nil, false
			return j.failed(ctx, p)
		case !p.blind:
			p.blind = true
			return j.failed(ctx, p)
		}
	}
	err := j.d.post(ctx, &p.request)
	if err == nil {
		j.stored(ctx, p)
		return nil
	}
	answer := answerOf(err)
	p.cause = err
	if answer.Status >= 500 || answer.TimedOut() {
		j.outcome.Overloaded++
	}
	switch actionFor(answer) {
	case cut:
		rest, refused := p.request.Without(answer.Positions)
		if refused.Records() == 0 { // the names are none of ours
			return j.blamed(ctx, p)
		}
		p.doubt = nil
		j.outcome.Refuse(refused, payload.ReasonInvalid)
		if p.request = rest; rest.Records() == 0 {
			j.release()
			j.todo = j.todo[1:]
		}
		return nil
	case shrink:
		p.doubt = nil
		if p.request.Records() == 1 {
			return j.blamed(ctx, p)
		}
		j.d.learnLimit(p.request.Size() / 2)
		return nil
	case search:
		p.doubt = nil // what it does not take now it did not take before
		return j.blamed(ctx, p)
	case look:
		if p.doubt == nil {
			p.doubt = newDoubt(p.request)
		}
		p.doubt.renew(answer.Ended)
		if p.blind { // it was looked for before this try
			return j.failed(ctx, p)
		}
		return nil
	}
	return err // hold and retry
}

// split makes the first part one that can be posted.
func (j *job) split() {
	p := &j.todo[0]
	if p.doubt != nil {
		return // it is looked for as it was posted
	}
	n := p.request.Records()
	if p.role == guilty && n > 1 {
		j.halve()
		return
	}
	limit := j.d.limitNow()
	if limit == 0 || n == 1 || p.request.Size() <= limit {
		return
	}
	head, tail := p.request.CutSize(limit)
	rest := *p
	p.request, rest.request = head, tail
	j.insert(1, rest)
}

// stored settles the first part, which the server has taken.
func (j *job) stored(ctx context.Context, p *part) {
	n := p.request.Records()
	j.outcome.Stored += n
	if p.resent || p.doubt != nil {
		j.outcome.Resent += n
		if p.blind {
			j.outcome.Blind += n
		}
		j.outcome.Duplicated += j.d.lookTwice(ctx, p.request)
	}
	j.pass()
}

// found settles the first part, which stands on the server although no answer
// said so.
func (j *job) found(p *part) {
	n := p.request.Records()
	j.outcome.Stored += n
	j.outcome.Resolved += n
	if p.resent || p.blind {
		j.outcome.Resent += n
	}
	if p.blind {
		j.outcome.Blind += n
	}
	if p.doubt.twice {
		j.outcome.Duplicated += n
	}
	j.pass()
}

// pass removes the first part, which stands on the server. If it is the innocent half,
// the other one is guilty.
func (j *job) pass() {
	j.passed, j.barren = true, false
	j.todo = j.todo[1:]
	if len(j.todo) > 0 && j.todo[0].role == sibling {
		j.todo[0].role = guilty
	}
}

func (j *job) insert(at int, p part) {
	j.todo = append(j.todo[:at:at], append([]part{p}, j.todo[at:]...)...)
}

// end returns what became of the request, and remembers what is of use if the
// rest of it comes again.
func (j *job) end(ctx context.Context, err error) payload.Outcome {
	for i := range j.todo {
		p := &j.todo[i]
		j.outcome.Unsent.Append(p.request)
		if p.doubt != nil {
			j.outcome.Unknown += p.request.Records()
		}
	}
	if slices.ContainsFunc(j.outcome.Refused, func(r payload.Refusal) bool { return r.Reason == payload.ReasonFailing }) {
		j.outcome.Overloaded = 0 // it was that record's
	}
	j.outcome.Err = err
	j.d.remember(j.todo, time.Now())
	if err == nil && j.how.patient {
		j.outcome.Duplicated += j.d.lookBack(ctx)
	}
	return j.outcome
}
