// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Otlp is a program that has always sent its logs by OTLP, with Prefect added: three lines.
//
//	OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 PREFECT__FLOW_RUN_ID=UUID go run ./otlp
//
// Expect two lines on the run's page, and the same by OTLP, where their attributes name the run.
package main

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/processor"
)

func main() {
	if err := work(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "otlp:", err)
		os.Exit(1)
	}
}

func work(ctx context.Context) error {
	otlp, err := otlploghttp.New(ctx)
	if err != nil {
		return err
	}
	prefect, err := exporter.New(ctx) // added
	if err != nil {
		return err
	}
	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(processor.NewRunAttributes()), // added; OTLP's records name their run too
		sdklog.WithProcessor(sdklog.NewBatchProcessor(otlp)),
		sdklog.WithProcessor(sdklog.NewBatchProcessor(prefect)), // added; processor.NewBatch loses less
	)
	logger := otelslog.NewLogger("shop.otlp", otelslog.WithLoggerProvider(provider))

	logger.Info("order received", "order", 4711)
	logger.Error("order refused", "error", "out of paper")
	return provider.Shutdown(ctx)
}
