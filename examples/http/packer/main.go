// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Packer is started by a task of a Python flow and calls two services: its run goes on as baggage, and in a message.
//
//	go run ./http/packer http://127.0.0.1:8080 http://127.0.0.1:8081
//
// Expect the line "packing" and those of the services under the task run; flow.py says how all are started.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"

	"go.opentelemetry.io/otel/propagation"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/run"
)

func main() {
	ctx, err := run.ContextFromEnvironment(context.Background()) // the run, and the span of the task
	if err == nil {
		err = pack(ctx, os.Args[1], os.Args[2])
	}
	if err != nil {
		log.Fatal("packer: ", err)
	}
}

func pack(ctx context.Context, stock, jobs string) error {
	pipeline, err := prefectlogs.Setup(ctx)
	if err != nil {
		return err
	}
	pipeline.Logger("shop.packer").InfoContext(ctx, "packing")
	baggage, err := run.ContextWithBaggage(ctx)
	sender, none := run.Current(ctx)
	message, bad := json.Marshal(map[string]any{"Job": "label", "Run": sender})
	return errors.Join(err, none, bad, post(baggage, stock, nil), post(ctx, jobs, message), pipeline.Shutdown(ctx))
}

func post(ctx context.Context, url string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(request.Header)) // as the transport of otelhttp does
	propagation.Baggage{}.Inject(ctx, propagation.HeaderCarrier(request.Header))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}
