// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package exporter_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
)

// Under the SDK's own batch processor, which exports without the context of a record: the processor before it stamps the
// run on the record.
func ExampleNew() {
	server, err := prefecttest.Start(prefecttest.WithLoopback())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	prefect, err := exporter.New(context.Background(), exporter.WithEndpoint(server.URL()))
	if err != nil {
		log.Fatal(err)
	}
	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(processor.NewRunAttributes()),
		sdklog.WithProcessor(sdklog.NewBatchProcessor(prefect)),
	)
	logger := otelslog.NewLogger("orders", otelslog.WithLoggerProvider(provider))
	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"})
	logger.WarnContext(ctx, "stock is low", "left", 3)
	if err := provider.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}

	for _, l := range server.Logs() {
		fmt.Println(l.Level, l.Name, l.Message)
	}
	// Output: 30 orders stock is low left=3
}

// The message alone, as Prefect's own handler sends it. By default attributes follow as key=value.
func ExampleWithFormat() {
	server, err := prefecttest.Start(prefecttest.WithLoopback())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	prefect, err := exporter.New(context.Background(), exporter.WithEndpoint(server.URL()),
		exporter.WithDefaultRun(run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"}),
		exporter.WithFormat(mapping.FormatMessage))
	if err != nil {
		log.Fatal(err)
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(prefect)))
	logger := otelslog.NewLogger("orders", otelslog.WithLoggerProvider(provider))
	logger.Warn("stock is low", "left", 3)

	fmt.Println(server.Logs()[0].Message)
	// Output: stock is low
}

// All that is wrong with the options is one error.
func ExampleNew_wrong() {
	_, err := exporter.New(context.Background(), exporter.WithEndpoint("localhost:4200"), exporter.WithMaxLogSize(10))
	fmt.Println(err)
	// Output:
	// exporter: the max log size is 10 bytes; it must be at least 512
	// prefectapi: the API URL "localhost:4200" is not absolute; want an address such as "http://127.0.0.1:4200/api"
}
