// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Shop is the program whose lines the picture shows. The flow starts it in its tasks, and it knows nothing of Prefect
// but what its environment says.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"runtime"

	"github.com/prefectlogs/prefectlogs"
)

func main() {
	if err := work(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

func work(ctx context.Context, steps []string) error {
	pipeline, err := prefectlogs.Setup(ctx)
	if err != nil {
		return err
	}
	for _, step := range steps {
		switch step {
		case "charge":
			charge(pipeline.Logger("shop.cards"))
		case "pack":
			pack(ctx, pipeline.Logger("shop.parcels"))
		default:
			return fmt.Errorf("no step %q: there are charge and pack", step)
		}
	}
	return pipeline.Shutdown(ctx)
}

func charge(logger *slog.Logger) {
	logger.Debug("connected to the bank", "host", "bank.example:443", "tls", "1.3")
	logger.Info("card charged", "order", 4711, slog.Group("customer", "name", "Ada", "country", "GB"))
	logger.Warn("the bank is slow", "order", 4712, "took", "3.2s")
	logger.Error("card refused", "order", 4713, "error", errors.New("limit exceeded"), "exception.stacktrace", stack())
}

func pack(ctx context.Context, logger *slog.Logger) {
	logger.Info("labels \x1b[32mprinted\x1b[0m, customs form \x1b[33mincomplete\x1b[0m, scales \x1b[31mout of order\x1b[0m", "order", 4711)
	const critical = slog.LevelError + 4
	logger.Log(ctx, critical, "out of parcels", "left", 0)
}

// stack tells who called, as a stack trace does.
func stack() (text string) {
	callers := make([]uintptr, 2)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for {
		frame, more := frames.Next()
		text += fmt.Sprintf("%s()\n\t%s:%d\n", frame.Function, path.Base(frame.File), frame.Line)
		if !more {
			return text
		}
	}
}
