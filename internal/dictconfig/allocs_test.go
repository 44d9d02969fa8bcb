// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package dictconfig_test

import "testing"

func TestAskingAgainDoesNotAllocate(t *testing.T) {
	c := understood(t, handlers+"root: {handlers: [api]}")
	c.Route("orders", false)
	if n := testing.AllocsPerRun(100, func() { c.Route("orders", true) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
