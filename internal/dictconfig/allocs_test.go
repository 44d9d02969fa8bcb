// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package dictconfig_test

import "testing"

func TestAskingAgainDoesNotAllocate(t *testing.T) {
	c := understood(t, handlers+"root: {handlers: [api]}")
	c.Routes("orders")
	if n := testing.AllocsPerRun(10_000, func() { c.Routes("orders") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
