// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Zap logs through go.uber.org/zap into the Prefect run that its environment names.
//
//	PREFECT__FLOW_RUN_ID=UUID TASK_RUN_ID=UUID go run ./zap
//
// Expect three lines on the run's page, the last of them under the task run.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/contrib/bridges/otelzap"
	"go.uber.org/zap"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/run"
)

func main() {
	if err := work(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "zap:", err)
		os.Exit(1)
	}
}

func work(ctx context.Context) error {
	pipeline, err := prefectlogs.Setup(ctx)
	if err != nil {
		return err
	}
	// To log to the console too: zapcore.NewTee(console, core).
	core := otelzap.NewCore("shop.zap", otelzap.WithLoggerProvider(pipeline.LoggerProvider()))
	logger := zap.New(core)
	logger.Info("order received", zap.Int("order", 4711), zap.Dict("customer", zap.String("name", "Ada")))
	logger.Error("order refused", zap.Error(errors.New("out of paper")))

	// Calls of zap carry no context, but one among the fields is the record's: its run and its span.
	ctx = run.NewContext(ctx, run.Info{TaskRunID: os.Getenv("TASK_RUN_ID")})
	logger.Named("stock").Warn("stock is low", zap.Int("left", 2), zap.Any("context", ctx))
	return pipeline.Shutdown(ctx)
}
