// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package serverstest answers how a test gets a real Prefect server: with [Get], which starts it at the first call and shares it.
//
//	TestMain     Main(m)                                  ends what the package's tests started
//	one server   Get(t, servers.Prefect38SQLite)          shared by all tests
//	all of them  Each(t, func(t, s))                      a subtest for each version on each database
//	to disturb   New(t, row)                              one of its own, for kills, pauses and restarts
//	no server    Python(t, servers.Prefect38)             an environment with Prefect in it
//
// Without Python or PostgreSQL these skip and say what is missing; with CI=true or PREFECTLOGS_REQUIRE_SERVERS=1 they fail.
package serverstest
