// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e answers whether logs arrive where they belong on real servers, in runs that Prefect itself starts and from
// records of every kind. It holds tests alone; package serverstest gives them their servers ([serverstest.Get]).
//
//	worker_test.go    a worker runs a flow that starts a program, and a program in place of a flow
//	flow_test.go      a flow that is called or served passes its run on to a program, as the README says
//	hostile_test.go   records that some server would choke on are stored and read back, on every server
//	runs_test.go      a run goes from a flow through a program to a service, with its lines and its spans
//	runs_environment_test.go  what workers tell the process of a flow run is what run.FromEnvironment tells
//	runs_bridges_test.go  slog, zap and logr through their bridges, the exporter under the SDK's processor, and Prefect beside OTLP
//	norun_test.go     no record without a run is ever sent
//	chaos_test.go     behind a proxy that breaks connections (proxy_test.go), and with restarts, each record is stored once
//	spool_test.go     a program with a spool is killed a hundred times, and each of its records is stored once
//	check_test.go     what stands between a program and a server is named by a check, and by the command
//	sizes_test.go     a benchmark of request sizes
//	document_test.go  docs/servers.md names the servers under test
//
// [serverstest.Get]: https://pkg.go.dev/github.com/prefectlogs/prefectlogs/internal/servers/serverstest#Get
package e2e
