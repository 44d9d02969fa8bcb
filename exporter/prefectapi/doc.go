// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package prefectapi answers what one HTTP exchange with Prefect's API means: it
// posts logs with the credentials that the server wants and turns
// every answer into a typed one.
//
// The entry point is [New]; [Client.PostLogs] posts one request. Nothing here
// waits or tries again, with one exception: a missing or outdated CSRF token is
// fetched and the request sent once more.
//
//	answer                             Kind
//	2xx                                no error
//	422 that names records             KindRecords, with their positions
//	400, 405, 411, 415, 422 and other  KindRequest
//	409                                KindConflict
//	413                                KindTooLarge
//	401, 403, 404, 3xx                 KindAccess
//	408, 425, 429, 503                 KindBusy, with Retry-After where given
//	500, 502, 504 and other 5xx        KindServer
//	no answer                          KindNetwork
//
// Bodies of answers are read within bounds and never become part of an error:
// a 422 of Prefect echoes the whole request.
package prefectapi
