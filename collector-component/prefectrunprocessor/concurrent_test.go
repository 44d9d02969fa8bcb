// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/collector-component/prefectrunprocessor"
)

// Many send at the same time: each log comes out once, with its run, and those of a trace in order.
func TestManySendersAtOnce(t *testing.T) {
	const senders, each = 8, 200
	i := newInstance(t, func(c *prefectrunprocessor.Config) { c.MaxWait = c.TraceExpiry }) // longer than senders may be held up
	var work sync.WaitGroup
	for s := range senders {
		work.Go(func() {
			for n := range each {
				trace := fmt.Sprint(s, "-", n)
				i.log(trace + " x " + trace + " 1")
				i.log(trace + " y " + trace + " 2")
				i.span(trace + " y x")
				i.span(trace + " x a")
				i.task(trace+" a f", taskA)
				i.flow(trace+" f", flowF)
				i.log(trace + " y " + trace + " 3")
			}
		})
	}
	work.Wait()
	i.shutdown()
	got := map[string][]string{}
	for _, log := range i.sink.take() {
		trace, rest, _ := strings.Cut(log, " ")
		got[trace] = append(got[trace], rest)
	}
	if len(got) != senders*each {
		t.Errorf("logs of %d traces", len(got))
	}
	for trace, logs := range got {
		if diff := cmp.Diff([]string{"1 F/A", "2 F/A", "3 F/A"}, logs); diff != "" {
			t.Fatalf("trace %s (-want +got)\n%s", trace, diff)
		}
	}
}
