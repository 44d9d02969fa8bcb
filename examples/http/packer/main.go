// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Packer is started by a task of a Python flow and calls the service stock: its run comes from
// the environment, and goes on with its requests.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/runlog"
)

func main() {
	if err := pack(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "packer:", err)
		os.Exit(1)
	}
}

func pack(ctx context.Context, stock string) (err error) {
	pipeline, err := prefectlogs.Setup(ctx)
	if err != nil {
		return err
	}
	spans, err := stdouttrace.New()
	if err != nil {
		return err
	}
	tracing := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(runlog.NewSpanProcessor()), sdktrace.WithBatcher(spans))
	defer func() { err = errors.Join(err, tracing.Shutdown(ctx), pipeline.Shutdown(ctx)) }()

	work, err := run.ContextFromEnvironment(ctx) // the task run, and its span
	if err != nil {
		return err
	}
	work, span := tracing.Tracer("shop").Start(work, "pack")
	defer span.End()
	pipeline.Logger("shop.packer").InfoContext(work, "packing")

	// By baggage: the service trusts it. By message: the run is in what is sent, as to a queue.
	info, err := run.Current(work)
	if err != nil {
		return err
	}
	message, err := json.Marshal(info)
	if err != nil {
		return err
	}
	withRun, err := run.ContextWithBaggage(work)
	if err != nil {
		return err
	}
	return errors.Join(post(withRun, tracing, stock+"/reserve", nil), post(work, tracing, stock+"/jobs", message))
}

func post(ctx context.Context, tracing *sdktrace.TracerProvider, url string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	carried := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	client := http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport,
		otelhttp.WithTracerProvider(tracing), otelhttp.WithPropagators(carried))}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}
