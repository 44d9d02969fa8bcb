// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package own marks the contexts of prefectlogs' own work, so that what runs
// under them is never logged into Prefect again.
//
// The entry points are [NewContext], which the HTTP client calls for every
// request, and [Given] and [Is], which every entrance of records asks first.
package own

import "context"

type contextKey struct{}

// NewContext returns a context that is marked as our own.
func NewContext(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, true)
}

// Given returns ctx, and the background for nil: who logs does not mean to crash.
func Given(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

// Is reports whether ctx is one of our own.
func Is(ctx context.Context) bool {
	return ctx.Value(contextKey{}) != nil
}
