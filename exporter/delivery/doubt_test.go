// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// PostgreSQL rounds the times of distant years, so that such a record is not found again.
func TestARecordOfADistantYearDoesNotHideItsRequest(t *testing.T) {
	distant := func(year string, i int) []byte {
		line := encode(i, "distant")
		copy(payload.Stamp(line), year)
		return line
	}
	for name, lines := range map[string][][]byte{
		"at the end":       {encode(0, "0"), encode(1, "1"), distant("2300", 1)},
		"at the beginning": {distant("1000", 1), encode(0, "0"), encode(1, "1")},
		"at both":          {distant("2272", 1), encode(0, "0"), distant("1727", 1)},
	} {
		for cut, fault := range map[string]prefecttest.Fault{"behind": prefecttest.CutAfterCommit(), "long before": prefecttest.CommitLater(4900 * time.Millisecond)} {
			t.Run(name+", cut "+cut+" the commit", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, prefecttest.WithDatabase(prefecttest.PostgreSQL))
					b.server.Fault(fault)
					o := b.Deliver(t.Context(), request(lines...), nil)
					balanced(t, o, 3)
					if o.Resolved != 3 || len(b.stored()) != 3 {
						t.Errorf("%d rows, %+v", len(b.stored()), o)
					}
				})
			})
		}
	}
}

