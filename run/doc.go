// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package run answers whose log it is: the identity of a Prefect flow run or
// task run, in a context, in the environment and in baggage.
//
// The entry points are [NewContext], which puts an [Info] into a context, and
// [FromEnvironment], which reads what Prefect hands to the process of a flow
// run:
//
//	variable               who sets it                                   meaning
//	PREFECT__FLOW_RUN_ID   every worker and agent, Prefect 2.0 to 3.x    the flow run of this process
//	PREFECT__FLOW_NAME     workers of Prefect 3.6.17 and later           its flow's name
//	PREFECT__TASK_RUN_ID   nobody but you                                the task run that started this process
//
// Prefect hands no task run id to any process. A task that starts a program
// passes it on by itself, under the name above.
//
// Baggage may name a run too, once [TrustBaggage] says that it comes from services
// of one's own.
//
// Everything here is a value or immutable, and safe for concurrent use.
package run
