// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package watch answers which traces Prefect's runs are in while they are still under way: it asks Prefect's API again and again.
// A span is exported when it ends, and that of a flow run ends last; the API knows it from the beginning.
//
// The entry point is [Run]. What it costs the server:
//
//	when                        what is asked
//	every Interval              three pages of 200 runs, or up to Limit runs of each kind where as many are under way
//	while asking takes long     Interval, or nine times as long as asking took: at most a tenth of one connection
//	after a failure             twice the wait before, up to MaxWait, with jitter; a server may say when to come again
package watch
