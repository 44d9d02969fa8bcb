// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/prefectlogs/prefectlogs/collector-component/prefectrunprocessor"
)

// wait lets time go by, and everything happen that does by then.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestLogsGetTheRunOfTheirSpan(t *testing.T) {
	tests := []struct {
		name string
		tell func(i *instance)
		want []string
	}{
		{"of Prefect's own spans, before the log", func(i *instance) {
			i.flow("t f", flowF)
			i.task("t a f", taskA)
			i.span("t x a")
			i.log("t x 1")
		}, []string{"1 F/A"}},
		{"of Prefect's own spans, after the log", func(i *instance) {
			i.log("t x 1")
			i.span("t x a")
			i.task("t a f", taskA)
			i.flow("t f", flowF)
		}, []string{"1 F/A"}},
		{"of spans that come too late", func(i *instance) {
			i.log("t x 1")
			wait(11 * time.Second)
			i.span("t x a")
			i.log("t x 2")
			i.task("t a f", taskA)
			i.flow("t f", flowF)
		}, []string{"1 /", "2 F/A"}},
		{"of spans that are lost, by the trace", func(i *instance) {
			i.flow("t f", flowF)
			i.log("t x 1")
			wait(11 * time.Second)
		}, []string{"1 F/"}},
		{"of a trace with two flow runs, each in its own", func(i *instance) {
			i.flow("t f r", flowF)
			i.flow("t g r", flowG)
			i.task("t a f", taskA)
			i.task("t b g", taskB)
			i.log("t a 1")
			i.log("t b 2")
			i.log("t g 3")
			i.log("t lost 4")
			wait(11 * time.Second)
		}, []string{"1 F/A", "2 G/B", "3 G/", "4 /"}},
		{"of a sub-flow", func(i *instance) {
			i.flow("t f", flowF)
			i.flow("t g f", flowG)
			i.task("t b g", taskB)
			i.span("t x b")
			i.log("t x 1")
			i.log("t g 2")
			i.log("t f 3")
		}, []string{"1 G/B", "2 G/", "3 F/"}},
		{"of a span that a program stamped which knows its run", func(i *instance) {
			i.span("t x p", "prefect.flow_run.id", flowF, "prefect.task_run.id", taskA)
			i.span("t y x")
			i.log("t y 1")
		}, []string{"1 F/A"}},
		{"that a log of Python's handler names", func(i *instance) {
			i.log("t a hello", "flow_run_id", flowF, "task_run_id", taskA)
			i.span("t x a")
			i.log("t x 1")
		}, []string{"hello /", "1 F/A"}}, // its own ids are left as they are
		{"not that of a task run that ended in it", func(i *instance) {
			i.log("t f Finished in state Completed()", "flow_run_id", flowF, "task_run_id", taskA)
			i.log("t f Created task run 'x'", "flow_run_id", flowF, "task_run_id", taskA)
			i.log("t f 1")
			wait(11 * time.Second)
		}, []string{"Finished in state Completed() /", "Created task run 'x' /", "1 F/"}},
		{"not that of a task run of which Prefect's engine speaks in it", func(i *instance) {
			i.log("t f hook", "flow_run_id", flowF, "task_run_id", taskA, "code.file.path", "/x/site-packages/prefect/task_engine.py")
			i.log("t f 1")
			wait(11 * time.Second)
		}, []string{"hook /", "1 F/"}},
		{"of a task run that Prefect's server made, by its label", func(i *instance) {
			i.span("t a p", "prefect.run.id", taskA, "prefect.run.type", "task", "prefect.flow-run.id", flowF)
			i.log("t a 1")
		}, []string{"1 F/A"}},
		{"beside the task run that the log names itself", func(i *instance) {
			i.flow("t f", flowF)
			i.log("t f 1", "prefect.task_run.id", taskB)
		}, []string{"1 F/B"}},
		{"not that of a log for which Prefect is out", func(i *instance) {
			i.log("t a 0", "flow_run_id", flowF, "task_run_id", taskA, "send_to_api", "False")
			i.log("t a 1", "send_to_orion", "false")
			i.log("t a 2")
			wait(11 * time.Second)
		}, []string{"0 /", "1 /", "2 /"}},
		{"with ids that are none, which count as absent", func(i *instance) {
			i.flow("t f", flowF)
			i.log("t f 1", "flow_run_id", "none", "task_run_id", "None")
		}, []string{"1 F/"}},
		{"not without a trace", func(i *instance) {
			i.log(" f 1")
		}, []string{"1 /"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newInstance(t, nil)
				tt.tell(i)
				wait(0)
				if diff := cmp.Diff(tt.want, i.sink.take()); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				i.shutdown()
				if late := i.sink.take(); late != nil {
					t.Errorf("%q waited until the shutdown", late)
				}
			})
		})
	}
}

