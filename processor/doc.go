// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package processor answers when records are sent to Prefect, and what gives
// when there are too many: a batch processor for the OpenTelemetry SDK whose
// queue is bounded in bytes and holds the very bytes that will be posted.
//
// The entry point is [NewBatch]. A record is encoded on the goroutine that logs
// it and copied to the queue under a short lock; one goroutine, the worker, sends. Records of
// ERROR and above have a lane of their own, which goes first, wakes the worker
// (at most every 100 ms) and is dropped last. A run that logs many of them has a
// share of ten in that lane, so that it does not delay the error of another run.
//
//	option             default
//	WithMaxLogSize     the exporter's, 1,000,000 bytes
//	WithBatchSize      the exporter's, 4,000,000 bytes
//	WithBatchRecords   adapts to the server, 50 to 1,000 records
//	WithBatchInterval  the exporter's, 2 s
//	WithQueueSize      16 MiB, or twice the max log size if that is more
//	WithOverflow       DropOldest
//	WithBlockTimeout   1 s, for Block
//	WithSpool          none: a program that is killed loses what is in its memory
//	WithSpoolSize      256 MiB, or eight times the max log size if that is more
//	WithSpoolSync      when the system likes
//	WithErrorHandler   standard error, at a bounded rate
//	WithMeterProvider  none: no metrics
//
// A request is sent when a batch or half of the queue is full, when the oldest record has waited for
// the interval, for an ERROR, and on Flush, ForceFlush and Shutdown.
//
// [NewRunAttributes] puts the run of each record on it as attributes, for any other
// processor and exporter.
package processor
