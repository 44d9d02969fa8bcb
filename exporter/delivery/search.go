// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
)

// How often a request, and a single record, have to fail with a 5xx while the server
// is well, before they are suspected and refused. A record of which no neighbour
// is stored either is refused much later: it may be that nothing can be
// written at all, as on a full disk, which reading does not show.
const (
	strikesToSearch     = 2
	strikesToRefuse     = 2
	strikesWithoutProof = 20
	maxAccused          = 2 // records that fail by themselves before a search is given up
)

// failed decides what follows a failure that says nothing about the content, once it is
// known, as far as it can be, that nothing was stored. It returns nil if the next
// step can follow at once.
func (j *job) failed(ctx context.Context, p *part) error {
	cause := p.cause
	if p.again { // its caller has waited
		p.again, cause = false, nil
	}
	answer := answerOf(p.cause)
	if answer.Status < 500 || answer.RetryAfter > 0 || !j.well && !j.d.well(ctx) {
		return cause // of the network, or of the server as such
	}
	j.well = true
	if p.blind {
		p.doubt, p.resent = nil, true // there will never be more to know
	}
	if p.request.Records() == 1 {
		if j.accuse(p) {
			return nil
		}
		return cause
	}
	if p.strikes++; p.strikes < strikesToSearch && !j.searched && !j.followed() {
		return cause
	}
	j.blame()
	return nil
}

// blamed decides what follows an answer that blames the content and names no record:
// before it is believed, the server has to be well and to take others.
func (j *job) blamed(ctx context.Context, p *part) error {
	if !j.well && !j.passed {
		if !j.d.well(ctx) {
			return p.cause
		}
		j.well = true
	}
	if p.request.Records() > 1 {
		j.blame()
		return nil
	}
	if !j.passed && !j.d.takesRequests(ctx) {
		return p.cause
	}
	j.refuse(p)
	return nil
}

// followed reports whether the first part is a half whose other half comes next.
func (j *job) followed() bool { return len(j.todo) > 1 && j.todo[1].role == sibling }

// blame makes the first part guilty.
func (j *job) blame() {
	j.searched = true
	j.todo[0].role = guilty
	j.release()
}

// release makes the other half of the first part one of which nothing is known. It
// goes with what follows, to be posted in one.
func (j *job) release() {
	if !j.followed() {
		return
	}
	j.todo[1].role = fresh
	if len(j.todo) > 2 && j.todo[2].mergeable() {
		j.todo[1].join(&j.todo[2])
		j.todo = append(j.todo[:2:2], j.todo[3:]...)
	}
}

// join adds another part, of which nothing is known either.
func (p *part) join(other *part) {
	p.request.Append(other.request)
	p.resent, p.blind = p.resent || other.resent, p.blind || other.blind
}

func (p *part) mergeable() bool {
	return p.role == fresh && p.doubt == nil && p.alone == 0
}

// halve splits the first part, which is guilty, to find out which half is. After a 5xx a
// failing half costs two exchanges, the post and the look, and a passing one costs
// one: then the first half is the smaller one, in the golden ratio.
func (j *job) halve() {
	p := &j.todo[0]
	n := p.request.Records() / 2
	if answerOf(p.cause).Status >= 500 {
		n = max((p.request.Records()*382+500)/1000, 1)
	}
	first, second := p.request.Cut(n)
	p.request, p.role = first, fresh
	j.insert(1, part{request: second, role: sibling, cause: p.cause, resent: p.resent, blind: p.blind})
}

// accuse decides about a single record that failed with a 5xx although the server is well.
// The others get their turn before it is tried again: what fails while they pass
// is refused. It returns false if only time can tell.
func (j *job) accuse(p *part) bool {
	p.alone++
	switch {
	case j.passed && p.alone >= strikesToRefuse, p.alone >= strikesWithoutProof:
		j.refuse(p)
		return true
	case j.passed:
		j.postpone()
		return true
	case j.barren || j.accused == maxAccused || len(j.todo) == 1:
		// Several of them fail by themselves, or there is no other: nobody knows
		// whether anything can be stored.
		j.rejoin()
		return false
	}
	j.accused++
	j.postpone()
	j.probe()
	return true
}

// probe puts one record of what has not failed by itself first, to be posted alone: if
// not even that can be stored, it is in vain to search on.
func (j *job) probe() {
	for i := range j.todo {
		p := &j.todo[i]
		n := p.request.Records()
		if !p.mergeable() || n == 1 {
			continue
		}
		at := n / 2
		if j.accused == maxAccused {
			at = n - 1
		}
		rest, one := p.request.Without([]int{at})
		p.request = rest
		j.insert(0, part{request: one, cause: p.cause, resent: p.resent, blind: p.blind})
		return
	}
}

// postpone moves the first part, which is a single record, behind all others.
func (j *job) postpone() {
	j.release()
	p := j.todo[0]
	p.role = fresh
	j.todo = append(j.todo[1:len(j.todo):len(j.todo)], p)
}

// rejoin gives a search up: what has not failed by itself becomes one part again,
// behind the record that is tried until it is stored.
func (j *job) rejoin() {
	j.barren = true
	all := []part{j.todo[0]}
	all[0].role = fresh
	var rest part
	for _, p := range j.todo[1:] {
		if p.role = fresh; !p.mergeable() {
			all = append(all, p)
			continue
		}
		rest.join(&p)
	}
	if rest.request.Records() > 0 {
		all = append(all, rest)
	}
	j.todo = all
}

// refuse settles the first part, which is a single record.
func (j *job) refuse(p *part) {
	j.outcome.Refuse(p.request, reasonFor(answerOf(p.cause)))
	j.release()
	j.todo = j.todo[1:]
}
