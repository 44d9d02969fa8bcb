// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Packer is started by a task of a Python flow and calls a service: its run, of the environment, goes on with its request.
//
//	go run ./http/packer http://127.0.0.1:8080
//
// Expect the line "packing" and that of the service under the task run; flow.py says how all are started.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"go.opentelemetry.io/otel/propagation"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/run"
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
	defer func() { err = errors.Join(err, pipeline.Shutdown(ctx)) }()
	pipeline.Logger("shop.packer").InfoContext(ctx, "packing")

	ctx, err = run.ContextFromEnvironment(ctx) // the run, and the span of the task
	if err != nil {
		return err
	}
	if ctx, err = run.ContextWithBaggage(ctx); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, stock, nil)
	if err != nil {
		return err
	}
	// What the transport of otelhttp does by itself.
	carried := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	carried.Inject(ctx, propagation.HeaderCarrier(request.Header))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}
