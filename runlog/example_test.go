// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package runlog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/runlog"
)

// The logger of the run that the context is in, under the name and with the fields that Prefect gives its own.
func ExampleLoggers_Logger() {
	loggers := runlog.New(printing()) // pipeline.LoggerProvider(), in a program

	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555", FlowName: "orders"})
	logger, err := loggers.Logger(ctx, slog.String("customer", "ada"))
	if err != nil {
		fmt.Println(err)
		return
	}
	logger.Info("order received", "order", 4711)

	_, err = loggers.Logger(context.Background()) // outside of any run
	fmt.Println(errors.Is(err, run.ErrNoRun))
	// Output:
	// prefect.flow_runs: order received flow_run_name=<unknown> flow_name=orders flow_run_id=11111111-2222-3333-4444-555555555555 customer=ada order=4711
	// true
}

// A logger of a flow run that no context is in.
func ExampleLoggers_FlowRunLogger() {
	logger, err := runlog.New(printing()).FlowRunLogger(run.Info{
		FlowRunID: "11111111-2222-3333-4444-555555555555", FlowRunName: "tapir", FlowName: "orders", DeploymentName: "nightly",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	logger.Warn("stock is low")
	// Output:
	// prefect.flow_runs: stock is low flow_run_name=tapir flow_name=orders flow_run_id=11111111-2222-3333-4444-555555555555 deployment_name=nightly
}

// The same of a task run. Attributes of a call win over the fields of the logger.
func ExampleLoggers_TaskRunLogger() {
	logger, err := runlog.New(printing()).TaskRunLogger(run.Info{
		FlowRunID: "11111111-2222-3333-4444-555555555555", FlowName: "orders",
		TaskRunID: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", TaskRunName: "pack-0", TaskName: "pack",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	logger.Info("packed", "task_name", "of this call")
	// Output:
	// prefect.task_runs: packed flow_run_name=<unknown> flow_name=orders task_run_id=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee task_run_name=pack-0 task_name=of this call flow_run_id=11111111-2222-3333-4444-555555555555
}

// Loggers by name, below that of Prefect.
func ExampleLoggers_Named() {
	loggers := runlog.New(printing())
	loggers.Named("").Info("a")
	loggers.Named("shop").Info("b")
	loggers.Named("prefect.shop").Info("c")
	fmt.Println(loggers.Named("shop") == loggers.Named("prefect.shop"))
	// Output:
	// prefect: a
	// prefect.shop: b
	// prefect.shop: c
	// true
}

// By the global provider of OpenTelemetry.
func ExampleLogger() {
	otel.SetLoggerProvider(printing()) // pipeline.LoggerProvider(), once where the program begins

	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"})
	logger, err := runlog.Logger(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	logger.Info("hello")
	runlog.Named("shop").Info("hello")
	// Output:
	// prefect.flow_runs: hello flow_run_name=<unknown> flow_name=<unknown> flow_run_id=11111111-2222-3333-4444-555555555555
	// prefect.shop: hello
}

// Code that asks for the logger of its run logs into nothing, as in a test.
func ExampleDisable() {
	logger, err := runlog.New(printing()).Logger(runlog.Disable(context.Background()))
	logger.Error("nobody hears this")
	fmt.Println(err)
	// Output: <nil>
}

// Spans name the run that they belong to.
func ExampleNewSpanProcessor() {
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(runlog.NewSpanProcessor()))
	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"})
	_, span := provider.Tracer("orders").Start(ctx, "pack")
	for _, kv := range span.(sdktrace.ReadOnlySpan).Attributes() {
		fmt.Println(kv.Key, "=", kv.Value.String())
	}
	// Output: prefect.flow_run.id = 11111111-2222-3333-4444-555555555555
}

// printing returns a provider that prints what is logged.
func printing() *sdklog.LoggerProvider {
	return sdklog.NewLoggerProvider(sdklog.WithProcessor(printer{}))
}

type printer struct{}

func (printer) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (printer) ForceFlush(context.Context) error                       { return nil }
func (printer) Shutdown(context.Context) error                         { return nil }
func (printer) OnEmit(_ context.Context, record *sdklog.Record) error {
	fmt.Printf("%s: %s", record.InstrumentationScope().Name, record.Body().AsString())
	record.WalkAttributes(func(kv attribute.KeyValue) bool {
		fmt.Printf(" %s=%s", kv.Key, kv.Value.String())
		return true
	})
	fmt.Println()
	return nil
}
