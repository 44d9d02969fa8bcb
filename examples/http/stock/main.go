// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Stock is a service whose logs stand in the run of whoever calls it. Its OpenTelemetry set-up
// is the SDK's own, with the run stamped on logs and spans.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/runlog"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stock:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context) (err error) {
	spans, err := stdouttrace.New()
	if err != nil {
		return err
	}
	prefect, err := exporter.New(ctx)
	if err != nil {
		return err
	}
	tracing := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(runlog.NewSpanProcessor()), sdktrace.WithBatcher(spans))
	logging := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(processor.NewRunAttributes()),
		sdklog.WithProcessor(sdklog.NewBatchProcessor(prefect)),
	)
	last := context.WithoutCancel(ctx)
	defer func() { err = errors.Join(err, logging.Shutdown(last), tracing.Shutdown(last)) }()

	logger := otelslog.NewLogger("shop.stock", otelslog.WithLoggerProvider(logging))
	reserve := func(ctx context.Context, by string) {
		ctx, span := tracing.Tracer("shop").Start(ctx, "reserve")
		defer span.End()
		logger.InfoContext(ctx, "reserved", slog.String("by", by))
	}
	traced := func(name string, handle http.HandlerFunc) http.Handler {
		carried := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
		return otelhttp.NewHandler(handle, name, otelhttp.WithTracerProvider(tracing), otelhttp.WithPropagators(carried))
	}
	mux := http.NewServeMux()
	// Only services of our own come here, so their baggage is trusted, and that before
	// the request's span begins, so that it is stamped too.
	mux.Handle("POST /reserve", run.TrustBaggageHandler(traced("POST /reserve", func(w http.ResponseWriter, r *http.Request) {
		reserve(r.Context(), "baggage")
		w.WriteHeader(http.StatusNoContent)
	})))
	// Here the run is in the message. Baggage, from whoever it comes, is not looked at.
	mux.Handle("POST /jobs", traced("POST /jobs", func(w http.ResponseWriter, r *http.Request) {
		var info run.Info
		if err := json.NewDecoder(r.Body).Decode(&info); err != nil {
			http.Error(w, "want a run", http.StatusBadRequest)
			return
		}
		reserve(run.NewContext(r.Context(), info), "message")
		w.WriteHeader(http.StatusNoContent)
	}))

	address := ":8080"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())
	server := http.Server{Handler: mux}
	drained := make(chan error, 1)
	go func() {
		<-ctx.Done()
		drained <- server.Shutdown(last)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}
