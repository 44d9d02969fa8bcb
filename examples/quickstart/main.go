// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Quickstart logs into its flow run and, side by side, into those of its task runs whose ids are its arguments.
//
//	go run ./quickstart
//
// Expect a table of 18 lines, as read back from Prefect: that of PREFECT_API_URL, or one in memory. With --spool it is
// the example longjob that logs, is killed and started again.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/examples/internal/demo"
	"github.com/prefectlogs/prefectlogs/run"
)

func main() {
	work := demo.Stage(work) // where there is no flow run to log into: makes one for work, and shows its page
	if err := work(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func work(ctx context.Context) error {
	pipeline, err := prefectlogs.Setup(ctx)
	if err != nil {
		return err
	}
	console := slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug - 4})
	logger := slog.New(slog.NewMultiHandler(pipeline.Logger("shop.orders").Handler(), console))
	logger.Info("orders received")
	var tasks sync.WaitGroup
	for i, id := range os.Args[1:] {
		tasks.Go(func() {
			ctx := run.NewContext(ctx, run.Info{TaskRunID: id})
			logger := logger.With("order", 4711+i)
			logger.Log(ctx, slog.LevelDebug-4, "tracing the cart")
			logger.DebugContext(ctx, "cart loaded", "items", 3, "cached", true, "source", "eu west")
			logger.InfoContext(ctx, "total computed", "amount", 129.95, slog.Group("customer", "id", 7))
			logger.InfoContext(ctx, "Grüße aus Köln, 東京 и Москва 🎉")
			logger.InfoContext(ctx, "invoice:\n  1 × tea\n  2 × cups")
			logger.WarnContext(ctx, "stock is low", "left", 2)
			logger.ErrorContext(ctx, "payment failed", "error", errors.New("no answer"), "exception.stacktrace", string(debug.Stack()))
			logger.Log(ctx, slog.LevelError+4, "giving up")
		})
	}
	tasks.Wait()
	logger.Info("orders done", "tasks", len(os.Args)-1)
	return pipeline.Shutdown(ctx)
}
