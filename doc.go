// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package prefectlogs carries what a Go program logs through OpenTelemetry to
// the pages of Prefect's flow runs and task runs.
//
// The entry point is [Setup], which builds the whole pipeline: settings, exporter,
// batch processor and logger provider. With no option everything comes from
// the settings that Prefect's own Python client reads, so that a program which a
// flow run starts logs into that run without configuration.
//
//	situation                                      what Setup gives
//	no API URL, or logging to the API disabled     a pipeline that does nothing, and one notice
//	an API URL, no run in the environment          a live pipeline: a later record may carry its run
//	an API URL and PREFECT__FLOW_RUN_ID            a live pipeline into that run
//
//	option             what it sets                                      default
//	WithEndpoint       the address of the API, ".../api"                 PREFECT_API_URL
//	WithSettings       all settings                                      settings.Load
//	WithSpool          the folder where logs outlive the process         none
//	WithDeadLetter     the file that keeps refused records               none
//	WithConsole        where lines are written for people                as a logging.yml of the user's has it, else nowhere
//	WithErrorHandler   who hears of what does not work                   standard error, at a bounded rate
//	WithResource       attributes of the program                         OpenTelemetry's, OTEL_RESOURCE_ATTRIBUTES
//	WithExporter       options of package exporter: mapping, connection  none
//	WithBatch          options of package processor: queue, limits       none
//	WithProvider       options of the SDK's provider: more processors    none
//	WithoutWriting     of Check: it writes no log                        it writes one
//
// The logging.yml of the user's Python flows governs levels, handlers and the
// console here too; see [Setup] and [WithConsole].
//
// [Check] says why logs are missing. So does the command cmd/prefectlogs.
//
// The parts are usable alone: packages exporter, processor, console, mapping, run
// and settings, each with its own documentation.
package prefectlogs
