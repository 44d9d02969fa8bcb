// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Longjob works for long, is told to end by SIGTERM, as by systemd or Kubernetes, and loses no line when it is killed.
//
//	go run ./longjob -state /var/lib/longjob
//
// Expect ten lines a second on the run's page and on the console. After SIGTERM (build it for that: go run does not pass it on)
// it says that it stops, and all is on the page when it ends, with status 0. After kill -9 all is in files, and on the page once
// it was started again with the same folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prefectlogs/prefectlogs"
)

func main() {
	state := flag.String("state", os.Getenv("STATE_DIRECTORY"), "folder of the spool; systemd names one")
	orders := flag.Int("orders", 36000, "how many to pack")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := work(ctx, *state, *orders); err != nil {
		fmt.Fprintln(os.Stderr, "longjob:", err)
		os.Exit(1)
	}
}

func work(ctx context.Context, state string, orders int) (err error) {
	pipeline, err := prefectlogs.Setup(ctx, prefectlogs.WithSpool(state))
	if err != nil {
		return err
	}
	defer func() { // Kubernetes kills 30 seconds after SIGTERM
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 25*time.Second)
		defer cancel()
		err = errors.Join(err, pipeline.Shutdown(ctx))
	}()
	logger := slog.New(slog.NewMultiHandler(pipeline.Logger("shop.longjob").Handler(), slog.NewJSONHandler(os.Stdout, nil)))
	for order := range orders {
		select {
		case <-time.After(100 * time.Millisecond): // the work
			logger.Info("packed", "order", order)
		case <-ctx.Done():
			logger.Warn("stopping", "packed", order)
			return nil
		}
	}
	return nil
}
