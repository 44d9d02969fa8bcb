// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package console answers how a record looks to people who watch the program: it
// writes records as lines to standard error, another writer or a file, laid out as
// by the formatters of Prefect and of Python's logging.
//
// The entry point is [New]. An [Exporter] is both an exporter and a processor of the
// OpenTelemetry SDK; it writes every record at once and filters nothing. Package
// prefectlogs makes those that a logging.yml asks for.
//
//	option             default
//	WithWriter         standard error; WithStdout and WithFile name another place
//	WithFormat         [Standard]
//	WithColors         no
//	WithRun            the run of the environment
//	WithSecrets        none to mask
//	WithAllowedAttributes, WithDeniedAttributes   all but those that speak of a secret
//	WithErrorHandler   standard error, at a bounded rate
//
//	formatter of Prefect   here
//	standard               [Standard], the default
//	simple                 [Simple]
//	debug                  [Debug]
//	json                   [JSON]("default"), [JSON]("pretty")
//	any % format           [Format]
//
// A % format may ask for these, and for every attribute of the record by its key:
//
//	name levelname levelno message msg asctime created msecs relativeCreated process processName
//	pathname filename module lineno funcName     from code.file.path, code.line.number, code.function.name
//	flow_run_id task_run_id                      of the record's run
//	flow_run_name flow_name task_run_name task_name deployment_name
//	                                             also from the run in the context or the environment
//	thread threadName taskName                   "-": a Go program has none
//
// What is not known is "<unknown>". The message is what Prefect's page shows: body,
// attributes, exception; names that speak of secrets are left out there and here.
package console
