// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package autoexport answers how a program that takes its exporters from the environment sends its logs to Prefect: it
// makes "prefect" a value of OTEL_LOGS_EXPORTER.
//
// The entry point is a blank import:
//
//	import _ "github.com/prefectlogs/prefectlogs/autoexport"
//
// A program that calls [autoexport.NewLogExporter], of OpenTelemetry's contrib module, then gets an exporter of package
// exporter, configured by Prefect's own settings (PREFECT_API_URL and so on). Where OTEL_LOGS_EXPORTER is not prefect, nothing changes.
//
//	OTEL_LOGS_EXPORTER=prefect   and                        NewLogExporter gives
//	                             settings that are right    an exporter
//	                             no PREFECT_API_URL, or     an error that says so
//	                             settings that are wrong
//
// The run is that of the environment, of a record's attributes, its scope or its resource. An exporter knows no context:
// a program whose runs stand in contexts adds processor.NewRunAttributes before its batch processor.
//
// It is a module of its own, since OpenTelemetry's brings 128 others.
//
// [autoexport.NewLogExporter]: https://pkg.go.dev/go.opentelemetry.io/contrib/exporters/autoexport#NewLogExporter
package autoexport
