// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Spans names its run on its spans, and hangs them under the span of the task or flow that starts it.
//
//	PREFECT__FLOW_RUN_ID=UUID go run ./spans
//
// Expect a line on the run's page, and on the console a span with prefect.flow_run.id. Where the environment has a TRACEPARENT
// too, as worker/flow.py sets it, the span is of that trace.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/runlog"
)

func main() {
	if err := work(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "spans:", err)
		os.Exit(1)
	}
}

func work(ctx context.Context) (err error) {
	pipeline, err := prefectlogs.Setup(ctx)
	if err != nil {
		return err
	}
	spans, err := stdouttrace.New() // or any other exporter
	if err != nil {
		return err
	}
	tracing := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(runlog.NewSpanProcessor()), sdktrace.WithBatcher(spans))
	defer func() { err = errors.Join(err, tracing.Shutdown(ctx), pipeline.Shutdown(ctx)) }()

	ctx, err = run.ContextFromEnvironment(ctx) // the run, and the span that started this program
	if err != nil {
		return err
	}
	ctx, span := tracing.Tracer("shop").Start(ctx, "pack")
	defer span.End()
	pipeline.Logger("shop.spans").InfoContext(ctx, "packing")
	return nil
}
