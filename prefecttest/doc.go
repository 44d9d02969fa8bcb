// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package prefecttest answers what Prefect would have answered: it has an in-memory Prefect API that stores flows, runs
// and logs, answers as the release it plays does, and goes wrong as told.
//
// The entry point is [NewServer] for a test, and [Start] for a program.
//
// It runs over connections in memory, so tests of time run inside a testing/synctest bubble, or over loopback for
// programs. Clients use [Server.Client] or a transport with [Server.DialContext]. [Client] makes runs and reads logs
// back, from this server and from any real one.
//
// # Options
//
//	WithGeneration(g)       release to play: Prefect38 (default), Prefect220, Orion27
//	WithDatabase(d)         SQLite (default) or PostgreSQL: what it refuses, how, and the order of equal time stamps
//	WithLoopback()          listen on 127.0.0.1 instead of in memory
//	WithHost(name)          another name than prefect.test, in memory
//	WithAuthString(s)       401 without "user:password"
//	WithAPIKey(key)         401 without "Bearer key"
//	WithCSRF()              403 without a token of /csrf-token
//	WithCloudLimits()       413 over 5 MiB, 411 without a length, 429 over 2,000 records a minute
//	WithRateLimit(n)        429 over n records a minute
//	WithMaxBody(n)          413 over n bytes, as of a proxy
//	WithLatency(d)          time before anything is stored or answered
//	WithoutRequests()       keep no requests, for benchmarks
//	WithHook(f)             a fault by the content of the request
//
// # Faults
//
// [Server.Fault] queues faults for one request each, [Server.FaultAlways] sets one for all. They play on POST /logs/, or
// where [Fault.On] or [Fault.OnAny] says.
//
//	Status(code)            an answer, nothing stored; with .Body, .Header, .RetryAfter, .RetryAfterDate
//	Redirect(code, url)     an answer that leads elsewhere
//	Refuse(indexes...)      a 422 that names these records
//	HugeEcho(n, indexes...) a 422 with n bytes of echo
//	CutBefore()             connection closed before the body is read
//	CutDuring(n)            connection closed after n bytes of the body
//	CutAfterCommit()        records stored, connection closed instead of an answer
//	CutAnswer(n)            records stored, connection closed after n bytes of the answer's body
//	CommitLater(d)          connection closed, records stored d later
//	Hang()                  no answer at all
//	Endless()               records stored, an answer that does not end
//	Delay(d)                stored and answered d later
//	DelayAnswer(d)          stored at once, answered d later
//	.Delayed(d)             any of them, d later
//	.Dropped()              Status: with the connection closed after the answer, as after an exception
//	.Stored()               Status, Hang: with the records stored all the same
//
// # What is played
//
// The pages a client of the logs API meets: health, hello, ready, version, admin/version, csrf-token; flows and runs as
// far as logging needs them (create, read, set_state, labels, filter by id); POST /logs/ and /logs/filter in full, but
// for rare forms of time stamps (weeks, days of the year, a time alone). One suite of requests and answers is held
// against this package and against real servers of 2.7, 2.20 and 3.8. The limits of Prefect Cloud are played from its
// documentation.
package prefecttest
