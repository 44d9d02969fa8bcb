// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
)

// TestRandomHistoriesBalance plays random sequences of records, flushes, pauses and
// faults, a shutdown at the end, with or without a deadline, and compares with what must have become of each
// record: it is stored once, in the order of its run, or it was refused or
// dropped, and counted.
func TestRandomHistoriesBalance(t *testing.T) {
	histories := 150
	if testing.Short() {
		histories = 30
	}
	var unknown uint64
	for seed := range uint64(histories) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { unknown += playHistory(t, rand.New(rand.NewPCG(seed, 0))).Unknown })
	}

	if unknown == 0 {
		t.Error("no shutdown cut a request off")
	}
}

func playHistory(t *testing.T, random *rand.Rand) (s processor.Stats) {
	synctest.Test(t, func(t *testing.T) {
		opts := []processor.Option{processor.WithQueueSize(2 * mib)}
		if random.IntN(2) == 0 {
			opts = append(opts, processor.WithBatchRecords(1+random.IntN(40)))
		}
		r := newRig(t, nil, opts...)
		r.server.FaultAlways(prefecttest.Delay(time.Millisecond)) // so that a request takes some time
		defer r.watchBalance()()
		emitted := 0
		for range 30 {
			switch random.IntN(6) {
			case 0, 1:
				emitted += r.emitSome(random, emitted)
			case 2:
				r.server.Fault(someFault(random))
			case 3:
				time.Sleep(time.Duration(random.Int64N(int64(5 * time.Second))))
			case 4:
				r.batch.Flush()
			case 5:
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.Int64N(int64(3*time.Second))))
				_ = r.batch.ForceFlush(ctx) // it may well end with its context
				cancel()
			}
			r.balance()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		if random.IntN(3) == 0 {
			emitted += r.emitSome(random, emitted)
			r.server.FaultAlways([]prefecttest.Fault{prefecttest.Delay(time.Second), prefecttest.Hang(), prefecttest.Hang().Stored()}[random.IntN(3)])
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), time.Duration(random.Int64N(int64(5*time.Second))))
		}
		err := r.batch.Shutdown(ctx)
		late := ctx.Err() != nil
		cancel()
		r.balance()
		time.Sleep(10 * time.Second) // for late commits

		s = r.batch.Stats()
		if s.Queued+s.InFlight+s.Duplicated != 0 || s.Dropped != (processor.Dropped{Shutdown: s.Dropped.Shutdown}) {
			t.Errorf("stats %+v", s)
		}
		if lost := s.Unknown+s.Dropped.Shutdown > 0; lost != (err != nil) || lost && !late {
			t.Errorf("stats %+v and the error of the shutdown: %v", s, err)
		}
		// The server may have what is unknown, and nothing else that is not counted as stored.
		if got := uint64(len(r.stored()) + len(r.notices())); got < s.Stored || got > s.Stored+s.Unknown {
			t.Errorf("%d records stand on the server, %d are counted as stored and %d as unknown", got, s.Stored, s.Unknown)
		}
		if got := s.Stored + s.Refused + s.Unknown + s.Dropped.Shutdown; got != s.Emitted {
			t.Errorf("%d records accounted for of %d", got, s.Emitted)
		}
		r.wantOnceInOrder(emitted)
	})
	return s
}

// emitSome logs up to 60 records of several runs. The text begins with a number.
func (r *rig) emitSome(random *rand.Rand, from int) int {
	n := 1 + random.IntN(60)
	for i := range n {
		severity := otellog.SeverityInfo
		if random.IntN(5) == 0 {
			severity = otellog.SeverityError
		}
		flow := fmt.Sprintf("11111111-2222-3333-4444-%012d", random.IntN(3))
		ctx := run.NewContext(context.Background(), run.Info{FlowRunID: flow})
		r.emit(ctx, severity, fmt.Sprintf("%06d %s", from+i, strings.Repeat("x", random.IntN(300))))
	}
	return n
}

