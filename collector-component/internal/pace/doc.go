// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package pace answers how many records the next request should carry: few for SQLite, many for PostgreSQL, and as many as go for a server
// that is far away. It learns that from the rate at which requests are stored, as the batch processor of the SDK does; but here
// the pushes bound what a request can carry, and several consumers may send at once.
//
// The entry point is [New].
package pace
