// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package prefectapi answers what one HTTP exchange with Prefect's API means: it
// posts logs, and asks what stands there, with the credentials that the server
// wants, and turns every answer into a typed one.
//
// The entry point is [New]. [Client.PostLogs] posts one request,
// [Client.CountLogs] asks how often a log is stored, [Client.FindLogs] which logs
// are, [Client.FlowRunLabel] what a flow run is labelled with, [Client.TracedRuns] which
// runs are under way in which traces, and [Client.Check] whether the API is well. [Client.Probe]
// tells how far a request comes, for those who look why nothing arrives.
// Nothing here waits or tries again, with one exception: a missing or outdated CSRF token is fetched and the
// request sent once more.
//
//	answer                                  Kind
//	2xx                                     no error
//	422 that names records                  KindRecords, with their positions
//	400, other 422                          KindRequest
//	409                                     KindConflict
//	413                                     KindTooLarge
//	401, 403, 404 and other 4xx             KindAccess
//	redirect to another place, web page     KindAccess
//	408, 425, 429, 503                      KindBusy, with RetryAfter where given
//	500, 502, 504 and other 5xx             KindServer, with RetryAfter where given
//	no answer                               KindNetwork
//
// Redirects are followed within one server only, and only where they keep the
// method. Bodies of answers are read within bounds of bytes and time and never become
// part of an error: a 422 of Prefect echoes the whole request.
//
// [NewTransport] makes the connections: HTTP/1.1 with Content-Length, never
// compressed, idle ones closed before the server does it.
package prefectapi
