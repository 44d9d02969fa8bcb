// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mappingtest_test

import (
	"fmt"

	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/mapping/mappingtest"
)

// A front end that forgets the attributes of the scope is told which cases it gets wrong.
func ExampleCase_Check() {
	forgetful := func(enc *mapping.Encoder, dst []byte, r mappingtest.Record, limit int) ([]byte, mapping.Meta, error) {
		entry := mapping.Entry{
			Timestamp: r.Timestamp, Observed: r.Observed, Severity: r.Severity, SeverityText: r.SeverityText, EventName: r.EventName,
			Body: r.Body, TraceID: r.TraceID, SpanID: r.SpanID, ScopeName: r.Scope,
			Resource: enc.ResolveSlice(r.ResourceAttributes),
		}
		for _, kv := range r.Attributes {
			entry.Add(enc, kv)
		}
		return enc.Append(dst, &entry, limit)
	}
	for _, c := range mappingtest.Cases() {
		if err := c.Check(forgetful); err != nil {
			fmt.Println(c.Name)
		}
	}
	// Output: run of the scope
}
