// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/exporter/delivery"
	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// stub answers each post with the next of its errors, and the last of them for ever.
type stub struct {
	errs  []error
	posts []time.Time
}

func (s *stub) PostLogs(context.Context, prefectapi.Body) error {
	err := s.errs[min(len(s.posts), len(s.errs)-1)]
	s.posts = append(s.posts, time.Now())
	return err
}

func (s *stub) CountLogs(context.Context, prefectapi.Log) (int, error) { return 0, nil }

func (s *stub) FindLogs(context.Context, []string, time.Time, time.Time, func(prefectapi.Log)) (bool, error) {
	return true, nil
}
func (s *stub) Check(context.Context) error { return nil }

func busy(retryAfter time.Duration) error {
	return &prefectapi.Error{Kind: prefectapi.KindBusy, Status: 429, RetryAfter: retryAfter}
}

func TestStoredAtOnceTakesOneRequest(t *testing.T) {
	b := newBench(t)
	o := b.Deliver(t.Context(), numbered(3), nil)
	balanced(t, o, 3)
	if diff := cmp.Diff([]string{"post 3 201"}, b.calls()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(numbers(3), b.stored()); diff != "" {
		t.Error(diff)
	}
	if o := b.Deliver(t.Context(), payload.Request{}, nil); o.Stored != 0 || o.Err != nil || len(b.calls()) != 1 {
		t.Errorf("an empty request: %+v", o)
	}
}

func TestWaitsGrowWithFullJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tries, rounds = 10, 200
		waits := make([][]time.Duration, tries)
		for range rounds {
			ctx, cancel := context.WithCancel(t.Context())
			n := 0
			d := delivery.New(&stub{errs: []error{busy(0)}}, func(r delivery.Retry) {
				waits[n] = append(waits[n], r.Wait)
				if n++; n == tries {
					cancel()
				}
			})
			d.Deliver(ctx, numbered(1), nil)
		}
		interval := 500 * time.Millisecond
		for i, all := range waits {
			slices.Sort(all)
			low, high, median := all[0], all[rounds-1], all[rounds/2]
			if high > 2*interval || low > interval/2 || high < interval*3/2 || median < interval/2 || median > interval*3/2 {
				t.Errorf("wait %d is between %v and %v, median %v; want 0 to %v", i, low, high, median, 2*interval)
			}
			interval = min(2*interval, 30*time.Second)
		}
	})
}

func TestProgressMakesWaitsShortAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing := slices.Repeat([]error{busy(0)}, 12)
		named := &prefectapi.Error{Kind: prefectapi.KindRecords, Status: 422, Positions: []int{0}}
		s := &stub{errs: append(append(failing, named), busy(0))}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var after []time.Duration
		d := delivery.New(s, func(r delivery.Retry) {
			if len(s.posts) > len(failing)+1 {
				after = append(after, r.Wait)
			}
			if len(after) == 2 {
				cancel()
			}
		})
		d.Deliver(ctx, numbered(2), nil)
		if after[0] > time.Second || after[1] > 2*time.Second {
			t.Errorf("waits %v after progress", after)
		}
	})
}

func TestRetryAfterIsHonouredAndSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 20 {
			b := newBench(t)
			b.server.Fault(prefecttest.Status(429).RetryAfter("30"))
			start := time.Now()
			balanced(t, b.Deliver(t.Context(), numbered(1), nil), 1)
			took := time.Since(start)
			seen[took] = true
			if took < 30*time.Second || took > 37*time.Second {
				t.Errorf("took %v", took)
			}
		}
		if len(seen) < 10 {
			t.Errorf("all clients come at once: %v", seen)
		}
		b := newBench(t)
		b.server.Fault(prefecttest.Status(503).RetryAfter("86400"))
		start := time.Now()
		b.Deliver(t.Context(), numbered(1), nil)
		if took := time.Since(start); took > 6*time.Minute+5*time.Second {
			t.Errorf("took %v: the header is not capped", took)
		}
	})
}

