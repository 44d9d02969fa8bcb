// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package join answers which run a log belongs to that knows only its trace and its span. It knows nothing of the Collector.
//
// The entry point is [New]. A [Joiner] is told what comes to be known, in any order, and is asked for each log:
//
//	told                                   by                what it says of a span
//	a span, when it has ended              [Joiner.Span]     its parent; the run that its attributes name
//	a log that names its run               [Joiner.Log]      the run that it is in
//	a run that Prefect says is under way   [Joiner.Label]    that it is the span of the run
//
// What stands higher here wins where two things are said of one span: attributes of the span, then labels, then logs. Of equals, a
// flow run wins over task runs, for Prefect gives the task run that stands for a sub-flow the span of the flow run; two of
// a kind that differ say nothing.
//
// What a log gets, by the first rule that knows:
//
//	rule        the run
//	RuleTask    the task run of the nearest ancestor with one, with its flow run, or the one of the nearest flow run above it
//	RuleFlow    the flow run of the nearest ancestor with a run, where that is no task run
//	RuleTrace   the flow run of the trace: the one that is within no other
//
// A log whose ancestors are not all known waits, for as long as [Config] says, behind the logs of its trace that wait already. So
// the logs of one trace that are joined leave in the order in which they came.
//
// What is known of a trace lives in tables without pointers, counted to the byte (table.go). Traces of which nothing is heard
// for a while are forgotten; where room is short, those that have no run go first, and of them the one that was silent for longest.
package join
