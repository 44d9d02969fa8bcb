// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Logr logs through github.com/go-logr/logr into the Prefect run that its environment names.
//
//	PREFECT__FLOW_RUN_ID=UUID TASK_RUN_ID=UUID go run ./logr
//
// Expect three lines on the run's page, the last of them under the task run.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/contrib/bridges/otelslog"

	"github.com/prefectlogs/prefectlogs"
)

func main() {
	if err := work(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "logr:", err)
		os.Exit(1)
	}
}

func work(ctx context.Context) error {
	pipeline, err := prefectlogs.Setup(ctx)
	if err != nil {
		return err
	}
	handler := otelslog.NewHandler("shop.logr", otelslog.WithLoggerProvider(pipeline.LoggerProvider()))
	logger := logr.FromSlogHandler(handler)

	logger.Info("order received", "order", 4711)
	logger.Error(errors.New("out of paper"), "order refused")
	// Calls of logr carry no context: a run other than the environment's is named by attributes.
	logger.WithValues("prefect.task_run.id", os.Getenv("TASK_RUN_ID")).Info("stock is low", "left", 2)
	return pipeline.Shutdown(ctx)
}
