// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/trace"
)

// ErrNoTrace is returned by [JoinTrace] for a flow run that Prefect does not trace.
var ErrNoTrace = errors.New("run: the flow run has no trace; Prefect has traced runs since 3.1.6, where the flow's process sets an OpenTelemetry tracer provider")

// Traces tells the traces of flow runs. The exporter of this module does; it is an
// interface so that this package needs no HTTP client.
type Traces interface {
	// TraceParent returns the W3C traceparent of a flow run's span, "" where it has none.
	TraceParent(ctx context.Context, flowRun ID) (string, error)
}

// JoinTrace returns a context in the run of ctx ([Current]) and within the span of its
// flow run, so that spans and logs hang under the Prefect run. Prefect keeps that
// span in the label __OTEL_TRACEPARENT of the run (telemetry/run_telemetry.py), and
// traces is asked for it. A context that is within a span already keeps it.
//
// The context is usable with an error, too: with [ErrNoRun] it is ctx, with
// [ErrNoTrace] and where Prefect cannot be asked it is in the run, and in no trace.
func JoinTrace(ctx context.Context, traces Traces) (context.Context, error) {
	info, err := Current(ctx)
	if err != nil {
		return ctx, err
	}
	inRun := NewContext(ctx, info)
	if trace.SpanContextFromContext(ctx).IsValid() {
		return inRun, nil
	}
	parent, err := traces.TraceParent(ctx, info.IDs().Flow)
	switch {
	case err != nil:
		return inRun, fmt.Errorf("run: asking for the trace of the flow run: %w", err)
	case parent == "":
		return inRun, ErrNoTrace
	}
	joined, ok := withRemoteSpan(inRun, parent, "")
	if !ok {
		return inRun, errors.New("run: the label __OTEL_TRACEPARENT of the flow run is no trace context")
	}
	return joined, nil
}
