// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
)

// A program that a Prefect worker starts needs no option and no run: both come from its environment. Here an
// in-memory Prefect API stands for the server, and the run is that of a context.
func ExampleSetup() {
	server, err := prefecttest.Start(prefecttest.WithLoopback())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	pipeline, err := prefectlogs.Setup(context.Background(), prefectlogs.WithEndpoint(server.URL()))
	if err != nil {
		log.Fatal(err)
	}
	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"})
	logger := pipeline.Logger("orders")
	logger.InfoContext(ctx, "order received", "order", 4711)
	logger.WarnContext(ctx, "stock is low")
	if err := pipeline.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}

	for _, l := range server.Logs() {
		fmt.Println(l.Level, l.Name, l.Message)
	}
	// Output:
	// 20 orders order received order=4711
	// 30 orders stock is low
}

// A line on the console for each record, laid out as Prefect does it, also where there is no server.
func ExampleWithConsole() {
	var console strings.Builder // os.Stderr, in a program
	pipeline, err := prefectlogs.Setup(context.Background(),
		prefectlogs.WithConsole(&console),
		prefectlogs.WithErrorHandler(func(err error) { fmt.Println(err) }))
	if err != nil {
		log.Fatal(err)
	}
	defer pipeline.Shutdown(context.Background())

	pipeline.Logger("orders").Warn("stock is low", "left", 3)

	_, line, _ := strings.Cut(console.String(), " | ") // behind the time
	fmt.Print(line)
	// Output:
	// logs are not sent to Prefect: PREFECT_API_URL is not set; set it to the address of the API, which ends in /api
	// WARNING | orders - stock is low left=3
}

// What a program cannot deliver before it ends stays in the folder, and the next program that names the folder sends it.
func ExampleWithSpool() {
	server, err := prefecttest.Start(prefecttest.WithLoopback())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.FaultAlways(prefecttest.Status(502)) // it is down

	dir, err := os.MkdirTemp("", "orders-") // in a program a folder that stays
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	pipeline, err := prefectlogs.Setup(context.Background(), prefectlogs.WithEndpoint(server.URL()),
		prefectlogs.WithSpool(dir), prefectlogs.WithErrorHandler(func(error) {}),
		// Rather wait a minute for a disk that does not answer than 250 ms.
		prefectlogs.WithBatch(processor.WithOverflow(processor.Block), processor.WithBlockTimeout(time.Minute)))
	if err != nil {
		log.Fatal(err)
	}
	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"})
	pipeline.Logger("orders").InfoContext(ctx, "order received")

	ended, end := context.WithCancel(context.Background())
	end() // no time is left to deliver
	err = pipeline.Shutdown(ended)
	fmt.Println("all is delivered:", err == nil)
	fmt.Println("in the spool:", pipeline.Stats().Spooled)
	// Output:
	// all is delivered: false
	// in the spool: 1
}

// A program that panics leaves its last words on the page of the run, and panics on.
func ExamplePipeline_Recover() {
	server, err := prefecttest.Start(prefecttest.WithLoopback())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	pipeline, err := prefectlogs.Setup(context.Background(), prefectlogs.WithEndpoint(server.URL()))
	if err != nil {
		log.Fatal(err)
	}
	defer pipeline.Shutdown(context.Background())

	program := func() {
		defer func() { fmt.Println("the panic goes on:", recover()) }() // Go itself, in a program
		ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"})
		defer pipeline.Recover(ctx)
		panic("the shelf is gone")
	}
	program()

	message, stack, _ := strings.Cut(server.Logs()[0].Message, "\n")
	fmt.Println("on the page:", message)
	fmt.Println("with its stack:", strings.Contains(stack, "example_test.go:"))
	// Output:
	// the panic goes on: the shelf is gone
	// on the page: panic: the shelf is gone
	// with its stack: true
}

