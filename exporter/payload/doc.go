// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package payload answers what fits in one request: encoded records in pages,
// and requests made of them that never exceed a limit.
//
// The entry points are [Page], which collects lines, and [Request], which is
// what is posted. A line is one LogCreate as JSON in a fixed form, so that its
// bytes alone are enough for everything that happens to it after encoding:
//
//	{"level":20,"timestamp":"2026-01-02T03:04:05.000006Z","flow_run_id":"…36…","task_run_id":null,"name":"…","message":"…"}
//
//	part          offset   bytes      form
//	level         9        2          10..59
//	timestamp     25       27         UTC, microseconds
//	flow_run_id   69       36         canonical UUID
//	task_run_id   121      4 or 38    null, or a canonical UUID in quotes
//
// Lines are joined by a comma and a newline; no raw newline stands inside a
// line. All sizes are bytes as they go over the wire.
//
// Pages and requests are not safe for concurrent use. A request refers to the
// bytes of the pages that it was made of: they must not change until it is done.
package payload
