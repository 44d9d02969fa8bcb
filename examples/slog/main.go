// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Slog logs through log/slog into the Prefect run that its environment names.
//
//	PREFECT__FLOW_RUN_ID=UUID go run ./slog
//
// Expect three lines on the run's page: by a logger of this program's, and by Prefect's own for the run.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/runlog"
)

func main() {
	if err := work(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "slog:", err)
		os.Exit(1)
	}
}

func work(ctx context.Context) error {
	pipeline, err := prefectlogs.Setup(ctx)
	if err != nil {
		return err
	}
	logger := pipeline.Logger("shop.slog") // or slog.SetDefault of it
	logger.Info("order received", slog.Int("order", 4711), slog.Group("customer", "name", "Ada"))
	logger.Error("order refused", "error", errors.New("out of paper"))

	// Prefect's get_run_logger: bound to the task run, or else the flow run.
	if runLogger, err := runlog.New(pipeline.LoggerProvider()).Logger(ctx); err == nil { // else there is no run
		runLogger.Warn("stock is low", "left", 2)
	}
	return pipeline.Shutdown(ctx)
}
