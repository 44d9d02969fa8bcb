// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzPositions: whatever a 422 says, positions name records of the request, in order
// and each once.
func FuzzPositions(f *testing.F) {
	f.Add(`{"exception_detail":[{"loc":["body",1,"x"],"type":"x"},{"loc":["body",0],"type":"json_invalid"}]}`, 2)
	f.Add(`{"a":[{}],"exception_detail":[{"loc":["body",1e3,"x"],"type":"x"}`, 5)
	f.Add(`{"exception_detail":{}}`, 0)
	f.Fuzz(func(t *testing.T, body string, records int) {
		got := refusedPositions(strings.NewReader(body), records)
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("got %v", got)
		}
		for _, position := range got {
			if position < 0 || position >= records {
				t.Errorf("position %d of %d records", position, records)
			}
		}
	})
}

// FuzzRetryAfter: whatever the header says, nobody waits longer than the bound.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "3", "-1", "1e300", "nan", "Sat, 01 Jan 2000 00:00:30 GMT"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if got := retryAfter(value, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); got < 0 || got > maxRetryAfter {
			t.Errorf("%q became %v", value, got)
		}
	})
}
