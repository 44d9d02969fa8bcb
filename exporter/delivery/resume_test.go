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

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

func TestResumeSendsWhatDoesNotStand(t *testing.T) {
	tests := []struct {
		name    string
		stood   []int // records of ten that an earlier process has stored, in one request each
		calls   []string
		resumed int
	}{
		{"nothing stands", nil, []string{"look 200", "post 10 201"}, 0},
		{"all of it stands", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, []string{"look 200"}, 10},
		{"its beginning stands", []int{0, 1, 2}, []string{"look 200", "post 7 201"}, 3},
		{"its end stands", []int{8, 9}, []string{"look 200", "post 8 201"}, 2},
		{"its middle stands", []int{4, 5}, []string{"look 200", "post 8 201"}, 2},
		{"its ends stand, for what is between was refused", []int{0, 9}, []string{"look 200", "post 8 201"}, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				for _, i := range test.stood {
					if o := b.Once(t.Context(), request(encode(i, numbers(10)[i]))); o.Err != nil {
						t.Fatal(o.Err)
					}
				}
				before := len(b.calls())
				outcome := b.Resume(t.Context(), numbered(10), time.Now().Add(-time.Minute))
				balanced(t, outcome, 10)
				if outcome.Stored != 10 || outcome.Resolved != test.resumed || outcome.Resent != 0 {
					t.Errorf("%+v", outcome)
				}
				if diff := cmp.Diff(test.calls, b.calls()[before:]); diff != "" {
					t.Error(diff)
				}
				stored := b.stored()
				slices.Sort(stored)
				if diff := cmp.Diff(numbers(10), stored); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestResumeWaitsNoLongerForAClockThatWasAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		began := time.Now()
		outcome := b.Resume(t.Context(), numbered(3), began.Add(24*time.Hour))
		if waited := time.Since(began); outcome.Stored != 3 || waited != 5*time.Second {
			t.Errorf("waited for %v: %+v", waited, outcome)
		}
	})
}

func TestResumeWaitsForWhatTheEarlierProcessLeftUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.Fault(prefecttest.CommitLater(3 * time.Second))
		if o := b.Once(t.Context(), numbered(3)); o.Unknown != 3 {
			t.Fatalf("%+v", o)
		}
		ended := time.Now()
		other := newDelivererTo(t, b.server)
		outcome := other.Resume(t.Context(), numbered(5), ended)
		if outcome.Stored != 5 || outcome.Resolved != 3 {
			t.Errorf("%+v", outcome)
		}
		if diff := cmp.Diff(numbers(5), b.stored()); diff != "" {
			t.Error(diff)
		}
		if waited := time.Since(ended); waited != 5*time.Second {
			t.Errorf("waited for %v", waited)
		}
	})
}

func TestResumeCountsEqualRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		same := encode(1, "same")
		if o := b.Once(t.Context(), request(same, same)); o.Err != nil {
			t.Fatal(o.Err)
		}
		outcome := b.Resume(t.Context(), request(same, same, same), time.Time{})
		if outcome.Stored != 3 || outcome.Resolved != 2 || len(b.stored()) != 3 {
			t.Errorf("%+v, %q", outcome, b.stored())
		}
	})
}

func TestResumeReadsABusyRunInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var all [][]byte
		for i, m := range numbers(7000) {
			all = append(all, encode(i, m))
		}
		for lines := range slices.Chunk(all, 1000) {
			if o := b.Once(t.Context(), request(lines...)); o.Err != nil {
				t.Fatal(o.Err)
			}
		}
		// From its first to its last record there are more logs than are read at once.
		outcome := b.Resume(t.Context(), request(encode(0, "0"), encode(10, "not there"), encode(6999, "6999")), time.Time{})
		if outcome.Stored != 3 || outcome.Resolved != 2 {
			t.Errorf("%+v", outcome)
		}
		if n := len(b.stored()); n != 7001 {
			t.Errorf("%d are stored", n)
		}
	})
}

func TestResumeReadsLongLogsInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var lines [][]byte
		for i := range 12 {
			lines = append(lines, encode(i, strings.Repeat("x", 1_000_000)))
		}
		if o := b.Once(t.Context(), request(lines[:11]...)); o.Err != nil {
			t.Fatal(o.Err)
		}
		outcome := b.Resume(t.Context(), request(lines...), time.Time{})
		if outcome.Stored != 12 || outcome.Resolved != 11 || outcome.Blind != 0 || len(b.stored()) != 12 {
			t.Errorf("%d stored, %d resolved, %d blind; %d on the server", outcome.Stored, outcome.Resolved, outcome.Blind, len(b.stored()))
		}
	})
}

func TestResumeOfAServerThatCannotBeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.Fault(prefecttest.Status(503).On("POST", "/logs/filter"))
		outcome := b.Resume(t.Context(), numbered(3), time.Time{})
		balanced(t, outcome, 3)
		if outcome.Unsent.Records() != 3 || b.count("post") != 0 {
			t.Errorf("for now: %+v, %q", outcome, b.calls())
		}
		b.server.Fault(prefecttest.Status(403).On("POST", "/logs/filter"))
		outcome = b.Resume(t.Context(), numbered(3), time.Time{})
		if outcome.Stored != 3 || outcome.Blind != 3 {
			t.Errorf("for good: %+v", outcome)
		}
	})
}

func TestResumeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		outcome := b.Resume(ctx, numbered(3), time.Now())
		balanced(t, outcome, 3)
		if outcome.Unsent.Records() != 3 || b.count("post") != 0 {
			t.Errorf("%+v, %q", outcome, b.calls())
		}
	})
}
