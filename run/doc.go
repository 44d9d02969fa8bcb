// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package run answers whose log it is: the identity of a Prefect flow run or
// task run, in a context, in the environment and in baggage.
//
// The entry points are [NewContext], which puts an [Info] into a context, and
// [Current], which finds the run that work belongs to. How a run goes from one place
// to the next:
//
//	from                    to                      by
//	Prefect                 the process of a flow   [FromEnvironment], [ContextFromEnvironment]
//	a process               its child               [Environ], then the same
//	a request that it makes another service         [ContextWithBaggage] and a propagator of baggage
//	a request that comes    its handler             [TrustBaggageHandler] or [TrustBaggage], and never without
//	a flow run's id         its trace               [JoinTrace]
//
// What Prefect hands to the process of a flow run, and a parent to its child:
//
//	variable                                     who sets it
//	PREFECT__FLOW_RUN_ID                         every worker and agent, Prefect 2.0 to 3.x
//	PREFECT__FLOW_ID, PREFECT__FLOW_NAME,        workers of Prefect 3.6.17 and later
//	PREFECT__DEPLOYMENT_ID, PREFECT__DEPLOYMENT_NAME,
//	PREFECT__WORKER_ID, PREFECT__WORKER_NAME
//	PREFECT__TASK_RUN_ID                         nobody but you, and Environ
//	TRACEPARENT, TRACESTATE                      nobody but you, and Environ
//
// Prefect hands no task run id to any process. A task that starts a program
// passes it on by itself, under the name above. docs/runs.md has all of it at length.
//
// Everything here is a value or immutable, and safe for concurrent use.
package run
