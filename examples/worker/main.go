// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Worker is started by a Python flow, and configured by nothing but the variables that Prefect, and flow.py beside it, set.
//
//	cd worker && go build -o worker . && python flow.py
//
// Expect three lines on the page of the flow run, and three more under its task run.
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
