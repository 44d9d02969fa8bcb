// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package runlog answers how a program gets a logger that is bound to its run:
// loggers of log/slog over the OpenTelemetry bridge, under the names that
// Prefect gives its own.
//
// The entry point is [New]; [Loggers.Logger] is what Prefect calls
// get_run_logger.
//
//	logger                   name on the page
//	of a task run            prefect.task_runs
//	of a flow run            prefect.flow_runs
package runlog
