// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// The variables that name the run of a process. Workers and runners of Prefect set
// them (workers/base.py, runner.py, infrastructure/base.py), but for TaskRunIDVariable, which
// only a parent that uses [Environ] or does as much sets.
const (
	FlowRunIDVariable      = "PREFECT__FLOW_RUN_ID"
	TaskRunIDVariable      = "PREFECT__TASK_RUN_ID"
	FlowIDVariable         = "PREFECT__FLOW_ID"
	FlowNameVariable       = "PREFECT__FLOW_NAME"
	DeploymentIDVariable   = "PREFECT__DEPLOYMENT_ID"
	DeploymentNameVariable = "PREFECT__DEPLOYMENT_NAME"
	WorkerIDVariable       = "PREFECT__WORKER_ID"
	WorkerNameVariable     = "PREFECT__WORKER_NAME"
)

// The variables that carry a trace to a child process, as OpenTelemetry's
// specification names them for environments.
const (
	traceParentVariable = "TRACEPARENT"
	traceStateVariable  = "TRACESTATE"
)

// FromEnvironment returns the run that the process was started for, with ids of
// runs in their canonical spelling. Where no run is named, it returns the zero Info
// and no error. An id of a run that is no UUID is an error that names the variable.
//
// A task run id alone, as a task outside of any flow may pass it on, makes no
// run by itself: it holds for records whose flow run another source names. What the
// environment says of flow, deployment and worker counts only beside a flow run id.
func FromEnvironment() (Info, error) {
	return fromVariables(os.Getenv)
}

func fromVariables(getenv func(string) string) (Info, error) {
	var problems []error
	id := func(variable string) string {
		value := getenv(variable)
		if value == "" {
			return ""
		}
		id, err := ParseID(value)
		if err != nil {
			problems = append(problems, fmt.Errorf("run: %s is %w; correct it or unset it", variable, err))
			return ""
		}
		return id.String()
	}
	info := Info{FlowRunID: id(FlowRunIDVariable), TaskRunID: id(TaskRunIDVariable)}
	if err := errors.Join(problems...); err != nil {
		return Info{}, err
	}
	if info.FlowRunID == "" {
		return info, nil
	}
	info.FlowID, info.FlowName = getenv(FlowIDVariable), getenv(FlowNameVariable)
	info.DeploymentID, info.DeploymentName = getenv(DeploymentIDVariable), getenv(DeploymentNameVariable)
	info.WorkerID, info.WorkerName = getenv(WorkerIDVariable), getenv(WorkerNameVariable)
	return info, nil
}

// ContextFromEnvironment returns ctx with the run of [FromEnvironment], and with the
// span that TRACEPARENT and TRACESTATE name as the parent of the spans to come, unless
// ctx has one already. That is how a child process goes on where [Environ] left off.
//
// Variables that cannot be read are told in the error, and the context holds the rest.
// BAGGAGE is not looked at.
func ContextFromEnvironment(ctx context.Context) (context.Context, error) {
	info, err := FromEnvironment()
	if info != (Info{}) {
		ctx = NewContext(ctx, info)
	}
	parent := os.Getenv(traceParentVariable)
	if parent == "" || trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, err
	}
	inTrace, ok := withRemoteSpan(ctx, parent, os.Getenv(traceStateVariable))
	if !ok {
		err = errors.Join(err, fmt.Errorf("run: %s is no trace context (want 00-TRACE-SPAN-FLAGS in hexadecimal digits); correct it or unset it", traceParentVariable))
	}
	return inTrace, err
}

// withRemoteSpan returns ctx within the span of another process.
func withRemoteSpan(ctx context.Context, parent, state string) (context.Context, bool) {
	carrier := propagation.MapCarrier{"traceparent": parent, "tracestate": state}
	span := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
	if !span.IsValid() {
		return ctx, false
	}
	return trace.ContextWithRemoteSpanContext(ctx, span), true
}

// Environ returns the variables that a child process needs to log into the run of
// ctx ([Current]) and to go on with its trace, as "NAME=value". They go behind
// those that the child gets anyway, since the last of equal names counts:
//
//	cmd.Env = append(os.Environ(), run.Environ(ctx)...)
//
// Nothing but run ids and trace context is passed on: no baggage, no names. What
// the child would inherit and what belongs to another run is emptied: a task run id
// where ctx has none, and the names of another flow run. Where ctx has no run, or no
// span, nothing is said of it and the child inherits what is there.
//
// [FromEnvironment] and [ContextFromEnvironment] read the variables in the child.
func Environ(ctx context.Context) []string {
	var env []string
	info, _ := current(ctx) // what the environment says wrong, the child inherits and tells
	if info.FlowRunID != "" {
		env = append(env, FlowRunIDVariable+"="+info.FlowRunID)
		inherited, _ := ParseID(os.Getenv(FlowRunIDVariable))
		for _, variable := range []string{FlowIDVariable, FlowNameVariable, DeploymentIDVariable, DeploymentNameVariable} {
			if canonical(inherited) != info.FlowRunID && os.Getenv(variable) != "" {
				env = append(env, variable+"=")
			}
		}
	}
	if info.FlowRunID != "" || info.TaskRunID != "" {
		env = append(env, TaskRunIDVariable+"="+info.TaskRunID)
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	if parent := carrier.Get("traceparent"); parent != "" {
		env = append(env, traceParentVariable+"="+parent, traceStateVariable+"="+carrier.Get("tracestate"))
	}
	return env
}