// In place of os.Exit and log.Fatal, which run no deferred Shutdown.
func ExamplePipeline_Exit() {
	pipeline, err := prefectlogs.Setup(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer pipeline.Shutdown(context.Background())

	if err := os.Chdir("orders"); err != nil {
		pipeline.Logger("orders").Error("no place to work in", "error", err)
		pipeline.Exit(1) // delivers what is queued, for 10 seconds at most
	}
}

// What became of every record, at any time.
func ExamplePipeline_Stats() {
	server, err := prefecttest.Start(prefecttest.WithLoopback())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	pipeline, err := prefectlogs.Setup(context.Background(),
		prefectlogs.WithEndpoint(server.URL()), prefectlogs.WithErrorHandler(func(err error) { fmt.Println(err) }))
	if err != nil {
		log.Fatal(err)
	}

	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"})
	logger := pipeline.Logger("orders")
	logger.InfoContext(ctx, "in a run")
	logger.Info("in none")
	if err := pipeline.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}

	stats := pipeline.Stats()
	fmt.Println(stats.Emitted, "emitted:", stats.Stored, "stored,", stats.Skipped.NoRun, "without a run")
	// Output:
	// a record of logger "orders" belongs to no run and is not sent: put a run into its context (run.NewContext), set PREFECT__FLOW_RUN_ID, or silence this with PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW=ignore
	// 2 emitted: 1 stored, 1 without a run
}

// Spans of the program under that of the flow run, which Prefect keeps where the flow traces.
func ExamplePipeline_JoinTrace() {
	server, err := prefecttest.Start(prefecttest.WithLoopback())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	flowRun, err := server.API().CreateFlowRun(context.Background(), "orders", "nightly")
	if err != nil {
		log.Fatal(err)
	}
	labels := map[string]string{"__OTEL_TRACEPARENT": "00-0102030405060708090a0b0c0d0e0f10-0102030405060708-01"} // by the flow
	if err := server.API().Do(context.Background(), "PATCH", "/flow_runs/"+flowRun.ID+"/labels", labels, nil); err != nil {
		log.Fatal(err)
	}
	pipeline, err := prefectlogs.Setup(context.Background(), prefectlogs.WithEndpoint(server.URL()))
	if err != nil {
		log.Fatal(err)
	}
	defer pipeline.Shutdown(context.Background())

	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: flowRun.ID})
	ctx, err = pipeline.JoinTrace(ctx)
	fmt.Println(trace.SpanContextFromContext(ctx).TraceID(), err)

	_, err = pipeline.JoinTrace(context.Background()) // outside of any run
	fmt.Println(errors.Is(err, run.ErrNoRun))
	// Output:
	// 0102030405060708090a0b0c0d0e0f10 <nil>
	// true
}

// The way of a log, step by step; here with a wrong key.
func ExampleCheck() {
	server, err := prefecttest.Start(prefecttest.WithLoopback(), prefecttest.WithAPIKey("pnu_right"))
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	report, err := prefectlogs.Check(context.Background(), prefectlogs.WithEndpoint(server.URL()),
		prefectlogs.WithExporter(exporter.WithAPIKey("pnu_wrong")))
	fmt.Println("all is well:", err == nil)
	for _, step := range report.Failed() {
		fmt.Println(step.Name+":", step.Found)
		fix, _, _ := strings.Cut(step.Fix, ": ")
		fmt.Println("fix:", fix)
	}
	// Output:
	// all is well: false
	// auth: the server refuses the key of PREFECT_API_KEY (401)
	// fix: correct it, in the place that step settings names
}

// Records that a server refused are kept in a file, by WithDeadLetter, and sent again once what was wrong is mended.
func ExampleReplay() {
	server, err := prefecttest.Start(prefecttest.WithLoopback())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	dir, err := os.MkdirTemp("", "orders-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "refused.jsonl") // as WithDeadLetter has filled it
	refused := `{"time":"2026-01-02T03:04:05Z","reason":"invalid","target":"` + server.URL() + `","record":` +
		`{"level":20,"timestamp":"2026-01-02T03:04:05.000006Z","flow_run_id":"11111111-2222-3333-4444-555555555555","task_run_id":null,"name":"orders","message":"order received"}}` + "\n"
	if err := os.WriteFile(path, []byte(refused), 0o600); err != nil {
		log.Fatal(err)
	}

	result, err := prefectlogs.Replay(context.Background(), path, prefectlogs.WithEndpoint(server.URL()))
	fmt.Println(result.Stored, "stored,", result.Refused, "refused again,", result.Unsent, "not sent,", err)
	fmt.Println(server.Logs()[0].Message)
	// Output:
	// 1 stored, 0 refused again, 0 not sent, <nil>
	// order received
}
