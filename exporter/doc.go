// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package exporter sends OpenTelemetry log records to the pages of Prefect's
// flow runs and task runs.
//
// The entry point is [New]. An [Exporter] works under any processor of the
// OpenTelemetry SDK, and it is what package processor's Batch sends through; that
// batch processor is the better choice, since it bounds memory in bytes and
// retries in the background.
//
// Without options everything comes from the settings that Prefect's own Python
// client reads (see package settings); an option wins over its setting:
//
//	option                setting                                    default
//	WithEndpoint          PREFECT_API_URL                            none: New fails
//	WithAPIKey            PREFECT_API_KEY                            none
//	WithAuthString        PREFECT_API_AUTH_STRING                    none
//	WithBatchSize         PREFECT_LOGGING_TO_API_BATCH_SIZE          4,000,000 bytes
//	WithMaxLogSize        PREFECT_LOGGING_TO_API_MAX_LOG_SIZE        1,000,000 bytes
//	WithMissingRun        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW   warn
//	WithDefaultRun        PREFECT__FLOW_RUN_ID, PREFECT__TASK_RUN_ID none
//	WithBatchRecords      -                                          200 records; processor.Batch adapts up to 1,000
//	WithHeaders           PREFECT_CLIENT_CUSTOM_HEADERS              none
//	WithRequestTimeout    PREFECT_API_REQUEST_TIMEOUT                60 s
//	WithConnection        PREFECT_API_SSL_CERT_FILE,                 the system's certificates
//	                      PREFECT_API_TLS_INSECURE_SKIP_VERIFY
//	WithTransport         -                                          one of our own, of WithConnection
//	WithExportTimeout     -                                          10 s
//	WithDeadLetter        -                                          none: a refused record is lost
//	WithDeadLetterSize    -                                          16 MiB, or four times the max log size if that is more
//	WithErrorHandler      -                                          standard error, at a bounded rate
//	WithSettings          -                                          settings.Load
//
// How records are mapped is told in package mapping; WithFormat, WithOversize,
// WithKeys, WithAllowedAttributes, WithDeniedAttributes, WithTraceIDs,
// WithKeptANSI and WithExactTime change it.
//
// The run of a record is the one that its attributes name, else the one in the
// context it was emitted with, else the one of its scope, its resource or the
// default run. The SDK's own BatchProcessor exports without the context
// of the records; put processor.RunAttributes before it, or use processor.Batch.
package exporter