func TestAnOutcomeTellsWhetherTheRequestMayHaveBeenTooMuch(t *testing.T) {
	for name, test := range map[string]struct {
		faults []prefecttest.Fault
		want   int
	}{
		"stored at once":               {nil, 0},
		"503 of a proxy":               {[]prefecttest.Fault{prefecttest.Status(503)}, 1},
		"503 of Prefect, stored later": {[]prefecttest.Fault{prefects(503)}, 1},
		"a gateway gave up":            {[]prefecttest.Fault{prefecttest.Status(504).Stored()}, 1},
		"no answer in time, twice":     {[]prefecttest.Fault{prefecttest.Hang(), prefecttest.Hang()}, 2},
		"408":                          {[]prefecttest.Fault{prefecttest.Status(408)}, 1},
		"too many requests":            {[]prefecttest.Fault{prefecttest.Status(429)}, 0},
		"a wrong key":                  {[]prefecttest.Fault{prefecttest.Status(401)}, 0},
		"a bad record":                 {[]prefecttest.Fault{prefecttest.Refuse(0)}, 0},
		"a connection that breaks":     {[]prefecttest.Fault{prefecttest.CutAfterCommit(), prefecttest.CutBefore()}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.server.Fault(test.faults...)
				o := b.Deliver(t.Context(), numbered(9), nil)
				balanced(t, o, 9)
				if o.Overloaded != test.want {
					t.Errorf("overloaded %d times, want %d", o.Overloaded, test.want)
				}
			})
		})
	}
}

func TestHurryEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.Fault(prefecttest.Status(429).RetryAfter("300"))
		hurry := make(chan struct{}, 1)
		time.AfterFunc(second, func() { hurry <- struct{}{} })
		start := time.Now()
		balanced(t, b.Deliver(t.Context(), numbered(1), hurry), 1)
		if took := time.Since(start); took != second {
			t.Errorf("took %v", took)
		}
	})
}

func TestNoWaitOutlastsTheDeadline(t *testing.T) {
	for name, fault := range map[string]prefecttest.Fault{
		"busy":    prefecttest.Status(429).RetryAfter("60"),
		"no key":  prefecttest.Status(401),
		"unknown": prefecttest.CutBefore(),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.server.FaultAlways(fault)
				ctx, cancel := context.WithTimeout(t.Context(), 4*second)
				defer cancel()
				start := time.Now()
				o := b.Deliver(ctx, numbered(3), nil)
				balanced(t, o, 3)
				if o.Unsent.Records() != 3 {
					t.Errorf("got %+v", o)
				}
				if took := time.Since(start); took > 4*second {
					t.Errorf("took %v", took)
				}
				if name != "unknown" && time.Since(start) != 0 {
					t.Error("waited for what cannot come in time")
				}
			})
		})
	}
}

func TestErrorTellsBothWhyItEndedAndWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.FaultAlways(prefecttest.Status(401))
		mine := errors.New("shut down")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(45*second, func() { cancel(mine) })
		o := b.Deliver(ctx, numbered(3), nil)
		balanced(t, o, 3)
		if !errors.Is(o.Err, mine) || !strings.Contains(o.Err.Error(), "401") {
			t.Errorf("got %v", o.Err)
		}
		if o.Unknown != 0 {
			t.Errorf("%d unknown: 401 is certain", o.Unknown)
		}
	})
}

func TestErrorTellsWhatFailedBeforeTheLastTryWasCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.Fault(prefecttest.Status(429))
		b.server.FaultAlways(prefecttest.Hang())
		ctx, cancel := context.WithTimeout(t.Context(), 30*second)
		defer cancel()
		o := b.Deliver(ctx, numbered(3), nil)
		balanced(t, o, 3)
		if !errors.Is(o.Err, context.DeadlineExceeded) || !strings.Contains(o.Err.Error(), "429") {
			t.Errorf("got %v", o.Err)
		}
		if o.Unknown != 3 {
			t.Errorf("%d unknown, want 3: they were under way", o.Unknown)
		}
	})
}

func TestOnceNeverWaits(t *testing.T) {
	for name, fault := range map[string]prefecttest.Fault{
		"busy": prefecttest.Status(503).RetryAfter("9"), "no key": prefecttest.Status(401), "not stored": prefecttest.CutBefore(),
		"a proxy's failure": prefecttest.Status(502), "a failure": prefects(500), "refused": prefecttest.Status(400), "too large": prefecttest.Status(413),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.server.FaultAlways(fault)
				start := time.Now()
				balanced(t, b.Once(t.Context(), numbered(50)), 50)
				if took := time.Since(start); took != 0 {
					t.Errorf("took %v", took)
				}
				if len(b.calls()) > 40 {
					t.Errorf("%d requests", len(b.calls()))
				}
			})
		})
	}
}