func TestStoredOnceWhateverBreaks(t *testing.T) {
	lookFails := prefecttest.Status(503).On("POST", "/logs/filter")
	tests := []struct {
		name             string
		faults           []prefecttest.Fault
		resolved, resent int // of the three records
		atLeast, atMost  time.Duration
	}{
		{"cut behind the commit", []prefecttest.Fault{prefecttest.CutAfterCommit()}, 3, 0, 0, 0},
		{"cut before the commit", []prefecttest.Fault{prefecttest.CommitLater(4 * second)}, 3, 0, 4 * second, 6 * second},
		{"a commit at the last moment", []prefecttest.Fault{prefecttest.CommitLater(4900 * time.Millisecond)}, 3, 0, 4 * second, 5 * second},
		{"cut before the body", []prefecttest.Fault{prefecttest.CutBefore()}, 0, 3, 5 * second, 5 * second},
		{"cut within the body", []prefecttest.Fault{prefecttest.CutDuring(100)}, 0, 3, 5 * second, 5 * second},
		{"no answer in time", []prefecttest.Fault{prefecttest.Hang()}, 0, 3, 65 * second, 65 * second},
		{"no answer in time, but stored", []prefecttest.Fault{prefecttest.Hang().Stored()}, 3, 0, 60 * second, 60 * second},
		{"an answer that comes too late", []prefecttest.Fault{prefecttest.Delay(63 * second)}, 3, 0, 63 * second, 65 * second},
		{"a gateway's time-out of a slow commit", []prefecttest.Fault{prefecttest.Status(504).Stored()}, 3, 0, 0, 0},
		{"a gateway's failure", []prefecttest.Fault{prefecttest.Status(502)}, 0, 3, 5 * second, 5 * second},
		{"a failure of Prefect behind the commit", []prefecttest.Fault{prefects(500).Stored()}, 3, 0, 0, 0},
		{"a failure of Prefect", []prefecttest.Fault{prefects(500)}, 0, 0, 0, second},
		{"busy behind the commit", []prefecttest.Fault{prefecttest.Status(503).Stored()}, 3, 0, 0, 0},
		{"three in a row", []prefecttest.Fault{prefecttest.CutBefore(), prefecttest.CutDuring(9), prefecttest.CutAfterCommit()}, 3, 3, 10 * second, 15 * second},
		{"a look that fails at first", []prefecttest.Fault{prefecttest.CutAfterCommit(), lookFails, lookFails}, 3, 0, 100 * time.Millisecond, second},
		{"no look for minutes", append([]prefecttest.Fault{prefecttest.CutAfterCommit()}, slices.Repeat([]prefecttest.Fault{lookFails}, 12)...), 3, 0, 5 * second, 6 * time.Minute},
		{"the same with a request that came not through", append([]prefecttest.Fault{prefecttest.CutBefore()}, slices.Repeat([]prefecttest.Fault{lookFails}, 12)...), 0, 3, 5 * second, 6 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.server.Fault(tt.faults...)
				start := time.Now()
				o := b.Deliver(t.Context(), numbered(3), nil)
				took := time.Since(start)
				balanced(t, o, 3)
				want := payload.Outcome{Stored: 3, Resolved: tt.resolved, Resent: tt.resent}
				if o.Stored != want.Stored || o.Resolved != want.Resolved || o.Resent != want.Resent || o.Duplicated+o.Blind+o.Unknown > 0 {
					t.Errorf("got %+v, want %+v", o, want)
				}
				if took < tt.atLeast || took > tt.atMost {
					t.Errorf("took %v, want %v to %v", took, tt.atLeast, tt.atMost)
				}
				time.Sleep(2 * time.Minute)
				if diff := cmp.Diff(numbers(3), b.stored()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestPatienceFollowsTheSlowestRecentAnswer(t *testing.T) {
	tests := []struct {
		name   string
		slow   time.Duration // an answer before
		since  time.Duration // then this passes
		wanted time.Duration
	}{
		{"fast answers", 0, 0, 5 * second},
		{"an answer of 3 s", 3 * second, 0, 12 * second},
		{"an answer of 50 s", 50 * second, 0, time.Minute},
		{"an answer of 3 s, minutes ago", 3 * second, 4 * time.Minute, 12 * second},
		{"an answer of 3 s, long ago", 3 * second, 11 * time.Minute, 5 * second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.server.Fault(prefecttest.DelayAnswer(tt.slow))
				b.Deliver(t.Context(), messages("before"), nil)
				time.Sleep(tt.since)
				b.server.Fault(prefecttest.CutBefore())
				start := time.Now()
				balanced(t, b.Deliver(t.Context(), messages("a"), nil), 1)
				if took := time.Since(start); took != tt.wanted {
					t.Errorf("sent again after %v, want %v", took, tt.wanted)
				}
			})
		})
	}
}

// A server that commits later than the patience goes makes a duplicate. It is told.
func TestDuplicatesAreCounted(t *testing.T) {
	for name, late := range map[string]time.Duration{"while it is sent again": 5001 * time.Millisecond, "soon behind it": 7 * second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.server.Fault(prefecttest.CommitLater(late), prefecttest.Delay(second))
				o := b.Deliver(t.Context(), numbered(3), nil)
				balanced(t, o, 3)
				if o.Stored != 3 || o.Resent != 3 || (o.Duplicated == 3) != (late < 6*second) {
					t.Errorf("got %+v", o)
				}
				duplicated := o.Duplicated
				for range 3 { // later requests look back
					time.Sleep(10 * second)
					o = b.Deliver(t.Context(), messages("later"), nil)
					duplicated += o.Duplicated
				}
				if got := len(b.stored()); got != 3+3+3 || duplicated != 3 {
					t.Errorf("%d records are stored, %d counted twice; want 9 and 3", got, duplicated)
				}
			})
		})
	}
}

func TestServerThatCannotBeAskedGetsItAtLeastOnce(t *testing.T) {
	for name, fault := range map[string]prefecttest.Fault{
		"no right to read": prefecttest.Status(403), "no such path": prefecttest.Status(404), "no list": prefecttest.Status(200).Body("{}"),
		"another filter": prefecttest.Status(422),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.server.FaultAlways(fault.On("POST", "/logs/filter"))
				b.server.Fault(prefecttest.CutBefore())
				o := b.Deliver(t.Context(), numbered(3), nil)
				balanced(t, o, 3)
				if o.Stored != 3 || o.Resent != 3 || o.Blind != 3 || len(b.stored()) != 3 {
					t.Errorf("got %+v, %d stored", o, len(b.stored()))
				}
			})
		})
	}
}

