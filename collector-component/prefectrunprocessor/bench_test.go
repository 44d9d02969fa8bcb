// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor_test

import (
	"encoding/binary"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/prefectlogs/prefectlogs/collector-component/prefectrunprocessor"
)

// push is how many spans or logs come at a time, as from an SDK.
const push = 512

func benched(b *testing.B) *instance {
	b.Helper()
	factory := prefectrunprocessor.NewFactory()
	i := &instance{t: b, config: factory.CreateDefaultConfig().(*prefectrunprocessor.Config)}
	var err error
	if i.traces, err = factory.CreateTraces(b.Context(), settings(), i.config, consumertest.NewNop()); err != nil {
		b.Fatal(err)
	}
	if i.logs, err = factory.CreateLogs(b.Context(), settings(), i.config, consumertest.NewNop()); err != nil {
		b.Fatal(err)
	}
	for _, c := range []component.Component{i.traces, i.logs} {
		if err := c.Start(b.Context(), componenttest.NewNopHost()); err != nil {
			b.Fatal(err)
		}
	}
	b.Cleanup(i.shutdown)
	return i
}

// spanOf is span n of traces of eight spans in a row, which begin with a flow run and a task run.
func spanOf(n int) (trace pcommon.TraceID, span, parent pcommon.SpanID) {
	binary.LittleEndian.PutUint64(trace[:], uint64(n/8+1)*0x9e3779b97f4a7c15)
	binary.LittleEndian.PutUint64(span[:], uint64(n%8+1))
	binary.LittleEndian.PutUint64(parent[:], uint64(n%8))
	return trace, span, parent
}

func spansFrom(first int) ptrace.Traces {
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "shop")
	spans := resource.ScopeSpans().AppendEmpty().Spans()
	for n := first; n < first+push; n++ {
		span := spans.AppendEmpty()
		trace, id, parent := spanOf(n)
		span.SetTraceID(trace)
		span.SetSpanID(id)
		span.SetParentSpanID(parent)
		switch n % 8 {
		case 0:
			fill(span.Attributes(), []string{"prefect.run.id", flowF, "prefect.run.type", "flow", "prefect.run.name", "brave-otter"})
		case 1:
			fill(span.Attributes(), []string{"prefect.run.id", taskA, "prefect.run.type", "task", "prefect.run.name", "count-1"})
		default:
			fill(span.Attributes(), []string{"http.request.method", "GET", "url.path", "/stock/apples", "server.address", "stock", "network.protocol.version", "1.1"})
		}
	}
	return traces
}

func logsFrom(first int) plog.Logs {
	logs := plog.NewLogs()
	resource := logs.ResourceLogs().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "shop")
	records := resource.ScopeLogs().AppendEmpty().LogRecords()
	for n := first; n < first+push; n++ {
		record := records.AppendEmpty()
		trace, id, _ := spanOf(n | 7) // the last of the trace
		record.SetTraceID(trace)
		record.SetSpanID(id)
		record.Body().SetStr("counting apples in the back of the shop")
		fill(record.Attributes(), []string{"item", "apples", "shelf", "12", "customer", "4711"})
	}
	return logs
}

const live = 1 << 17 // spans that are known while logs are joined

// BenchmarkSpan is the cost of a span: of new traces, from an empty memory to a full one and on.
func BenchmarkSpan(b *testing.B) {
	i := benched(b)
	n := 0
	for b.Loop() {
		b.StopTimer()
		traces := spansFrom(n)
		n += push
		b.StartTimer()
		if err := i.traces.ConsumeTraces(b.Context(), traces); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*push), "ns/span")
}

// BenchmarkLog is the cost of a log whose run is known, six spans below the task run.
func BenchmarkLog(b *testing.B) {
	i := benched(b)
	for n := 0; n < live; n += push {
		if err := i.traces.ConsumeTraces(b.Context(), spansFrom(n)); err != nil {
			b.Fatal(err)
		}
	}
	n := 0
	for b.Loop() {
		b.StopTimer()
		logs := logsFrom(n % live)
		n += push
		b.StartTimer()
		if err := i.logs.ConsumeLogs(b.Context(), logs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*push), "ns/log")
}

// BenchmarkLogThatWaits is the cost of a log that comes before its spans, and of those eight.
func BenchmarkLogThatWaits(b *testing.B) {
	i := benched(b)
	n := 0
	for b.Loop() {
		b.StopTimer()
		logs, traces := logsFrom(n), spansFrom(n)
		n += push
		b.StartTimer()
		if err := i.logs.ConsumeLogs(b.Context(), logs); err != nil {
			b.Fatal(err)
		}
		if err := i.traces.ConsumeTraces(b.Context(), traces); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*push), "ns/log")
}
