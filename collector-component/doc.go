// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package collectorcomponent answers where prefectlogs meets the OpenTelemetry Collector. It is a module of its own, so
// that the Collector's modules stay out of the module graph of programs that only log. It holds no code yet; what will
// stand here:
//
//	exporter "prefect"        sends the logs of a pipeline to flow runs and task runs, over package mapping and
//	                          exporter/delivery of the main module; queue, persistence and retries are the Collector's
//	processor "prefectrun"    finds the run that a log belongs to and writes it on the log as attributes
//	distribution              a Collector binary with both, built by the Collector's builder from a manifest
package collectorcomponent
