// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package runlog answers how a program gets a logger that is bound to its run:
// loggers of log/slog over the OpenTelemetry bridge, under the names and with the
// fields that Prefect gives its own. It also binds spans to their run.
//
// The entry points are [Logger], which logs by the global provider of OpenTelemetry,
// and [New], for the loggers of a provider such as that of a prefectlogs.Pipeline.
//
//	Prefect           here              name on the page                         fields
//	get_run_logger    [Logger]          that of one of the next two, by context
//	task_run_logger   [TaskRunLogger]   prefect.task_runs                        task_run_id, task_run_name, task_name,
//	                                                                             flow_run_id, flow_run_name, flow_name
//	flow_run_logger   [FlowRunLogger]   prefect.flow_runs                        flow_run_id, flow_run_name, flow_name,
//	                                                                             deployment_name where it is known
//	get_logger        [Named]           prefect, or prefect.NAME                 none
//
// A name that is not known is "<unknown>", as in Prefect. Attributes given to the
// making of a logger win over these fields, and attributes of a call over both. Messages
// leave the names out, since the page shows them; a record that goes elsewhere has them.
// Some names of [Named] reach no page by the logging.yml that Prefect ships; it says which.
//
// [NewSpanProcessor] puts on spans what processor.NewRunAttributes puts on records.
package runlog
