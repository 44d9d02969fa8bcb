// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/console"
	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
)

func TestANilContextIsTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var none context.Context
		server := prefecttest.NewServer(t)
		pipeline := setup(t, server, new(said))
		flow := attribute.String("prefect.flow_run.id", flowA)
		var record otellog.Record
		record.SetBody(attribute.StringValue("hello"))
		record.AddAttributes(flow)
		pipeline.LoggerProvider().Logger("test").Emit(none, record)
		pipeline.LoggerProvider().Logger("test").Enabled(none, otellog.EnabledParameters{})
		if err := errors.Join(pipeline.ForceFlush(none), prefectlogs.FlushAll(none)); err != nil {
			t.Error(err)
		}
		func() {
			defer func() {
				if value := recover(); value != "boom" {
					t.Errorf("panicked with %v", value)
				}
			}()
			defer pipeline.Recover(none)
			panic("boom")
		}()
		if err := pipeline.Shutdown(none); err != nil {
			t.Error(err)
		}
		if logs := server.Logs(); len(logs) != 1 || logs[0].Message != "hello" { // the panic is of no run
			t.Errorf("stored %+v", logs)
		}

		exp, err := exporter.New(none, exporter.WithDefaultRun(run.Info{FlowRunID: flowA}), exporter.WithSettings(isolated(t, "PREFECT_API_URL="+server.URL())), exporter.WithTransport(server.Transport()), exporter.WithErrorHandler(new(said).handle))
		if err != nil {
			t.Fatal(err)
		}
		batch, err := processor.NewBatch(exp)
		if err != nil {
			t.Fatal(err)
		}
		var lines strings.Builder
		written, err := console.New(console.WithWriter(&lines))
		if err != nil {
			t.Fatal(err)
		}
		for _, processor := range []sdklog.Processor{sdklog.NewSimpleProcessor(exp), batch, processor.NewRunAttributes(), written} {
			var record sdklog.Record
			record.SetBody(attribute.StringValue("direct"))
			if err := errors.Join(processor.OnEmit(none, &record), processor.ForceFlush(none)); err != nil {
				t.Error(err)
			}
		}
		if err := errors.Join(batch.Shutdown(none), exp.Shutdown(none)); err != nil || len(server.Logs()) != 3 || !strings.Contains(lines.String(), "direct") {
			t.Errorf("%v, stored %+v, written %q", err, server.Logs(), lines.String())
		}
	})
}
