// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package processor

import (
	"strings"
	"testing"
)

// A page that is filled again is given a header again.
func TestPagesComeAndGoWithoutAllocations(t *testing.T) {
	q := &queue{maxBytes: 16 << 10, pageSize: 1 << 10}
	line := []byte(strings.Repeat("x", 200))
	if n := testing.AllocsPerRun(1000, func() { fillAndEmpty(t, q, line) }); n != 0 {
		t.Errorf("%v allocations for 64 lines", n)
	}
}
