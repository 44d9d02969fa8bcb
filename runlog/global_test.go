// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package runlog_test

import (
	"testing"

	"go.opentelemetry.io/otel"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/runlog"
)

// uncomparable is a provider that == must not meet.
type uncomparable struct {
	otellog.LoggerProvider
	_ []int
}

// As a program that sets its pipeline up anew, and as tests that each have one of their own.
func TestGlobalLoggersAreThoseOfTheProviderRegisteredNow(t *testing.T) {
	before := otel.GetLoggerProvider()
	t.Cleanup(func() { otel.SetLoggerProvider(before) })
	for _, which := range []string{"first", "second"} {
		kept := new(records)
		otel.SetLoggerProvider(sdklog.NewLoggerProvider(sdklog.WithProcessor(kept)))
		logger, err := runlog.Logger(run.NewContext(t.Context(), run.Info{FlowRunID: flowA}))
		if err != nil {
			t.Fatal(err)
		}
		logger.Info("of the run")
		runlog.Named("shop").Info("by name")
		if len(kept.all) != 2 {
			t.Errorf("the %s provider got %d records, want 2", which, len(kept.all))
		}
		if runlog.Named("shop") != runlog.Named("prefect.shop") {
			t.Error("one name, and two loggers")
		}
	}
	kept := new(records)
	otel.SetLoggerProvider(uncomparable{LoggerProvider: sdklog.NewLoggerProvider(sdklog.WithProcessor(kept))})
	for range 2 {
		runlog.Named("shop").Info("by name")
	}
	if len(kept.all) != 2 {
		t.Errorf("a provider that cannot be compared got %d records, want 2", len(kept.all))
	}
}
