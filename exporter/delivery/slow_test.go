// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// A look that is answered late tells that the server is slow, so that its commit is waited for longer.
func TestASlowLookIsNotTheLastOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.Fault(prefecttest.CommitLater(10 * second))
		time.AfterFunc(4*second, func() { b.server.Fault(prefecttest.DelayAnswer(3*second).On("POST", "/logs/filter")) })
		o := b.Deliver(t.Context(), numbered(3), nil)
		balanced(t, o, 3)
		time.Sleep(time.Minute)
		if o.Resolved != 3 || len(b.stored()) != 3 {
			t.Errorf("got %+v, %d on the server", o, len(b.stored()))
		}
	})
}

// What is committed while the server answers a look is not seen by it.
func TestResumeLooksOnceMoreBehindTheTimeOfALateCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.server.Fault(prefecttest.CommitLater(4800 * time.Millisecond))
		if o := b.Once(t.Context(), numbered(3)); o.Unknown != 3 {
			t.Fatalf("%+v", o)
		}
		// Looks begin 0, 0.9, 1.9, 3.1 and 4.7 s behind the end of the process before; the last of these is answered at 5.5 s.
		b.server.FaultAlways(prefecttest.DelayAnswer(800*time.Millisecond).On("POST", "/logs/filter"))
		outcome := newDelivererTo(t, b.server).Resume(t.Context(), numbered(3), time.Now())
		if outcome.Stored != 3 || outcome.Resolved != 3 {
			t.Errorf("%+v", outcome)
		}
		if diff := cmp.Diff(numbers(3), b.stored()); diff != "" {
			t.Error(diff)
		}
	})
}

// A server that comes up behind a look which failed is one that can be asked, whatever failed while it was away.
func TestAServerThatWasAwayIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, away := time.Now(), true
		b := newBench(t, prefecttest.WithHook(func(r *http.Request) *prefecttest.Fault {
			if !away || !strings.HasSuffix(r.URL.Path, "/filter") {
				return nil
			}
			body, _ := io.ReadAll(r.Body) // in memory
			look := strings.Contains(string(body), flowRun)
			away = !look || time.Since(began) < 5*second
			return new(prefecttest.Status(502))
		}))
		b.server.Fault(prefecttest.CutAfterCommit())
		o := b.Deliver(t.Context(), numbered(3), nil)
		balanced(t, o, 3)
		if o.Blind != 0 || len(b.stored()) != 3 {
			t.Errorf("got %+v, %d on the server", o, len(b.stored()))
		}
	})
}
