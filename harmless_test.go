// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// looped names the variable that makes the test binary a program whose standard
// loggers write to Prefect; its value says how.
const looped = "PREFECTLOGS_TEST_LOOPED"

func TestMain(m *testing.M) {
	if os.Getenv(exiting) != "" {
		fmt.Println(exitingProgram())
		os.Exit(1)
	}
	if how := os.Getenv(looped); how != "" {
		if err := loopedProgram(how); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if err := serverstest.WithoutSettings(func() { m.Run() }); err != nil { // m.Run hands its exit code on by itself
		fmt.Println(err)
		os.Exit(1)
	}
}

// exiting names the variable that makes the test binary a program that ends by
// Pipeline.Exit. It holds the address of the API.
const exiting = "PREFECTLOGS_TEST_EXITING"

func TestExitDeliversAndEndsWithTheCode(t *testing.T) {
	server, err := prefecttest.Start(prefecttest.WithLoopback())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	program := exec.CommandContext(t.Context(), os.Args[0])
	program.Env = append(os.Environ(), exiting+"="+server.URL())
	out, err := program.CombinedOutput()
	if failed, ok := errors.AsType[*exec.ExitError](err); !ok || failed.ExitCode() != 7 {
		t.Fatalf("%v:\n%s", err, out)
	}
	if logs := server.Logs(); len(logs) != 1 || logs[0].Message != "last words" {
		t.Errorf("stored %+v", logs)
	}
}

func exitingProgram() error {
	config, err := settings.Load(settings.WithEnvironment(nil), settings.WithoutFiles(), settings.WithValue("PREFECT_API_URL", os.Getenv(exiting)))
	if err != nil {
		return err
	}
	pipeline, err := prefectlogs.Setup(context.Background(), prefectlogs.WithSettings(config))
	if err != nil {
		return err
	}
	pipeline.Logger("app").InfoContext(run.NewContext(context.Background(), run.Info{FlowRunID: flowA}), "last words")
	pipeline.Exit(7)
	return nil
}

// TestStandardLoggersOverTheBridgeNeverHang runs a program in which log and slog
// write to Prefect, whose server first refuses everything and then never answers.
// One error that came back from our processor would go through otel.Handle to
// log.Print, from there to slog, to our processor again, and then wait for the
// mutex of package log, for ever.
func TestStandardLoggersOverTheBridgeNeverHang(t *testing.T) {
	for _, how := range []string{"setup", "handler", "simple", "batch"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // it takes a second or two
			defer cancel()
			program := exec.CommandContext(ctx, os.Args[0])
			program.Env = append(os.Environ(), looped+"="+how)
			out, err := program.CombinedOutput()
			if ctx.Err() != nil {
				t.Fatalf("the program hangs:\n%s", out)
			}
			if err != nil {
				t.Fatalf("%v:\n%s", err, out)
			}
			if !strings.Contains(string(out), "the program ends") || strings.Count(string(out), "\n") > 30 {
				t.Errorf("output:\n%s", out)
			}
		})
	}
}

func loopedProgram(how string) error {
	server, err := prefecttest.Start()
	if err != nil {
		return err
	}
	defer server.Close()
	shutdown, provider, err := loopedProvider(how, server)
	if err != nil {
		return err
	}
	slog.SetDefault(otelslog.NewLogger("app", otelslog.WithLoggerProvider(provider)))

	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: flowA})
	for _, fault := range []prefecttest.Fault{prefecttest.Status(500), prefecttest.Refuse(0), prefecttest.Status(401), prefecttest.Hang()} {
		server.ClearFaults()
		server.FaultAlways(fault)
		for range 2 {
			bounded, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			slog.ErrorContext(bounded, "through slog")
			log.Print("through log, without a run")
			otel.Handle(fmt.Errorf("of somebody else"))
			_ = provider.ForceFlush(bounded) // that it returns is what counts
			cancel()
		}
	}
	bounded, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_ = shutdown(bounded) // likewise
	log.Print("after the end")
	fmt.Println("the program ends")
	return nil
}

func loopedProvider(how string, server *prefecttest.Server) (shutdown func(context.Context) error, provider *sdklog.LoggerProvider, err error) {
	config, err := settings.Load(settings.WithEnvironment(nil), settings.WithoutFiles(), settings.WithValue("PREFECT_API_URL", server.URL()))
	if err != nil {
		return nil, nil, err
	}
	transport := exporter.WithTransport(server.Transport())
	if how == "setup" || how == "handler" {
		opts := []prefectlogs.Option{prefectlogs.WithSettings(config), prefectlogs.WithExporter(transport)}
		if how == "handler" { // the nearest at hand, and its own output is what it is told of
			opts = append(opts, prefectlogs.WithErrorHandler(func(err error) { log.Print(err) }))
		}
		pipeline, err := prefectlogs.Setup(context.Background(), opts...)
		if err != nil {
			return nil, nil, err
		}
		return pipeline.Shutdown, pipeline.LoggerProvider(), nil
	}
	// Without a run of the environment, what log.Print writes is not sent: give it one.
	exp, err := exporter.New(context.Background(), exporter.WithSettings(config), transport, exporter.WithDefaultRun(run.Info{FlowRunID: flowA}), exporter.WithExportTimeout(200*time.Millisecond))
	if err != nil {
		return nil, nil, err
	}
	var p sdklog.Processor = sdklog.NewSimpleProcessor(exp)
	if how == "batch" {
		p = sdklog.NewBatchProcessor(exp, sdklog.WithExportTimeout(100*time.Millisecond))
	}
	provider = sdklog.NewLoggerProvider(sdklog.WithProcessor(p))
	return provider.Shutdown, provider, nil
}
