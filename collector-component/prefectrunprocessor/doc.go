// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package prefectrunprocessor answers how a log that only knows its trace comes to carry the Prefect run that it belongs to.
//
// The entry point is [NewFactory], the factory of the processor "prefectrun"; [Config] is its configuration, and README.md beside
// this file has each of its keys. The division of work:
//
//	internal/join     what is known of traces, which logs wait, which run a log gets
//	internal/watch    asking Prefect's API which runs are under way
//	this package      reading spans and logs, handing on, sharing, metrics
//
// The way of a push through the files: logs.go and traces.go take it, read.go reads what attributes say, core.go has what pipelines
// share, and outbox.go hands on the logs that have waited.
//
// Every pipeline that names one id of the processor shares one [join.Joiner]: what the traces pipeline learns, the logs
// pipelines use.
//
// [join.Joiner]: https://pkg.go.dev/github.com/prefectlogs/prefectlogs/collector-component/internal/join#Joiner
package prefectrunprocessor