// A pod of a flow run may say so of all its spans and logs, in Kubernetes' labels; in it are task runs and sub-flows.
func TestWhatAResourceSaysIsMadePrecise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, nil)
		const label = "k8s.pod.label.prefect.io/flow-run-id"
		traces := ptrace.NewTraces()
		resource := traces.ResourceSpans().AppendEmpty()
		resource.Resource().Attributes().PutStr(label, flowF)
		spans := resource.ScopeSpans().AppendEmpty().Spans()
		fillSpan(spans.AppendEmpty(), "t f", "prefect.run.id", flowF, "prefect.run.type", "flow")
		fillSpan(spans.AppendEmpty(), "t g f", "prefect.run.id", flowG, "prefect.run.type", "flow")
		fillSpan(spans.AppendEmpty(), "t b g", "prefect.run.id", taskB, "prefect.run.type", "task")
		fillSpan(spans.AppendEmpty(), "t x b")
		fillSpan(spans.AppendEmpty(), "u y lost")
		if err := i.traces.ConsumeTraces(t.Context(), traces); err != nil {
			t.Fatal(err)
		}
		logs := plog.NewLogs()
		pod := logs.ResourceLogs().AppendEmpty()
		pod.Resource().Attributes().PutStr(label, flowF)
		records := pod.ScopeLogs().AppendEmpty().LogRecords()
		fillLog(records.AppendEmpty(), "t x precise")
		fillLog(records.AppendEmpty(), "t lost at once, by the resource")
		fillLog(records.AppendEmpty(), " x without a trace, by the resource")
		if err := i.logs.ConsumeLogs(t.Context(), logs); err != nil {
			t.Fatal(err)
		}
		i.log("t x elsewhere")
		i.log("u y by the trace")
		wait(11 * time.Second)
		want := []string{"precise G/B", "at once, by the resource /", "without a trace, by the resource /", "elsewhere G/B", "by the trace F/"}
		if diff := cmp.Diff(want, i.sink.take()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		i.shutdown()
	})
}

func TestLogsWithoutARunGetTheDefaultRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, func(c *prefectrunprocessor.Config) {
			c.DefaultRun = prefectrunprocessor.RunConfig{FlowRunID: flowG, TaskRunID: taskB}
		})
		i.flow("t f", flowF)
		i.log("u x 1")
		i.log("t f 2")
		i.log(" x 3")
		i.log("t f 4", "send_to_api", "false")
		wait(11 * time.Second)
		if diff := cmp.Diff([]string{"2 F/", "3 G/B", "4 /", "1 G/B"}, i.sink.take()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		i.shutdown()
	})
}

func TestWithoutAWaitNoLogIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, func(c *prefectrunprocessor.Config) { c.MaxWait = 0 })
		i.flow("t f", flowF)
		i.log("t x 1")
		i.log("u x 2")
		wait(0)
		if diff := cmp.Diff([]string{"1 F/", "2 /"}, i.sink.take()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		i.shutdown()
	})
}

// What waits keeps its resource, scope and everything else, and leaves nothing behind in its push.
func TestWhatWaitsStaysWhatItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, nil)
		i.flow("t f", flowF)
		make := func() plog.Logs {
			logs := plog.NewLogs()
			for r := range 3 {
				resource := logs.ResourceLogs().AppendEmpty()
				resource.SetSchemaUrl(fmt.Sprint("schema", r))
				resource.Resource().Attributes().PutStr("service.name", fmt.Sprint(r))
				for s := range 2 {
					scope := resource.ScopeLogs().AppendEmpty()
					scope.SetSchemaUrl(fmt.Sprint("scope schema", s))
					scope.Scope().SetName(fmt.Sprint(r, s))
					scope.Scope().Attributes().PutInt("n", int64(s))
					for k := range 3 {
						if r == 1 {
							k = 1 // all of it waits
						}
						record := scope.LogRecords().AppendEmpty()
						fillLog(record, fmt.Sprintf("%s f %d", []string{"t", "u"}[k%2], k), "key", "value")
						record.SetTimestamp(12345)
						record.SetSeverityNumber(plog.SeverityNumberError)
						record.SetEventName("event")
					}
				}
			}
			return logs
		}
		if err := i.logs.ConsumeLogs(t.Context(), make()); err != nil {
			t.Fatal(err)
		}
		wait(11 * time.Second)
		got := map[string]int{}
		for _, logs := range i.sink.all {
			for _, l := range flat(logs) {
				got[strings.Replace(l, ` prefect.flow_run.id:"`+flowF+`"`, "", 1)]++
			}
		}
		want := map[string]int{}
		for _, l := range flat(make()) {
			want[l]++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		// What has waited goes on at once, in one push or in several.
		if n := i.sink.all[0].ResourceLogs().Len(); n != 2 || len(i.sink.all) < 2 {
			t.Errorf("%d resources in the first of %d pushes", n, len(i.sink.all))
		}
		i.shutdown()
	})
}

