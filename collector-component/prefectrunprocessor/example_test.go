// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/prefectlogs/prefectlogs/collector-component/prefectrunprocessor"
)

// A Collector does this where pipelines of traces and of logs name one processor: spans teach it which run a trace is
// of, and logs that know only their trace get that run.
func ExampleNewFactory() {
	ctx := context.Background()
	factory := prefectrunprocessor.NewFactory()
	set, config := processortest.NewNopSettings(factory.Type()), factory.CreateDefaultConfig()
	traces, err := factory.CreateTraces(ctx, set, config, consumertest.NewNop())
	if err != nil {
		log.Fatal(err)
	}
	var joined consumertest.LogsSink
	logs, err := factory.CreateLogs(ctx, set, config, &joined)
	if err != nil {
		log.Fatal(err)
	}
	if err := traces.Start(ctx, componenttest.NewNopHost()); err != nil {
		log.Fatal(err)
	}
	if err := logs.Start(ctx, componenttest.NewNopHost()); err != nil {
		log.Fatal(err)
	}

	trace, span := pcommon.TraceID{1}, pcommon.SpanID{2}
	spans := ptrace.NewTraces()
	one := spans.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	one.SetTraceID(trace)
	one.SetSpanID(span)
	one.Attributes().PutStr("prefect.run.id", "11111111-2222-3333-4444-555555555555") // as on Prefect's own spans
	one.Attributes().PutStr("prefect.run.type", "flow")
	if err := traces.ConsumeTraces(ctx, spans); err != nil {
		log.Fatal(err)
	}
	push := plog.NewLogs()
	record := push.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetTraceID(trace)
	record.SetSpanID(span)
	if err := logs.ConsumeLogs(ctx, push); err != nil {
		log.Fatal(err)
	}
	for _, component := range []interface{ Shutdown(context.Context) error }{logs, traces} {
		if err := component.Shutdown(ctx); err != nil {
			log.Fatal(err)
		}
	}

	came := joined.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	fmt.Println(came.Attributes().AsRaw())
	// Output: map[prefect.flow_run.id:11111111-2222-3333-4444-555555555555]
}
