// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package prefectexporter answers how the logs of a Collector's pipeline come to the pages of Prefect's flow and task runs.
//
// The entry point is [NewFactory], the factory of the exporter "prefect"; [Config] is its configuration, and README.md beside
// this file has each of its keys. The division of work:
//
//	exporterhelper      queue, batches, storage, retries: time is the helper's
//	this package        targets, packing, what becomes of the rest, status, metrics
//	mapping             what a record means to Prefect, as for the SDK
//	exporter/delivery   that a request is stored, once, within one push
//
// The way of a push through the files:
//
//	exporter.go   takes it
//	divide.go     moves its records apart, by target
//	target.go     one target: the helper's queue and retries, a client
//	push.go       encodes the records and sends them, request by request
//	client.go     counts requests
//	rest.go       gives back what is unsent
//	memory.go     what has to be known when that comes again
//
// A push is encoded record by record, straight from pdata into pooled pages, one request at a time. What is left of it
// when the server fails goes back to the helper as it stands, with the stamps it was given, so that it is the same when it comes again.
package prefectexporter
