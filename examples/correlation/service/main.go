// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Service has never heard of Prefect: it joins the trace of a request and logs by slog; spans and logs go to a Collector by OTLP.
// Expect its lines under the task run whose code has called it: go run ./correlation shows that.
//
//	OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 go run ./correlation/service 127.0.0.1:8080
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	spans, err := otlptracehttp.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	logs, err := otlploghttp.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(logs)))
	logger := otelslog.NewLogger("stock", otelslog.WithLoggerProvider(loggers))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stock/{item}", func(w http.ResponseWriter, r *http.Request) {
		logger.InfoContext(r.Context(), "counting "+r.PathValue("item"))
		logger.WarnContext(r.Context(), "few left of "+r.PathValue("item"), "left", 3)
	})
	traced := otelhttp.NewHandler(mux, "", otelhttp.WithTracerProvider(tracers), otelhttp.WithPropagators(propagation.TraceContext{}))
	server := &http.Server{Addr: os.Args[1], Handler: traced}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	last := context.WithoutCancel(ctx)
	select {
	case err = <-failed:
	case <-ctx.Done():
		err = server.Shutdown(last)
	}
	if err := errors.Join(err, tracers.Shutdown(last), loggers.Shutdown(last)); err != nil {
		log.Fatal(err)
	}
}
