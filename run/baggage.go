// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"iter"

	"go.opentelemetry.io/otel/baggage"
)

// trustKey is the key under which a context says that its baggage may name runs.
type trustKey struct{}

// TrustBaggage returns a context, and so all that are made from it, whose baggage
// may say which run a log belongs to. Baggage comes with requests, from whoever
// sends them: without this mark it is never looked at, or a stranger could write
// into any run's page. Call it where requests come from services of your own alone.
func TrustBaggage(ctx context.Context) context.Context {
	return context.WithValue(ctx, trustKey{}, true)
}

// TrustedBaggage returns the names and values in the baggage of ctx, or nil where
// there is none or [TrustBaggage] was not called. It does not allocate where it returns nil.
func TrustedBaggage(ctx context.Context) iter.Seq2[string, string] {
	if ctx.Value(trustKey{}) == nil {
		return nil
	}
	bag := baggage.FromContext(ctx)
	if bag.Len() == 0 {
		return nil
	}
	return func(yield func(string, string) bool) {
		for _, member := range bag.Members() {
			if !yield(member.Key(), member.Value()) {
				return
			}
		}
	}
}
