// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Service is a web service that has never heard of Prefect. It joins the trace of a request and logs by slog; spans and logs go
// to the Collector that OTEL_EXPORTER_OTLP_ENDPOINT names.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serve(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

// serve serves on a free port, whose address it prints, until ctx ends.
func serve(ctx context.Context) (err error) {
	spans, err := otlptracehttp.New(ctx)
	if err != nil {
		return err
	}
	logs, err := otlploghttp.New(ctx)
	if err != nil {
		return err
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(logs)))
	defer func() {
		left := context.WithoutCancel(ctx)
		err = errors.Join(err, tracers.Shutdown(left), loggers.Shutdown(left))
	}()
	logger := otelslog.NewLogger("stock", otelslog.WithLoggerProvider(loggers))

	mux := http.NewServeMux()
	mux.HandleFunc("GET /stock/{item}", func(w http.ResponseWriter, r *http.Request) {
		count(r.Context(), logger, r.PathValue("item"))
		fmt.Fprintln(w, "ok")
	})
	handler := otelhttp.NewHandler(mux, "stock", otelhttp.WithTracerProvider(tracers), otelhttp.WithPropagators(propagation.TraceContext{}))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	server := &http.Server{Handler: handler}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return server.Shutdown(context.WithoutCancel(ctx))
	}
}

func count(ctx context.Context, logger *slog.Logger, item string) {
	logger.InfoContext(ctx, "counting "+item)
	logger.WarnContext(ctx, "few left of "+item, "left", 3)
}
