// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

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

func TestUnsentIsBounded(t *testing.T) {
	u := unsent{seed: maphash.MakeSeed()}
	page := payload.NewPage(pageSize)
	for i := range 2 * maxUnsent {
		page.Reset()
		page.Append(fmt.Append(nil, i))
		var request payload.Request
		request.Add(page.Lines(), payload.Limits{Bytes: pageSize, Records: 1})
		u.add(request)
	}
	if len(u.all) != maxUnsent {
		t.Errorf("%d requests are remembered", len(u.all))
	}
	if first, last := u.take([]byte("0")), u.take(fmt.Append(nil, 2*maxUnsent-1)); first != 0 || last != 1 {
		t.Errorf("of the oldest request %d records are remembered, of the latest %d", first, last)
	}
	if u.take(fmt.Append(nil, 2*maxUnsent-1)) != 0 {
		t.Error("a request is taken twice")
	}
}

func TestPartsOfARecordAreSettledOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.Oversize, c.MaxLogSize, c.BatchRecords = "split", 512, 2 })
		all := logs(strings.Repeat("a", 1000), "short", strings.Repeat("b", 1000))
		b.server.Fault(prefecttest.Delay(0), prefecttest.Status(429))
		err := b.push(t.Context(), all)
		rest, ok := restOf(err)
		if !ok || len(records(rest)) != 3 {
			t.Fatalf("%v", err)
		}
		if err := b.push(t.Context(), rest); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(b.messages(), "\n")
		seen := map[string]bool{}
		for _, message := range b.messages() {
			if seen[message] {
				t.Errorf("%.20q stands twice", message)
			}
			seen[message] = true
		}
		if strings.Count(got, "a") != 1000 || strings.Count(got, "b") != 1000 {
			t.Errorf("%d a, %d b", strings.Count(got, "a"), strings.Count(got, "b"))
		}
		if len(b.settled.lines) != 0 {
			t.Errorf("%d lines are still remembered", len(b.settled.lines))
		}
	})
}

func TestSettledIsBounded(t *testing.T) {
	var s settled
	for i := range uint64(2 * maxSettled) {
		s.add([]uint64{i})
	}
	if len(s.lines) != maxSettled || len(s.order) != maxSettled || slices.Contains(s.order, 0) {
		t.Errorf("%d lines, %d in order", len(s.lines), len(s.order))
	}
}
