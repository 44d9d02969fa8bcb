// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package spool answers what is left of a process that ended: lines of logs in files, which
// the next process takes over.
//
// The entry point is [Open]. One goroutine owns the files, so that nobody else ever waits for
// a disk that hangs: who hands over a line with [File.Append] waits until it is written, for a
// bounded time.
//
//	in the folder      what it is
//	SESSION/           of one opening of the spool; names sort by age
//	SESSION/lock       locked while its process lives
//	SESSION/NUMBER     a page: a header and lines
//
// A page begins with its header, {"prefectlogs_spool":1,"target":"http://…/api"} and a newline; each
// line is followed by a comma and a newline, which stands nowhere inside one. What of a page
// is no whole line, because the system went down while it was written, is cut when it is
// read.
//
// A session whose lock is free belonged to a process that has ended. [Spool.Adopt] takes the
// lock and all pages of it, if they are for the same target.
package spool
