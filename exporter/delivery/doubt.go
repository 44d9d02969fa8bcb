// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
)

// The pauses between two looks for the same request.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second
)

// blindAfter is how long a server that answers no look is waited for before a
// request is sent again all the same.
const blindAfter = 10 * time.Minute

// muteLooks is how often the server fails to answer a look, although it is well, before
// it is taken for one that cannot.
const muteLooks = 3

// doubt is about a request that may have been stored although no answer said so. A
// request is one transaction: if its first and its last record stand on the
// server, all of it does, and so with any two of them.
type doubt struct {
	since time.Time // the server may have worked on it from then on, unseen
	ended bool      // but it does not work on it any more
	keys  []key     // of two records, see ends; none if they cannot be read
	twice bool      // it was found to stand twice
	mute  int       // looks that the server failed to answer
}

// key is how a record is found again.
type key struct {
	log   prefectapi.Log
	times int // that it stands in the request
}

func newDoubt(request payload.Request) *doubt {
	doubt := &doubt{}
	first, last := ends(request)
	for _, at := range slices.Compact([]int{first, last}) {
		key, ok := keyOf(request, at)
		if !ok {
			return doubt
		}
		doubt.keys = append(doubt.keys, key)
	}
	return doubt
}

// ends returns the first and the last record of a request whose times every database keeps to the microsecond, or
// of all where there are none: beyond the years 1728 to 2271 PostgreSQL rounds them, and a record is not found by its time.
func ends(request payload.Request) (first, last int) {
	first, last = -1, request.Records()-1
	for i, line := range request.All() {
		if !payload.Valid(line) {
			continue
		}
		if year := string(payload.Stamp(line)[:4]); year < "1728" || year > "2271" {
			continue
		}
		if last = i; first < 0 {
			first = i
		}
	}
	return max(first, 0), last
}

func keyOf(request payload.Request, at int) (key, bool) {
	line := request.Line(at)
	record, err := payload.Decode(line)
	if err != nil {
		return key{}, false // it is none that the encoder made
	}
	times := 0
	for _, other := range request.All() {
		if bytes.Equal(line, other) {
			times++
		}
	}
	return key{times: times, log: prefectapi.Log{
		FlowRunID: record.FlowRunID, Timestamp: record.Timestamp, Name: record.Name, Level: record.Level, Message: record.Message,
	}}, true
}

// renew says that another try ended without a word on whether it was stored.
func (d *doubt) renew(ended bool) {
	d.ended = ended && (d.ended || d.since.IsZero()) // an earlier try may still be under way
	d.since = time.Now()
}

// verdict is what is known of a request that may have been stored.
type verdict uint8

const (
	undecided verdict = iota // not yet known
	found                    // stored
	absent                   // not stored, and waited for long enough
	unseen                   // the server cannot be asked
)

// look finds out whether a part in doubt has been stored, with the patience that the
// server needs, if the job has it. The error says why it is undecided.
func (j *job) look(ctx context.Context, p *part) (verdict, error) {
	if len(p.doubt.keys) == 0 {
		return unseen, nil
	}
	told := false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		if ctx.Err() != nil {
			return undecided, p.cause
		}
		began := time.Now()
		stands, err := j.stands(ctx, p.doubt)
		// The look has told how slow the server is, and has not seen what was stored behind its beginning.
		patience := j.d.patience()
		if p.doubt.ended {
			patience = 0
		}
		left := max(patience-time.Since(p.doubt.since), 0)
		switch {
		case stands:
			return found, nil
		case err == nil && began.Sub(p.doubt.since) >= patience:
			j.well = true
			return absent, nil
		case err != nil && ctx.Err() != nil:
			return undecided, p.cause
		case err != nil:
			answer := answerOf(err)
			if v := j.unasked(ctx, p, answer, left); v == unseen || left == 0 || answer.RetryAfter > 0 {
				return v, err
			}
		}
		pause = min(pause, left)
		if !j.how.patient || outlasts(ctx, pause) {
			return undecided, p.cause
		}
		if !told {
			told = true
			j.d.onRetry(Retry{Err: p.cause, Wait: left, Looking: true})
		}
		if !wait(ctx, pause, nil) {
			return undecided, p.cause
		}
		j.looked += pause
	}
}

// stands reports whether all keys stand on the server.
func (j *job) stands(ctx context.Context, doubt *doubt) (bool, error) {
	twice := true
	for _, key := range doubt.keys {
		n, err := j.d.count(ctx, key.log)
		if err != nil || n < key.times {
			return false, err
		}
		twice = twice && n > key.times
	}
	doubt.twice = twice
	return true, nil
}

// unasked says what follows from a look that failed: whether the server can be asked
// later, or never.
func (j *job) unasked(ctx context.Context, p *part, answer *prefectapi.Error, left time.Duration) verdict {
	switch {
	case time.Since(p.doubt.since) >= blindAfter:
		return unseen
	case answer.Kind == prefectapi.KindNetwork, answer.Kind == prefectapi.KindBusy:
		return undecided
	case answer.Kind != prefectapi.KindServer:
		return unseen // it does not want to be asked
	}
	if j.d.api.Check(ctx) != nil {
		return undecided // it is not well
	}
	p.doubt.mute++
	if p.doubt.mute >= muteLooks && left == 0 && time.Since(p.doubt.since) >= leastPatience {
		return unseen // it can be asked, but not about this run
	}
	return undecided
}