// One log of the year 9999 makes every later read of its run fail on PostgreSQL.
func TestRunThatCannotBeReadIsSentAgainWithoutALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut := true
		b := newBench(t, prefecttest.WithHook(func(r *http.Request) *prefecttest.Fault {
			body, _ := io.ReadAll(r.Body) // in memory
			if strings.HasSuffix(r.URL.Path, "/filter") && strings.Contains(string(body), flowRun) {
				return new(prefects(500))
			}
			if strings.HasSuffix(r.URL.Path, "/logs/") && cut {
				cut = false
				return new(prefecttest.CutBefore())
			}
			return nil
		}))
		start := time.Now()
		o := b.Deliver(t.Context(), numbered(3), nil)
		balanced(t, o, 3)
		if took := time.Since(start); o.Blind != 3 || len(b.stored()) != 3 || took < 5*second || took > 10*second {
			t.Errorf("got %+v after %v", o, took)
		}
	})
}

func TestServerThatDoesNotAnswerLooksIsNotWaitedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.FaultAlways(prefecttest.CutBefore().On("POST", "/logs/filter"))
		b.server.Fault(prefecttest.CutBefore())
		start := time.Now()
		o := b.Deliver(t.Context(), numbered(3), nil)
		balanced(t, o, 3)
		if took := time.Since(start); o.Blind != 3 || took < 10*time.Minute || took > 12*time.Minute {
			t.Errorf("got %+v after %v", o, took)
		}
	})
}

// An outage between the request and the look makes nothing stand twice.
func TestOutageBehindACommit(t *testing.T) {
	for _, stored := range []bool{true, false} {
		t.Run(fmt.Sprint("stored ", stored), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				first := prefecttest.CutBefore()
				if stored {
					first = prefecttest.CutAfterCommit()
				}
				b.server.Fault(first)
				b.server.FaultAlways(prefecttest.CutBefore().OnAny())
				time.AfterFunc(3*time.Minute, b.server.ClearFaults)
				o := b.Deliver(t.Context(), numbered(3), nil)
				balanced(t, o, 3)
				if len(b.stored()) != 3 || o.Stored != 3 || (o.Resolved == 3) != stored {
					t.Errorf("got %+v, %d on the server", o, len(b.stored()))
				}
			})
		})
	}
}

func TestCutOffInDoubtIsUnknown(t *testing.T) {
	tests := []struct {
		name    string
		fault   prefecttest.Fault
		unknown int
	}{
		{"under way", prefecttest.Hang(), 3},
		{"looked for", prefecttest.CommitLater(time.Hour), 3},
		{"refused by the way", prefecttest.Status(429), 0},
		{"not connected", prefecttest.Status(401), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.server.FaultAlways(tt.fault)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(3*second, cancel)
				start := time.Now()
				o := b.Deliver(ctx, numbered(3), nil)
				balanced(t, o, 3)
				if o.Unknown != tt.unknown {
					t.Errorf("%d unknown, want %d", o.Unknown, tt.unknown)
				}
				if took := time.Since(start); took > 3*second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// The rule of the Collector: a push that returns has found out what it could.
func TestPushResolvesItsOwnAmbiguityAndSendsNothingTwice(t *testing.T) {
	tests := []struct {
		name           string
		fault          prefecttest.Fault
		stored, unsent int
		after          time.Duration
	}{
		{"stored", prefecttest.CutAfterCommit(), 3, 0, 0},
		{"stored later", prefecttest.CommitLater(3 * second), 3, 0, 3100 * time.Millisecond},
		{"not stored", prefecttest.CutBefore(), 0, 3, 5 * second},
		{"a gateway's failure", prefecttest.Status(504), 0, 3, 5 * second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.server.Fault(tt.fault)
				start := time.Now()
				o := b.Push(t.Context(), numbered(3))
				balanced(t, o, 3)
				if o.Stored != tt.stored || o.Unsent.Records() != tt.unsent || o.Unknown != 0 || b.count("post") != 1 {
					t.Errorf("got %+v after %v", o, b.calls())
				}
				if took := time.Since(start); took != tt.after {
					t.Errorf("took %v, want %v", took, tt.after)
				}
				if tt.unsent > 0 {
					if o := b.Push(t.Context(), o.Unsent); o.Stored != 3 || o.Resent != 3 {
						t.Errorf("again: %+v", o)
					}
				}
				if len(b.stored()) != 3 {
					t.Errorf("%d are stored", len(b.stored()))
				}
			})
		})
	}
}

