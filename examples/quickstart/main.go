// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Quickstart logs from several goroutines into a flow run with two task runs,
// reads everything back through Prefect's API and prints it as a table.
//
// Without configuration it starts an in-memory Prefect API on loopback. With
// PREFECT_API_URL set it does the same on that server and prints the link of the
// run's page. It exits with status 1 if anything that was logged cannot be
// read back equal.
//
// With --spool it logs from a program that is killed as soon as it has logged, and
// that is started again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/run"
)

func main() {
	spool := flag.Bool("spool", false, "log from a program that is killed, and started again")
	flag.Parse()
	do := quickstart
	if dir := os.Getenv(spoolVariable); dir != "" {
		do = func(ctx context.Context) error { return program(ctx, dir, os.Getenv(diesVariable) == "true") }
	} else if *spool {
		do = survive
	}
	if err := do(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func quickstart(ctx context.Context) error {
	prefect, err := connect()
	if err != nil {
		return err
	}
	defer prefect.close()

	pipeline, err := prefectlogs.Setup(ctx, prefectlogs.WithSettings(prefect.settings))
	if err != nil {
		return err
	}
	if err := prefect.createRuns(ctx); err != nil {
		return errors.Join(err, pipeline.Shutdown(ctx))
	}
	recorder := &recorder{Handler: pipeline.Logger(loggerName).Handler()}
	work(ctx, slog.New(recorder), prefect)

	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := errors.Join(pipeline.ForceFlush(ctx), pipeline.Shutdown(ctx)); err != nil {
		return err
	}
	return prefect.report(ctx, recorder.said)
}

// work is what a program of yours would do: log through slog, with the run in
// the context.
func work(ctx context.Context, logger *slog.Logger, prefect *prefect) {
	tracer := trace.NewTracerProvider().Tracer("quickstart")
	ctx = run.NewContext(ctx, run.Info{FlowRunID: prefect.flow.ID})
	received.log(ctx, logger)

	var tasks sync.WaitGroup
	for _, task := range prefect.tasks {
		tasks.Go(func() {
			ctx, span := tracer.Start(run.NewContext(ctx, run.Info{TaskRunID: task.ID}), task.Name)
			defer span.End()
			for _, line := range lines {
				line.log(ctx, logger)
			}
		})
	}
	tasks.Wait()
	done.log(ctx, logger)
}