func TestNamedRecordsAreCutAllAtOnceAndOrderIsKept(t *testing.T) {
	b := newBench(t)
	b.server.Fault(prefecttest.HugeEcho(4<<20, 0, 3, 9))
	o := b.Once(t.Context(), numbered(10))
	balanced(t, o, 10)
	if diff := cmp.Diff(map[string]payload.Reason{"0": "invalid", "3": "invalid", "9": "invalid"}, refused(o)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1", "2", "4", "5", "6", "7", "8"}, b.stored()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"post 10 422", "post 7 201"}, b.calls()); diff != "" {
		t.Error(diff)
	}
}

func TestAllRecordsNamed(t *testing.T) {
	b := newBench(t)
	b.server.Fault(prefecttest.Refuse(0, 1))
	o := b.Deliver(t.Context(), numbered(2), nil)
	balanced(t, o, 2)
	if len(o.Refused) != 2 || len(b.calls()) != 1 {
		t.Errorf("got %+v after %v", o, b.calls())
	}
}

func TestSizeLimitIsLearnedAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("x", 1000)
		b := newBench(t, prefecttest.WithMaxBody(10_000))
		all := slices.Repeat([]string{long}, 64)
		send := func() (posts int) {
			t.Helper()
			before := len(b.calls())
			o := b.Deliver(t.Context(), messages(all...), nil)
			balanced(t, o, 64)
			if o.Stored != 64 {
				t.Errorf("got %+v", o)
			}
			return len(b.calls()) - before
		}
		// 74 kB: refused at 74, 37, 18 kB; then 8 records of 1.2 kB at a time.
		if got := send(); got < 8 || got > 12 {
			t.Errorf("%d requests to learn", got)
		}
		refusals := b.count("post 0 413") // whose bodies the server has not read
		if got := send(); got > 9 || b.count("post 0 413") != refusals || refusals != 3 {
			t.Errorf("%d requests when it is known", got)
		}
		time.Sleep(10*time.Minute + second)
		send()
		if b.count("post 0 413") != 2*refusals {
			t.Error("the limit is never tried again")
		}
		if got := len(b.stored()); got != 3*64 {
			t.Errorf("%d records are stored", got)
		}
	})
}

func TestSingleRecordThatIsTooLargeIsRefused(t *testing.T) {
	b := newBench(t, prefecttest.WithMaxBody(2_000))
	o := b.Once(t.Context(), messages("a", strings.Repeat("x", 3000), "b", "c"))
	balanced(t, o, 4)
	if diff := cmp.Diff([]string{"a", "b", "c"}, b.stored()); diff != "" {
		t.Error(diff)
	}
	if len(o.Refused) != 1 || o.Refused[0].Reason != payload.ReasonTooLarge {
		t.Errorf("got %+v", refused(o))
	}
}

func TestServerThatTakesNoBodyAtAllRefusesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.FaultAlways(prefecttest.Status(413))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		o := b.Deliver(ctx, numbered(20), nil)
		balanced(t, o, 20)
		if o.Unsent.Records() != 20 {
			t.Errorf("%d are refused", len(o.Refused))
		}
		b.server.ClearFaults()
		if o := b.Deliver(t.Context(), o.Unsent, nil); o.Stored != 20 {
			t.Errorf("got %+v", o)
		}
	})
}

func TestWrongCredentialsLoseNothing(t *testing.T) {
	for _, status := range []int{401, 403, 404, 405, 302} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			b.server.FaultAlways(prefecttest.Status(status))
			time.AfterFunc(time.Hour, b.server.ClearFaults)
			o := b.Deliver(t.Context(), numbered(3), nil)
			balanced(t, o, 3)
			if o.Stored != 3 || o.Resent != 0 {
				t.Errorf("%d: got %+v", status, o)
			}
			if n := len(b.calls()); n < 60 || n > 360 {
				t.Errorf("%d: %d requests in an hour", status, n)
			}
		})
	}
}
