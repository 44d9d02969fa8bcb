// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
)

// Prefect beside what a provider has already. prefectlogs.Setup does all of this in one call.
func ExampleNewBatch() {
	server, err := prefecttest.Start(prefecttest.WithLoopback())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	prefect, err := exporter.New(context.Background(), exporter.WithEndpoint(server.URL()))
	if err != nil {
		log.Fatal(err)
	}
	batch, err := processor.NewBatch(prefect,
		processor.WithQueueSize(4<<20), // bytes
		processor.WithOverflow(processor.Block), processor.WithBlockTimeout(100*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(batch))
	logger := otelslog.NewLogger("orders", otelslog.WithLoggerProvider(provider))
	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"})
	logger.InfoContext(ctx, "order received")

	if err := provider.ForceFlush(context.Background()); err != nil { // waits until it is stored
		log.Fatal(err)
	}
	fmt.Println(batch.Stats())
	fmt.Println(provider.Shutdown(context.Background()))
	// Output:
	// 1 emitted: 1 stored, 0 refused, 0 dropped, 0 skipped, 0 queued (0 bytes), 0 in flight, 0 unknown; 0 resent, 0 duplicated
	// <nil>
}

// All that is wrong with the options is one error.
func ExampleNewBatch_wrong() {
	prefect, err := exporter.New(context.Background(), exporter.WithEndpoint("http://127.0.0.1:4200/api"))
	if err != nil {
		log.Fatal(err)
	}
	_, err = processor.NewBatch(prefect, processor.WithQueueSize(1), processor.WithBatchRecords(5000))
	fmt.Println(err)
	// Output:
	// processor: the batch has 5000 records; it must have 1 to 1000
	// processor: the queue size of 1 bytes is less than twice the max log size of 1000000 bytes; raise the one or lower the other
}

// Any exporter gets the run with each record: the run of the context, or of whatever else names one.
func ExampleNewRunAttributes() {
	var otlp printer // stands for an exporter of the program's
	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(processor.NewRunAttributes()), // the line to add
		sdklog.WithProcessor(sdklog.NewSimpleProcessor(otlp)),
	)
	logger := otelslog.NewLogger("orders", otelslog.WithLoggerProvider(provider))
	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555", FlowName: "orders"})
	logger.InfoContext(ctx, "order received")
	// Output:
	// order received
	// prefect.flow_run.id = 11111111-2222-3333-4444-555555555555
	// prefect.flow.name = orders
}

// printer is an exporter that prints records.
type printer struct{}

func (printer) Export(_ context.Context, records []sdklog.Record) error {
	for _, r := range records {
		fmt.Println(r.Body())
		r.WalkAttributes(func(kv attribute.KeyValue) bool {
			fmt.Println(kv.Key, "=", kv.Value)
			return true
		})
	}
	return nil
}
func (printer) ForceFlush(context.Context) error { return nil }
func (printer) Shutdown(context.Context) error   { return nil }
