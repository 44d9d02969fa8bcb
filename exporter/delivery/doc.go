// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package delivery answers how one request comes to be stored, once: it posts, cuts
// out what the server refuses, looks for what may have been stored, and tries
// again what failed.
//
// The entry point is [New]. There are four ways to deliver, for as many kinds of
// callers:
//
//	method               waits                        for
//	[Deliverer.Once]     never                        callers that have no time
//	[Deliverer.Push]     until it is known what the   callers that retry by themselves,
//	                     server has stored            such as the Collector
//	[Deliverer.Resume]   as Push                  what an earlier process may have sent
//	[Deliverer.Deliver]  until all is settled         the batch processor, the exporter
//
// All of them do the same about an answer, as far as their time allows:
//
//	answer                              what is done
//	2xx                                 stored
//	403 for want of a CSRF token        a token is fetched, once, and the request sent again
//	422 that names records              the named ones are refused, the rest is sent at once
//	413                                 sent in halves; the size is remembered for ten minutes; a single record is refused
//	400, 422 that names none            if the server is well, the guilty records are searched for and refused, the rest is sent; else held
//	409                                 as 400
//	401, 403, 404, other 4xx, a web page, a redirect elsewhere
//	                                    held and tried again slowly: a wrong key loses nothing
//	408, 425, 429                       tried again, not before Retry-After
//	503                                 looked for, then tried again, not before Retry-After; without that header as 500
//	500, 502, 504, other 5xx            looked for, then tried again; if it fails twice while the server is well, the guilty records are searched for and refused
//	no answer, request written          looked for, then tried again
//	no connection                       tried again
//
// # Stored once
//
// Prefect's API has no key that would make it safe to send a request twice. A request is
// one transaction, so a look at its first and last record (run, microsecond,
// name, level, message) tells whether it was stored. Behind an answer of Prefect itself
// nothing can follow, and one look is enough. Else the request is looked for during
// 5 seconds, or 4 times the slowest recent answer if that is longer, at most a minute, and
// only then sent again. What a server stores even later stands twice; that is looked
// for and counted. A server that cannot be asked gets the request at least once.
//
// What is known of a request that is given back unsent is remembered for an hour: the
// next call that begins with the same record looks for it before it sends it.
//
// Of what an earlier process may have sent, nothing is remembered, not even what it sent in
// one request. There [Deliverer.Resume] reads all that the server has stored of these runs and
// times, and takes what stands there out of the request, record by record.
//
// # Poison
//
// Some records make a server fail rather than name them. They are searched for by halves,
// with one exchange for each half that passes and two for one that fails with a 5xx. A
// record is refused only if it fails by itself while others pass or, for a 4xx, while
// the server takes an empty request. One that fails with a 5xx while nothing else can be
// stored either is tried twenty times before.
//
// Waits between two tries grow from half a second to half a minute on average, with full
// jitter.
package delivery
