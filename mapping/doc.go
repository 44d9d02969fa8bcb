// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package mapping answers what an OpenTelemetry log record means to Prefect: it
// turns an [Entry] into one line, the JSON of a LogCreate in the form of
// package payload.
//
// The entry point is [NewEncoder]. Entries are filled by two front ends, one for
// the OpenTelemetry SDK and one for the Collector, so that both map alike.
//
//	LogCreate     from
//	flow_run_id   the first source that names a flow run: record attributes, run in
//	              the context, scope attributes, resource attributes, default run
//	task_run_id   the same source, or one before it
//	level         attribute levelno if 10..59, else severity number, else severity text, else 20
//	timestamp     timestamp, else observed timestamp, else now; UTC microseconds
//	name          scope name, else attribute logger.name or log.logger, else
//	              service.name, else prefect.task_runs or prefect.flow_runs
//	message       body, else event name; then the other attributes as key=value;
//	              then exception.* as a trace on lines of its own
//
// Attribute keys that name a run, the first one that holds a UUID wins:
//
//	flow run   prefect.flow_run.id, prefect.flow_run_id, flow_run_id,
//	           prefect.run.id with prefect.run.type "flow",
//	           k8s.pod.label.prefect.io/flow-run-id, k8s.pod.labels.prefect.io/flow-run-id,
//	           container.label.prefect.io/flow-run-id, prefect.io/flow-run-id
//	task run   prefect.task_run.id, prefect.task_run_id, task_run_id,
//	           prefect.run.id with prefect.run.type "task"
//
// Severity numbers become the levels of Python's logging, always two digits,
// since Prefect's pages paint a log by the first one:
//
//	1-4 TRACE   10           13-16 WARN    30, 31, 32, 33
//	5-8 DEBUG   10, 11, 12, 13   17-20 ERROR   40, 41, 42, 43
//	9-12 INFO   20, 21, 22, 23   21-24 FATAL   50, 51, 52, 53
//
// Text is made safe for every server version: invalid UTF-8 becomes U+FFFD, NUL
// is left out. An attribute whose name speaks of a secret (password, token,
// authorization, cookie, api_key and the like) is left out.
package mapping
