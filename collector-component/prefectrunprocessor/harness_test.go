// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/prefectlogs/prefectlogs/collector-component/prefectrunprocessor"
)

const (
	flowF = "ffffffff-0000-0000-0000-000000000001"
	flowG = "ffffffff-0000-0000-0000-000000000002"
	taskA = "aaaaaaaa-0000-0000-0000-000000000001"
	taskB = "aaaaaaaa-0000-0000-0000-000000000002"
)

// names of runs, for what tests say.
var names = strings.NewReplacer(flowF, "F", flowG, "G", taskA, "A", taskB, "B")

// instance is the processor in a pipeline of traces and one of logs.
type instance struct {
	t      testing.TB
	traces processor.Traces
	logs   processor.Logs
	sink   *sink
	spans  *consumertest.TracesSink
	config *prefectrunprocessor.Config
}

// newInstance starts the processor, and shuts it down after the test where the test has not.
func newInstance(t testing.TB, set func(*prefectrunprocessor.Config)) *instance {
	t.Helper()
	return newInstanceOf(t, prefectrunprocessor.NewFactory(), settings(), set)
}

func settings() processor.Settings { return processortest.NewNopSettings(prefectrunprocessor.Type) }

func newInstanceOf(t testing.TB, factory processor.Factory, settings processor.Settings, set func(*prefectrunprocessor.Config)) *instance {
	t.Helper()
	i := &instance{t: t, sink: &sink{}, spans: &consumertest.TracesSink{}}
	i.config = factory.CreateDefaultConfig().(*prefectrunprocessor.Config)
	if set != nil {
		set(i.config)
	}
	if err := i.config.Validate(); err != nil {
		t.Fatal(err)
	}
	var err error
	if i.traces, err = factory.CreateTraces(t.Context(), settings, i.config, i.spans); err != nil {
		t.Fatal(err)
	}
	if i.logs, err = factory.CreateLogs(t.Context(), settings, i.config, i.sink); err != nil {
		t.Fatal(err)
	}
	for _, c := range []component.Component{i.traces, i.logs} {
		if err := c.Start(t.Context(), componenttest.NewNopHost()); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

func (i *instance) shutdown() {
	i.t.Helper()
	for _, c := range []component.Component{i.traces, i.logs} {
		if err := c.Shutdown(context.WithoutCancel(i.t.Context())); err != nil {
			i.t.Error(err)
		}
	}
}

// span sends a span: "trace id parent", and attributes as key and value in turn.
func (i *instance) span(what string, attributes ...string) {
	i.t.Helper()
	traces := ptrace.NewTraces()
	span := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	fillSpan(span, what, attributes...)
	if err := i.traces.ConsumeTraces(i.t.Context(), traces); err != nil {
		i.t.Error(err)
	}
}

func fillSpan(span ptrace.Span, what string, attributes ...string) {
	parts := strings.Split(what+"  ", " ")
	span.SetTraceID(traceID(parts[0]))
	span.SetSpanID(spanID(parts[1]))
	span.SetParentSpanID(spanID(parts[2]))
	fill(span.Attributes(), attributes)
}

func fill(m pcommon.Map, attributes []string) {
	for n := 0; n < len(attributes); n += 2 {
		m.PutStr(attributes[n], attributes[n+1])
	}
}

func (i *instance) flow(what, id string) {
	i.t.Helper()
	i.span(what, "prefect.run.id", id, "prefect.run.type", "flow")
}

func (i *instance) task(what, id string) {
	i.t.Helper()
	i.span(what, "prefect.run.id", id, "prefect.run.type", "task")
}

// log sends a log: "trace span body", and attributes as key and value in turn.
func (i *instance) log(what string, attributes ...string) {
	i.t.Helper()
	logs := plog.NewLogs()
	fillLog(logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty(), what, attributes...)
	if err := i.logs.ConsumeLogs(i.t.Context(), logs); err != nil {
		i.t.Error(err)
	}
}

func fillLog(record plog.LogRecord, what string, attributes ...string) {
	parts := strings.SplitN(what, " ", 3)
	record.SetTraceID(traceID(parts[0]))
	record.SetSpanID(spanID(parts[1]))
	record.Body().SetStr(parts[2])
	fill(record.Attributes(), attributes)
}

func traceID(name string) (id pcommon.TraceID) { copy(id[:], name); return id }
func spanID(name string) (id pcommon.SpanID)   { copy(id[:], name); return id }

// sink notes what it gets as "body flow/task", in order.
type sink struct {
	mu     sync.Mutex
	got    []string
	all    []plog.Logs
	refuse error
	came   chan struct{} // where it is not nil, it gets a value for each push that was taken
}

func (s *sink) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

var errRefused = errors.New("refused for now")

func (s *sink) ConsumeLogs(_ context.Context, logs plog.Logs) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		logs.MarkReadOnly() // as a fan-out to two exporters does
		return s.refuse
	}
	s.all = append(s.all, logs)
	for _, resource := range logs.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				text := func(key string) string {
					if value, ok := record.Attributes().Get(key); ok {
						return names.Replace(value.AsString())
					}
					return ""
				}
				s.got = append(s.got, fmt.Sprintf("%s %s/%s", record.Body().Str(), text("prefect.flow_run.id"), text("prefect.task_run.id")))
			}
		}
	}
	if s.came != nil {
		s.came <- struct{}{}
	}
	return nil
}

// take returns what came since it was called last.
func (s *sink) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

func (s *sink) setRefuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = err
}
