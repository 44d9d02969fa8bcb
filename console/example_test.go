// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/console"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/runlog"
)

// Lines laid out by a % format of Python's, here without the time. The default is Prefect's own layout.
func ExampleNew() {
	lines, err := console.New(
		console.WithStdout(), // standard error by default
		console.WithFormat(console.Format{
			Text:    "%(levelname)-7s | %(name)s - %(message)s",
			FlowRun: "%(levelname)-7s | Flow run %(flow_run_name)r - %(message)s",
		}))
	if err != nil {
		log.Fatal(err)
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(lines))
	defer provider.Shutdown(context.Background())

	otelslog.NewLogger("orders", otelslog.WithLoggerProvider(provider)).Info("order received", "order", 4711)
	logger, err := runlog.New(provider).FlowRunLogger(run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555", FlowRunName: "merry-fox"})
	if err != nil {
		log.Fatal(err)
	}
	logger.Warn("stock is low")
	// Output:
	// INFO    | orders - order received order=4711
	// WARNING | Flow run 'merry-fox' - stock is low
}

// A format that asks for what could be a secret is refused.
func ExampleFormat() {
	_, err := console.New(console.WithFormat(console.Format{Text: "%(message)s %(api_key)s"}))
	fmt.Println(err)
	// Output: console: the format asks for %(api_key), whose name speaks of a secret
}
