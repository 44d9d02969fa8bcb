// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Correlation shows a service's lines on the pages of the task runs that called it, though the service has never heard of Prefect.
//
//	python3 -m venv .venv && .venv/bin/pip install prefect opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
//	PYTHON=.venv/bin/python go run ./correlation
//
// It starts flow.py and service, a Collector with collector-component/samples/correlation.yaml, and a Prefect server where
// PREFECT_API_URL names none. Expect four lines, each with its task run, while the flow is still running. OTELCOL names a Collector
// that is built already (make collector); without it one is built, which takes two minutes.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/prefectlogs/prefectlogs/examples/internal/demo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := demo.Correlation(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "correlation:", err)
		os.Exit(1)
	}
}
