// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

func TestRequestsGrowWhereTheServerStoresLargeOnesFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		for range 20 { // a server that takes no time at all stores the largest requests at the highest rate
			if err := b.push(t.Context(), logs(numbers(1000)...)); err != nil {
				t.Fatal(err)
			}
		}
		posts := b.posts()
		if posts[0] != "200 201" || posts[len(posts)-1] != "1000 201" {
			t.Errorf("requests, with their statuses: %v", posts)
		}
	})
}

// After a failure requests are smaller; but the one that may have been stored has to be looked for as it was sent.
func TestWhatMayHaveBeenStoredComesAgainInOneRequestAlthoughRequestsShrink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.server.FaultAlways(prefecttest.Status(503).RetryAfter("1").On("POST", "/logs/filter"))
		b.server.Fault(prefecttest.Delay(0), prefecttest.CutAfterCommit())
		err := b.push(t.Context(), logs(numbers(600)...))
		rest, ok := restOf(err)
		if !ok || len(records(rest)) != 400 {
			t.Fatalf("%v", err)
		}
		if size := b.pace.Size(); size >= 200 {
			t.Fatalf("requests have %d records after a failure", size)
		}
		b.server.ClearFaults()
		if err := b.push(t.Context(), rest); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(numbers(600), b.messages()); diff != "" {
			t.Error(diff)
		}
		if n := b.count(t, "resolved_logs", ""); n != 200 {
			t.Errorf("%d were found on the server", n)
		}
	})
}
