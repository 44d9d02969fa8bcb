// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Stock is a service whose logs and spans stand in the run of its caller, which comes as baggage.
//
//	go run ./http/stock 127.0.0.1:8080
//
// Expect, for each request, a line "reserved" under the caller's task run, and a span on the console.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/runlog"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	pipeline, err := prefectlogs.Setup(ctx)
	if err != nil {
		log.Fatal(err)
	}
	spans, err := stdouttrace.New()
	if err != nil {
		log.Fatal(err)
	}
	tracing := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(runlog.NewSpanProcessor()), sdktrace.WithBatcher(spans))
	reserve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pipeline.Logger("shop.stock").InfoContext(r.Context(), "reserved")
	})
	traced := otelhttp.NewHandler(reserve, "reserve", otelhttp.WithTracerProvider(tracing), otelhttp.WithPropagators(propagation.TraceContext{}))
	// Only programs of our own come here, so their baggage is trusted, and that before the request's span begins.
	server := &http.Server{Addr: os.Args[1], Handler: run.TrustBaggageHandler(traced)}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 25*time.Second)
	defer cancel()
	if err := errors.Join(err, server.Shutdown(last), tracing.Shutdown(last), pipeline.Shutdown(last)); err != nil {
		log.Fatal(err)
	}
}