// someFault is one that a server or a network may have, and that ends.
func someFault(random *rand.Rand) prefecttest.Fault {
	seconds := time.Duration(1 + random.IntN(4)*int(time.Second))
	faults := []prefecttest.Fault{
		prefecttest.Status(503), prefecttest.Status(500), prefecttest.Status(502).Stored(), prefecttest.Status(504).Stored(),
		prefecttest.Status(429).RetryAfter("3"), prefecttest.Status(401), prefecttest.Status(404), prefecttest.Status(413),
		prefecttest.Refuse(0), prefecttest.Refuse(0, 2, 5),
		prefecttest.CutBefore(), prefecttest.CutDuring(50), prefecttest.CutAfterCommit(), prefecttest.CommitLater(seconds),
		prefecttest.Delay(seconds), prefecttest.DelayAnswer(seconds), prefecttest.Hang(), prefecttest.Hang().Stored(),
	}
	return faults[random.IntN(len(faults))]
}

// wantOnceInOrder checks that no record stands twice, and that those of a run read
// back in the order in which they were emitted.
func (r *rig) wantOnceInOrder(emitted int) {
	r.t.Helper()
	logs := slices.DeleteFunc(r.server.Logs(), func(log prefecttest.Log) bool { return log.Name != "test" })
	slices.SortStableFunc(logs, func(a, b prefecttest.Log) int { return a.Timestamp.Compare(b.Timestamp) })
	seen := map[string]bool{}
	last := map[string]string{}
	for _, log := range logs {
		number := log.Message[:6]
		if seen[number] {
			r.t.Errorf("record %s of %d stands twice", number, emitted)
		}
		seen[number] = true
		if number < last[log.FlowRunID] {
			r.t.Errorf("record %s reads back behind %s", number, last[log.FlowRunID])
		}
		last[log.FlowRunID] = number
	}
}

// TestRandomHistoriesWithCrashesLoseNothing is the same with a spool, and with processes that end
// at any point: the next one sends what they left. Each record stands once, or it was refused.
func TestRandomHistoriesWithCrashesLoseNothing(t *testing.T) {
	histories := 30
	if testing.Short() {
		histories = 15
	}
	for seed := range uint64(histories) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { playCrashes(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func playCrashes(t *testing.T, random *rand.Rand) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		opts := []processor.Option{processor.WithSpool(dir), processor.WithQueueSize(32 << 10), processor.WithMaxLogSize(2048)}
		if random.IntN(2) == 0 {
			opts = append(opts, processor.WithBatchRecords(1+random.IntN(40)))
		}
		if random.IntN(8) == 0 {
			opts = append(opts, processor.WithSpoolSync(0))
		}
		r := newRig(t, nil, opts...)
		r.server.FaultAlways(prefecttest.Delay(time.Millisecond))
		emitted, refused, processes := 0, uint64(0), 1
		for range 40 {
			switch random.IntN(7) {
			case 0, 1:
				emitted += r.emitSome(random, emitted)
			case 2:
				r.server.Fault(someFault(random))
			case 3, 4:
				time.Sleep(time.Duration(random.Int64N(int64(5 * time.Second))))
			case 5:
				r.batch.Flush()
			case 6:
				r.kill()
				if s := r.batch.Stats(); s.Dropped.Total() > s.Emitted || s.Unspooled > 0 {
					t.Errorf("process %d: %+v", processes, s)
				}
				refused += r.batch.Stats().Refused
				time.Sleep(10 * time.Millisecond) // a program does not start in the very microsecond
				r = newRigOn(t, r.server, nil, opts...)
				processes++
			}
			r.balance()
		}
		r.shutdown()
		refused += r.batch.Stats().Refused
		time.Sleep(10 * time.Second) // for late commits
		s := r.batch.Stats()
		if s.Queued+s.InFlight+s.Unknown+s.Duplicated+s.Dropped.Total() != 0 {
			t.Errorf("the last of %d processes: %v, dropped %+v", processes, s, s.Dropped)
		}
		if s.Spooled > 0 { // it could not be sent at once, and was left
			r.server.ClearFaults()
			r = newRigOn(t, r.server, nil, opts...)
			r.shutdown()
			refused += r.batch.Stats().Refused
		}
		if stored := len(r.stored()); uint64(emitted-stored) > refused {
			t.Errorf("%d records emitted, %d stored, %d refused", emitted, stored, refused)
		}
		r.wantOnceInOrder(emitted)
		wantEmpty(t, dir)
	})
}
