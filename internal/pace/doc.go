// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package pace answers how many records the next request should carry: few for SQLite, many for PostgreSQL, and as many as go for a
// server that is far away. It learns that from the rate at which requests are stored.
//
// The entry point is [New].
package pace
