// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector makes sync.Pool forget on purpose, which then allocates.

package mapping_test

import (
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/mapping"
)

func TestAppendAllocatesNothing(t *testing.T) {
	enc := newEncoder(t, inRun)
	e := mapping.Entry{
		Timestamp: time.Now(), Severity: 9, ScopeName: "scope", Body: attribute.StringValue(strings.Repeat("x", 200)), Context: ids(flowA, taskA),
		Attributes: []attribute.KeyValue{
			attribute.String("http.method", "GET"), attribute.Int("status", 200), attribute.String("path", "/a b"),
			attribute.Bool("cached", true), attribute.Float64("seconds", 0.25), attribute.String("user", "日本"),
		},
	}
	dst := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(10_000, func() {
		if _, _, err := enc.Append(dst, &e, noLimit); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
