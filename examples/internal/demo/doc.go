// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package demo answers how an example is shown to somebody who has nothing but it: with the server, the runs and the other
// programs that it needs, and a look at what it leaves on the pages. No program of yours needs any of it.
//
//	Stage          makes a flow run for a program that has none: the entry point
//	Quickstart     the program logs, and all is read back and shown
//	Spool          the example longjob is killed, started again, and all is read back and shown
//	Correlation    a flow, a service and a Collector, and the service's lines under the task runs of the flow
//
// The server is that of PREFECT_API_URL, or one in memory (package prefecttest), or for [Correlation] one that is started.
package demo
