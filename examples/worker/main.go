// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Worker is a program that a flow starts, as flow.py beside it does. What it logs stands on the page of the run that
// started it. It is configured by nothing but the variables that Prefect, and flow.py, set.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prefectlogs/prefectlogs"
)

func main() {
	if err := work(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func work(ctx context.Context) error {
	pipeline, err := prefectlogs.Setup(ctx)
	if err != nil {
		return err
	}
	logger := pipeline.Logger("shop.worker")
	logger.Info("packing", slog.Any("orders", os.Args[1:]))
	logger.Warn("stock is low", slog.Int("left", 2))
	logger.Error("the printer is out of paper")

	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return pipeline.Shutdown(ctx)
}
