// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Exporter sends to Prefect by the batch processor of the OpenTelemetry SDK, in place of our own.
//
//	PREFECT__FLOW_RUN_ID=UUID TASK_RUN_ID=UUID go run ./exporter
//
// Expect three lines on the run's page, the last of them under the task run. The SDK's processor bounds its queue in records,
// not in bytes, and when it is full the oldest go first, errors too; prefectlogs.Setup takes processor.NewBatch, which has
// limits, lanes and a spool.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
)

func main() {
	if err := work(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "exporter:", err)
		os.Exit(1)
	}
}

func work(ctx context.Context) error {
	prefect, err := exporter.New(ctx)
	if err != nil {
		return err
	}
	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(processor.NewRunAttributes()), // first: a batch is exported without the contexts of its calls
		sdklog.WithProcessor(sdklog.NewBatchProcessor(prefect, sdklog.WithExportInterval(2*time.Second))),
	)
	logger := otelslog.NewLogger("shop.exporter", otelslog.WithLoggerProvider(provider))

	logger.Info("order received", "order", 4711)
	logger.Error("order refused", "error", "out of paper")

	task := run.NewContext(ctx, run.Info{TaskRunID: os.Getenv("TASK_RUN_ID")})
	logger.WarnContext(task, "stock is low", "left", 2)
	return provider.Shutdown(ctx)
}
