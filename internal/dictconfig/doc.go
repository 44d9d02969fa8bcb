// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package dictconfig answers which handlers a record of a logger reaches, by a
// configuration of Python's logging as a logging.yml holds it.
//
// The entry point is [New]; [Config.Routes] answers for one logger. The rules are those of
// logging.config.dictConfig, and of what Prefect does after it.
//
//	key                 meaning here
//	version             1
//	incremental         an error: there is nothing yet that it could change
//	disable_existing_…  nothing: a Go program has no loggers before
//	formatters          logging.Formatter, PrefectFormatter, JsonFormatter; what stands for another class is told
//	filters             logging.Filter, ObfuscateApiKeyFilter; another class in use is an error
//	handlers            APILogHandler, OrionHandler and WorkerAPILogHandler; PrefectConsoleHandler,
//	                    StreamHandler; FileHandler; NullHandler; one of another class is left out and told
//	loggers, root       level, handlers, filters, propagate: Python's hierarchy
//
// A name that no entry stands for is a run logger: what holds for prefect.flow_runs, or
// within a task run prefect.task_runs, holds for it; these two are themselves, with an
// entry or without. An entry stands for its own name and for those below it; that of
// prefect, below which the run loggers are themselves, for its own alone.
package dictconfig
