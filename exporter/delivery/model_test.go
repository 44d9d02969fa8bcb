// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// randomFault is one of everything that can go wrong, with commits that come in time.
func randomFault(r *rand.Rand, records int) prefecttest.Fault {
	looking := func(f prefecttest.Fault) prefecttest.Fault { return f.On("POST", "/logs/filter") }
	switch r.IntN(20) {
	case 0:
		return prefecttest.CutBefore()
	case 1:
		return prefecttest.CutDuring(r.Int64N(2000))
	case 2, 3, 4:
		return prefecttest.CutAfterCommit()
	case 5, 6:
		return prefecttest.CommitLater(time.Duration(r.IntN(4900)) * time.Millisecond)
	case 7:
		return prefecttest.Status(429).RetryAfter(fmt.Sprint(r.IntN(5)))
	case 8:
		return prefecttest.Status([]int{500, 502, 503, 504}[r.IntN(4)])
	case 9:
		return prefecttest.Status([]int{500, 502, 503, 504}[r.IntN(4)]).Stored()
	case 10:
		return prefects([]int{500, 503}[r.IntN(2)])
	case 11:
		return prefects([]int{500, 503}[r.IntN(2)]).Stored()
	case 12:
		return prefecttest.Refuse(r.IntN(records))
	case 13:
		return prefecttest.Hang()
	case 14:
		return prefecttest.Delay(time.Duration(r.IntN(64)) * second)
	case 15:
		return prefecttest.Status(401)
	case 16:
		return looking(prefecttest.CutBefore())
	case 17:
		return looking(prefects(503))
	case 18:
		return looking(prefecttest.Status(502))
	}
	return prefecttest.CutAnswer(2)
}

// Whatever goes wrong, in whatever order: each record is stored once, or refused, or
// given back, and those that are given back as certainly not stored are not.
func TestRandomFaults(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	for seed := range rounds {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 1))
			options := []prefecttest.Option{}
			if r.IntN(3) == 0 {
				fault := []prefecttest.Fault{prefects(500), prefecttest.Status(400), prefecttest.Status(502)}[r.IntN(3)]
				options = append(options, poisoned(map[string]prefecttest.Fault{"poison": fault}))
			}
			b := newBench(t, options...)
			next, accounted := 0, 0
			var total payload.Outcome
			for range 1 + r.IntN(6) {
				n := 1 + r.IntN(40)
				for range r.IntN(5) {
					b.server.Fault(randomFault(r, n))
				}
				var lines [][]byte
				for range n {
					message := fmt.Sprint(next)
					if r.IntN(60) == 0 {
						message = "poison " + message
					}
					lines = append(lines, encode(next, message))
					next++
				}
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if r.IntN(4) == 0 {
					ctx, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(30_000))*time.Millisecond)
				}
				left := request(lines...)
				var o payload.Outcome
				switch r.IntN(3) {
				case 0:
					for range 10 {
						o = b.Push(ctx, left)
						balanced(t, o, left.Records())
						left = o.Unsent
						o.Unsent = payload.Request{}
						unknown := o.Unknown
						o.Unknown = 0
						total.Merge(o)
						if left.Records() == 0 || ctx.Err() != nil {
							total.Unknown += unknown
							break
						}
						time.Sleep(20 * second)
						o.Unknown = unknown
					}
				default:
					o = b.Deliver(ctx, left, nil)
					balanced(t, o, n)
					left, o.Unsent = o.Unsent, payload.Request{}
					total.Merge(o)
				}
				accounted += left.Records()
				cancel()
			}
			time.Sleep(5 * time.Minute) // what comes late comes now
			if total.Stored+len(total.Refused)+accounted != next {
				t.Errorf("seed %d: %d stored, %d refused, %d unsent of %d", seed, total.Stored, len(total.Refused), accounted, next)
			}
			times := map[string]int{}
			for _, m := range b.stored() {
				if times[m]++; times[m] > 1 {
					t.Errorf("seed %d: %s stands %d times", seed, m, times[m])
				}
			}
			for m := range refused(total) {
				if times[m] > 0 {
					t.Errorf("seed %d: %s is refused and stored", seed, m)
				}
			}
			if got := len(times); got < total.Stored || got > total.Stored+total.Unknown {
				t.Errorf("seed %d: %d on the server, %d stored and %d unknown", seed, got, total.Stored, total.Unknown)
			}
			if t.Failed() {
				t.FailNow()
			}
		})
	}
}