// What a call leaves in doubt, the next one that begins with the same record looks for.
func TestDoubtIsRememberedBetweenCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.Fault(prefecttest.CommitLater(2 * second))
		o := b.Once(t.Context(), numbered(3))
		balanced(t, o, 3)
		if o.Unknown != 3 {
			t.Fatalf("got %+v", o)
		}
		if o = b.Once(t.Context(), o.Unsent); o.Unknown != 3 || b.count("post") != 1 {
			t.Fatalf("sent again at once: %+v, %v", o, b.calls())
		}
		time.Sleep(3 * second)
		more := o.Unsent
		more.Append(request(encode(77, "more"), encode(78, "and more")))
		o = b.Once(t.Context(), more)
		balanced(t, o, 5)
		if o.Stored != 5 || o.Resolved != 3 {
			t.Errorf("got %+v", o)
		}
		if diff := cmp.Diff(append(numbers(3), "more", "and more"), b.stored()); diff != "" {
			t.Error(diff)
		}
	})
}

// A record that stood on the server before, equal in every part, does not hide that
// the rest of a request is missing.
func TestOneEqualRecordDoesNotStandForAWholeRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.Deliver(t.Context(), messages("0"), nil) // as the first of the next request
		b.server.Fault(prefecttest.CutBefore())
		o := b.Deliver(t.Context(), numbered(3), nil)
		balanced(t, o, 3)
		if diff := cmp.Diff([]string{"0", "0", "1", "2"}, b.stored()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRequestOfEqualRecordsIsNoDuplicate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		same := encode(5, "same")
		b.server.Fault(prefecttest.CutBefore(), prefecttest.CutAfterCommit())
		o := b.Deliver(t.Context(), request(same, same, same), nil)
		balanced(t, o, 3)
		if o.Stored != 3 || o.Duplicated != 0 || len(b.stored()) != 3 {
			t.Errorf("got %+v, %d on the server", o, len(b.stored()))
		}
	})
}

// Of equal records, as many have to stand there as the request has.
func TestOneOfEqualRecordsDoesNotStandForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		same := encode(5, "same")
		b.Deliver(t.Context(), request(same), nil)
		b.server.Fault(prefecttest.CutBefore())
		o := b.Deliver(t.Context(), request(same, same, same), nil)
		balanced(t, o, 3)
		if o.Resolved != 0 || len(b.stored()) != 4 {
			t.Errorf("got %+v, %d on the server", o, len(b.stored()))
		}
	})
}

// One look that fails at the last moment is no reason to send without looking.
func TestOneLookThatFailsDoesNotMakeAServerBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.Fault(prefecttest.CommitLater(5500 * time.Millisecond))
		time.AfterFunc(4900*time.Millisecond, func() { b.server.Fault(prefecttest.Status(502).On("POST", "/logs/filter")) })
		time.AfterFunc(5*second, func() { b.server.Fault(prefecttest.Status(502).On("POST", "/logs/filter")) })
		o := b.Deliver(t.Context(), numbered(3), nil)
		balanced(t, o, 3)
		if o.Blind != 0 {
			t.Errorf("got %+v", o)
		}
	})
}

func TestLinesThatAreNoRecordsAreDeliveredAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.Fault(prefecttest.CutBefore())
		o := b.Deliver(t.Context(), request([]byte(`{"secret`), encode(1, "a")), nil)
		balanced(t, o, 2)
		if o.Stored != 1 || len(o.Refused) != 1 {
			t.Errorf("got %+v", o)
		}
	})
}
