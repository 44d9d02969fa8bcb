// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
)

// Resume is Push for a request of which a process that ended before since may have sent
// any part, in whatever requests. What of it stands on the server is not sent
// again: it counts as Stored and Resolved. Unless all of it stands there, Resume waits until
// that process's last request can no longer be stored; see the package's documentation on
// how long that takes. Equal records are counted: two of them that stand once are sent once.
//
// A server that does not let itself be asked gets the request at least once, which counts as Blind.
func (d *Deliverer) Resume(ctx context.Context, request payload.Request, since time.Time) payload.Outcome {
	missing, blind, err := d.missing(ctx, request, since)
	stood := request.Records() - missing.Records()
	outcome := payload.Outcome{Stored: stood, Resolved: stood}
	if err != nil {
		outcome.Unsent, outcome.Err = missing, err
		return outcome
	}
	if missing.Records() == 0 {
		return outcome
	}
	sent := d.Push(ctx, missing)
	if blind {
		sent.Resent, sent.Blind = sent.Stored, sent.Stored
	}
	outcome.Merge(sent)
	return outcome
}

// missing returns what of a request does not stand on the server and will not. blind: the
// server does not let itself be asked.
func (d *Deliverer) missing(ctx context.Context, request payload.Request, since time.Time) (rest payload.Request, blind bool, err error) {
	rest = request
	if now := time.Now(); since.After(now) {
		since = now // by a clock that was ahead: it ended before this call
	}
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		began := time.Now()
		rest, err = d.unstored(ctx, rest)
		if err != nil {
			if d.unaskable(ctx, answerOf(err), since) {
				return rest, true, nil
			}
			return rest, false, fmt.Errorf("looking for what an earlier process sent: %w", err)
		}
		// What was stored behind its beginning the look has not seen.
		patience := d.patience()
		if rest.Records() == 0 || began.Sub(since) >= patience {
			return rest, false, nil
		}
		if pause = min(pause, max(patience-time.Since(since), 0)); outlasts(ctx, pause) || !wait(ctx, pause, nil) {
			return rest, false, errUnderWay
		}
	}
}

// errUnderWay: the call ended while it still waited.
var errUnderWay = errors.New("what an earlier process sent may still be under way to the server's database")

// unaskable reports whether a server that failed to answer a look will never answer one.
func (d *Deliverer) unaskable(ctx context.Context, answer *prefectapi.Error, since time.Time) bool {
	switch answer.Kind {
	case prefectapi.KindNetwork, prefectapi.KindBusy:
		return false
	case prefectapi.KindServer:
		return time.Since(since) >= blindAfter && d.api.Check(ctx) == nil
	}
	return true // it does not want to be asked
}

// sought is a record that is looked for.
type sought struct {
	at   int // its position in the request
	run  string
	time time.Time
	key  uint64
}

// unstored returns the request without the records that stand on the server. Behind an error,
// that is all of it.
func (d *Deliverer) unstored(ctx context.Context, request payload.Request) (payload.Request, error) {
	var records []sought
	for i, line := range request.All() {
		record, err := payload.Decode(line)
		if err != nil {
			continue // it is none that the encoder made, and nothing on the server is known to be it
		}
		records = append(records, sought{at: i, run: record.FlowRunID, time: record.Timestamp, key: d.identity(prefectapi.Log{
			FlowRunID: record.FlowRunID, Timestamp: record.Timestamp, Name: record.Name, Level: record.Level, Message: record.Message,
		})})
	}
	slices.SortStableFunc(records, func(a, b sought) int { return a.time.Compare(b.time) })
	found, err := d.standing(ctx, records, nil)
	if err != nil {
		return request, err
	}
	rest, _ := request.Without(found)
	return rest, nil
}

// standing appends the positions of those records, sorted by time, that stand on the server.
func (d *Deliverer) standing(ctx context.Context, records []sought, found []int) ([]int, error) {
	if len(records) == 0 {
		return found, nil
	}
	runs := map[string]struct{}{}
	for _, r := range records {
		runs[r.run] = struct{}{}
	}
	first, last := records[0].time, records[len(records)-1].time
	stands := make(map[uint64]int)
	start := time.Now()
	all, err := d.api.FindLogs(ctx, slices.Sorted(maps.Keys(runs)), first, last, func(log prefectapi.Log) { stands[d.identity(log)]++ })
	d.observe(start, err)
	switch {
	case err != nil:
		return found, err
	case !all && first.Equal(last):
		return found, &prefectapi.Error{Kind: prefectapi.KindAccess, Err: errCrowded}
	case !all:
		// Records of one time stay together: they may be equal, and are counted.
		middle := first.Add(last.Sub(first) / 2)
		n, _ := slices.BinarySearchFunc(records, middle, func(r sought, t time.Time) int {
			if r.time.After(t) {
				return 1
			}
			return -1
		})
		if found, err = d.standing(ctx, records[:n], found); err != nil {
			return found, err
		}
		return d.standing(ctx, records[n:], found)
	}
	for _, r := range records {
		if stands[r.key] > 0 {
			stands[r.key]--
			found = append(found, r.at)
		}
	}
	return found, nil
}

var errCrowded = errors.New("too many logs share a time stamp to find one of them")

// identity is what tells one stored log from another.
func (d *Deliverer) identity(log prefectapi.Log) uint64 {
	var hash maphash.Hash
	hash.SetSeed(d.seed)
	var fixed [16]byte
	binary.LittleEndian.PutUint64(fixed[:], uint64(log.Timestamp.UnixMicro()))
	binary.LittleEndian.PutUint64(fixed[8:], uint64(log.Level))
	// None of these can fail. The lengths of the texts before the last one keep them apart.
	_, _ = hash.Write(fixed[:])
	_, _ = hash.WriteString(log.FlowRunID)
	binary.LittleEndian.PutUint64(fixed[:], uint64(len(log.Name)))
	_, _ = hash.Write(fixed[:8])
	_, _ = hash.WriteString(log.Name)
	_, _ = hash.WriteString(log.Message)
	return hash.Sum64()
}
