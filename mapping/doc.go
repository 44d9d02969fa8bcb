// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package mapping answers what an OpenTelemetry log record means to Prefect: it
// turns an [Entry] into one line, the JSON of a LogCreate in the form of
// package payload.
//
// The entry point is [NewEncoder]. Entries are filled by two front ends, one for
// the OpenTelemetry SDK and one for the Collector; package mappingtest holds them
// to the same table of cases. docs/mapping.md has this page at length, with samples
// and with what is deliberately not as in Prefect's own client.
//
//	LogCreate     from
//	flow_run_id   the first source that names a flow run: record attributes, run in the
//	              context, trusted baggage, span in the context, scope attributes,
//	              resource attributes, default run (that of the environment)
//	task_run_id   the same source, or one before it
//	level         attribute levelno if 10..59, else severity number, else severity text, else 20
//	timestamp     timestamp, else observed timestamp, else now; UTC microseconds
//	name          scope name, else attribute logger.name or log.logger, else
//	              service.name, else prefect.task_runs or prefect.flow_runs
//	message       body, else event name; then the other attributes as key=value;
//	              then exception.* as a trace on lines of its own; or another [Format]
//
// The keys that mean more than text are [DefaultKeys]; of those that name a run
// the first one that holds a UUID wins:
//
//	flow run   prefect.flow_run.id, prefect.flow_run_id, flow_run_id,
//	           k8s.pod.label.prefect.io/flow-run-id, k8s.pod.labels.prefect.io/flow-run-id,
//	           container.label.prefect.io/flow-run-id, container.label.io.prefect.flow-run-id,
//	           prefect.io/flow-run-id
//	task run   prefect.task_run.id, prefect.task_run_id, task_run_id
//	either     prefect.run.id, of the kind that prefect.run.type tells
//	level      levelno
//	logger     logger.name, log.logger
//	opt-out    send_to_api, send_to_orion
//	exception  exception.type, exception.message, exception.stacktrace
//	service    service.name, of the resource
//	left out   beside a run id: prefect.flow_run.name, prefect.flow.name, prefect.task_run.name,
//	           prefect.task.name, prefect.deployment.name, flow_run_name, flow_name, task_run_name,
//	           task_name, deployment_name
//
// Severity numbers become the levels of Python's logging, always two digits,
// since Prefect's pages paint a log by the first one:
//
//	1-4 TRACE   10               13-16 WARN    30, 31, 32, 33
//	5-8 DEBUG   10, 11, 12, 13   17-20 ERROR   40, 41, 42, 43
//	9-12 INFO   20, 21, 22, 23   21-24 FATAL   50, 51, 52, 53
//
// Text is made safe for every server version: invalid UTF-8 becomes U+FFFD, NUL
// and terminal sequences other than those of colour are left out. An attribute
// whose name speaks of a secret (password, token, authorization, cookie, api_key
// and the like: [DefaultDeny]) is left out, within maps too. What is longer than the
// limit is cut, split into lines of their own, or dropped, by [Oversize].
//
// Everything here is safe for concurrent use, but for [Sequencer] and Entry.
package mapping