// flat tells each record with all that is around it.
func flat(logs plog.Logs) (all []string) {
	for _, r := range logs.ResourceLogs().All() {
		for _, s := range r.ScopeLogs().All() {
			for _, l := range s.LogRecords().All() {
				parts := []string{fmt.Sprint(r.SchemaUrl(), r.Resource().Attributes().AsRaw(), s.SchemaUrl(), s.Scope().Name(), s.Scope().Attributes().AsRaw(),
					l.TraceID(), l.SpanID(), l.Timestamp(), l.SeverityNumber(), l.EventName(), l.Body().AsString())}
				for key, value := range l.Attributes().All() {
					parts = append(parts, fmt.Sprintf("%s:%q", key, value.AsString()))
				}
				all = append(all, strings.Join(parts, " "))
			}
		}
	}
	return all
}

// A restart forgets; what still comes is joined again.
func TestAfterARestartLogsAreJoinedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := newInstance(t, nil)
		before.flow("t f", flowF)
		before.task("t a f", taskA)
		before.shutdown()
		i := newInstance(t, nil)
		i.log("t x 1")
		i.span("t x a")
		i.task("t a f", taskA)
		i.flow("t f", flowF)
		wait(0)
		if diff := cmp.Diff([]string{"1 F/A"}, i.sink.take()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		i.shutdown()
	})
}

// Behind a balancer that goes by trace id, all of a trace comes to one instance.
func TestTwoInstancesBehindLoadBalancingByTraceID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		two := []*instance{newInstance(t, nil), newInstance(t, nil)}
		for n := range 100 {
			trace := fmt.Sprint("t", n)
			i := two[n%2]
			i.log(trace + " x " + trace)
			i.span(trace + " x a")
			i.task(trace+" a f", taskA)
			i.flow(trace+" f", flowF)
		}
		wait(0)
		for n, i := range two {
			got := i.sink.take()
			if len(got) != 50 {
				t.Errorf("instance %d handed on %d logs", n, len(got))
			}
			for _, log := range got {
				if !strings.HasSuffix(log, " F/A") {
					t.Errorf("%q", log)
				}
			}
			i.shutdown()
		}
	})
}

func TestPipelinesShareAnInstanceByItsID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		factory := prefectrunprocessor.NewFactory()
		first := newInstanceOf(t, factory, settings(), nil)
		other := settings()
		other.ID = component.NewIDWithName(prefectrunprocessor.Type, "other")
		second := newInstanceOf(t, factory, other, nil)

		// A second pipeline of logs with the first's id and configuration.
		more := &sink{}
		logs, err := factory.CreateLogs(t.Context(), settings(), first.config, more)
		if err != nil {
			t.Fatal(err)
		}
		if err := logs.Start(t.Context(), componenttest.NewNopHost()); err != nil {
			t.Fatal(err)
		}
		first.flow("t f", flowF)
		first.log("t f 1")
		second.log("t f 2")
		push := plog.NewLogs()
		fillLog(push.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty(), "t f 3")
		if err := logs.ConsumeLogs(t.Context(), push); err != nil {
			t.Fatal(err)
		}
		first.log("u x 4")
		if err := logs.Shutdown(t.Context()); err != nil { // which is not the last user
			t.Fatal(err)
		}
		first.flow("u x", flowG)
		wait(11 * time.Second)
		if diff := cmp.Diff([][]string{{"1 F/", "4 G/"}, {"2 /"}, {"3 F/"}}, [][]string{first.sink.take(), second.sink.take(), more.take()}); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		first.shutdown()
		second.shutdown()

		// One that was made and never used, as for a look at a configuration, is no part of this.
		unused := factory.CreateDefaultConfig().(*prefectrunprocessor.Config)
		unused.DefaultRun.FlowRunID = flowG
		if _, err := factory.CreateLogs(t.Context(), settings(), unused, more); err != nil {
			t.Fatal(err)
		}
		again := newInstanceOf(t, factory, settings(), nil)
		again.log("t f 5")
		wait(11 * time.Second)
		if diff := cmp.Diff([]string{"5 /"}, again.sink.take()); diff != "" {
			t.Errorf("a new instance knows what an old one did (-want +got)\n%s", diff)
		}
		again.shutdown()
	})
}

func TestLifecycle(t *testing.T) {
	factory := prefectrunprocessor.NewFactory()
	if err := componenttest.CheckConfigStruct(factory.CreateDefaultConfig()); err != nil {
		t.Error(err)
	}
	processortest.VerifyShutdown(t, factory, factory.CreateDefaultConfig())
	// Made and never started; started twice; shut down twice.
	config := factory.CreateDefaultConfig()
	traces, err := factory.CreateTraces(t.Context(), settings(), config, consumertest.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	logs, err := factory.CreateLogs(t.Context(), settings(), config, consumertest.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := errors.Join(traces.Shutdown(t.Context()), logs.Shutdown(t.Context())); err != nil {
			t.Error(err)
		}
	}
}
