// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package collectorcomponent answers where prefectlogs meets the OpenTelemetry Collector. It is a module of its own, so
// that the Collector's modules stay out of the module graph of programs that only log. It holds no code itself; the entry
// points are packages prefectexporter and prefectrunprocessor. What stands here:
//
//	prefectexporter       the exporter "prefect": sends the logs of a pipeline to flow runs and task runs
//	prefectrunprocessor   the processor "prefectrun": finds the run of a log that only knows its trace
//	builder-config.yaml   the distribution otelcol-prefect, a Collector with both, for the Collector's builder
//	samples               configurations to begin with
//
// What the two are made of:
//
//	internal/runconfig      what configurations say about runs
//	internal/prefectclient  the client of Prefect's API that a configuration comes to
//	internal/pdatarecord    records in the Collector's form, read for package mapping
//	internal/join           which run a log belongs to, by its trace and span
//	internal/watch          which runs are under way, by asking Prefect
//
// What proves and measures them:
//
//	internal/distribution   builds the programs of the manifests, from the repository or from released modules
//	internal/e2e            runs them against real servers
//	internal/otlpsender     sends pushes to them
//	internal/loadtest       what they cost, beside otlp_http
package collectorcomponent
