// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/join"
	"github.com/prefectlogs/prefectlogs/run"
)

// Compile-time check that logsProcessor is what the Collector wants.
var _ processor.Logs = (*logsProcessor)(nil)

// logsProcessor stamps the logs of one pipeline.
type logsProcessor struct {
	user
	next   consumer.Logs
	outbox *outbox
}

// held is a log that waits, with what is around it.
type held struct {
	to     *logsProcessor
	around *around
	record plog.LogRecord
}

// around is the resource and the scope of logs that wait; they share it.
type around struct {
	resource       pcommon.Resource
	scope          pcommon.InstrumentationScope
	resourceSchema string
	scopeSchema    string
}

// heldOverhead is what a log that waits takes besides its own bytes, about.
const heldOverhead = 256

func newLogsProcessor(c *core, next consumer.Logs) *logsProcessor {
	p := &logsProcessor{user: user{core: c}, next: next}
	p.outbox = newOutbox(p)
	return p
}

// Capabilities says that logs are stamped, and that those that wait are taken out.
func (p *logsProcessor) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// Start begins what all users of the core share, and the handing on of logs that have waited.
func (p *logsProcessor) Start(ctx context.Context, host component.Host) error {
	if err := p.core.start(ctx, host); err != nil {
		return err
	}
	p.outbox.start()
	return nil
}

// Shutdown hands on what waits, with the runs that are known by now.
func (p *logsProcessor) Shutdown(ctx context.Context) error {
	p.core.with(func(j *join.Joiner[held], _ time.Time) {
		j.Drain(func(log held) bool { return log.to == p })
	})
	err := p.outbox.shutdown(ctx)
	p.leave()
	return err
}

// What becomes of a log.
type fate uint8

const (
	passes fate = iota // it names its run, or there is nothing to join it by
	joins              // by its trace and span
	waits              // for more to be known
)

// probe is a log of a push.
type probe struct {
	record plog.LogRecord
	fate   fate
	trace  join.TraceID
	span   join.SpanID
	own    run.IDs // as far as the record names it
	learn  run.IDs // that the span is in
	within run.IDs // what is around the record says: joining may find a task run or a sub-flow in it, but it is not worth a wait
}

// ConsumeLogs stamps logs and hands them on, in so far as their run is known or cannot be; the others wait. Where the next
// component does not take for now what is handed on, none of the push is taken either, and all of it is left in logs, so that it can be
// sent again as a whole.
func (p *logsProcessor) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	probes := p.read(logs)
	waiting := p.judge(probes)
	// What was settled before comes first, so that the order within a trace stays.
	if err := p.outbox.flush(valueless{ctx}); err != nil {
		return err
	}
	if len(probes) == 0 {
		return nil
	}
	if waiting == 0 {
		return p.next.ConsumeLogs(ctx, logs)
	}
	taken := p.take(logs, probes, waiting)
	// The rest goes on as a push of its own: a fan-out locks what it hands on, and then nothing could be put back.
	rest := plog.NewLogs()
	logs.MoveTo(rest)
	var err error
	if rest.LogRecordCount() > 0 {
		if err = p.next.ConsumeLogs(ctx, rest); comesAgain(err) {
			putBack(logs, rest, taken)
			return err
		}
	}
	p.wait(taken)
	return err
}

// valueless ends with a context and has none of its values: logs that waited are those of others than who calls, and must not go on with
// the metadata and the credentials of that client.
type valueless struct{ context.Context }

// Value returns nil.
func (valueless) Value(any) any { return nil }

// comesAgain reports whether a push that ended with err is sent again as a whole. Of one that was taken in part, only what the error
// carries is.
func comesAgain(err error) bool {
	_, inPart := errors.AsType[consumererror.Logs](err)
	return err != nil && !inPart && !consumererror.IsPermanent(err)
}

// putBack makes a push whole again: what was to go on, and after it, as it would have come, what was to wait.
func putBack(logs, rest plog.Logs, taken []waiter) {
	rest.CopyTo(logs)
	var last *around
	var into plog.LogRecordSlice
	for _, w := range taken {
		if w.around != last {
			last = w.around
			into = last.appendTo(logs)
		}
		w.record.MoveTo(into.AppendEmpty())
	}
}

// read looks at every log of a push.
func (p *logsProcessor) read(logs plog.Logs) []probe {
	probes := make([]probe, 0, logs.LogRecordCount())
	for _, resource := range logs.ResourceLogs().All() {
		around := p.core.idsOf(resource.Resource().Attributes()).run
		for _, scope := range resource.ScopeLogs().All() {
			around := p.core.idsOf(scope.Scope().Attributes()).run.Or(around)
			for _, record := range scope.LogRecords().All() {
				n := p.core.idsOf(record.Attributes())
				pr := probe{record: record, trace: join.TraceID(record.TraceID()), span: join.SpanID(record.SpanID()), own: n.run, within: around}
				switch {
				case n.optedOut:
				case !n.run.Flow.IsZero():
					pr.learn = learnable(record, n)
				default:
					pr.fate = joins
				}
				probes = append(probes, pr)
			}
		}
	}
	return probes
}

// judge learns from logs and stamps those whose run is known. It returns how many have to wait.
func (p *logsProcessor) judge(probes []probe) (waiting int) {
	var behind map[join.TraceID]struct{} // traces of logs of this push that wait
	learnt := 0
	var counts [rules]int
	p.core.with(func(j *join.Joiner[held], now time.Time) {
		for i := range probes {
			pr := &probes[i]
			if pr.trace == (join.TraceID{}) {
				if pr.fate == joins && pr.within.Flow.IsZero() {
					counts[p.core.stamp(pr.record, pr.own, join.Answer{})]++
				}
				pr.fate = passes
				continue
			}
			if pr.fate == passes {
				if !pr.learn.Flow.IsZero() {
					j.Log(now, pr.trace, pr.span, pr.learn)
					learnt++
				}
				continue
			}
			if !pr.within.Flow.IsZero() {
				j.Log(now, pr.trace, join.SpanID{}, run.IDs{Flow: pr.within.Flow})
			}
			answer, certain := j.Find(now, pr.trace, pr.span)
			if _, after := behind[pr.trace]; certain && !after {
				counts[p.core.stamp(pr.record, pr.own, answer)]++
				continue
			}
			if !pr.within.Flow.IsZero() {
				pr.fate = passes
				continue
			}
			if behind == nil {
				behind = map[join.TraceID]struct{}{}
			}
			behind[pr.trace] = struct{}{}
			pr.fate = waits
			waiting++
		}
	})
	p.core.telemetry.learnt(fromLog, learnt)
	p.core.telemetry.stamped(counts)
	return waiting
}

// waiter is a log that is to wait.
type waiter struct {
	held
	trace join.TraceID
	span  join.SpanID
	size  int
}

// take moves the logs that have to wait out of a push.
func (p *logsProcessor) take(logs plog.Logs, probes []probe, n int) []waiter {
	taken := make([]waiter, 0, n)
	var sizer plog.ProtoMarshaler
	i := 0
	logs.ResourceLogs().RemoveIf(func(resource plog.ResourceLogs) bool {
		resource.ScopeLogs().RemoveIf(func(scope plog.ScopeLogs) bool {
			var shared *around
			scope.LogRecords().RemoveIf(func(record plog.LogRecord) bool {
				pr := &probes[i]
				i++
				if pr.fate != waits {
					return false
				}
				w := waiter{held: held{to: p, record: plog.NewLogRecord()}, trace: pr.trace, span: pr.span}
				w.size = sizer.LogRecordSize(record) + heldOverhead
				if shared == nil {
					shared = newAround(resource, scope)
					w.size += sizeOf(shared, &sizer)
				}
				w.around = shared
				record.MoveTo(w.record)
				taken = append(taken, w)
				return true
			})
			return scope.LogRecords().Len() == 0
		})
		return resource.ScopeLogs().Len() == 0
	})
	return taken
}

func newAround(resource plog.ResourceLogs, scope plog.ScopeLogs) *around {
	a := &around{
		resource: pcommon.NewResource(), resourceSchema: resource.SchemaUrl(),
		scope: pcommon.NewInstrumentationScope(), scopeSchema: scope.SchemaUrl(),
	}
	resource.Resource().CopyTo(a.resource)
	scope.Scope().CopyTo(a.scope)
	return a
}

// appendTo begins a part of logs with what is around, and returns where its logs go.
func (a *around) appendTo(logs plog.Logs) plog.LogRecordSlice {
	resource := logs.ResourceLogs().AppendEmpty()
	a.resource.CopyTo(resource.Resource())
	resource.SetSchemaUrl(a.resourceSchema)
	scope := resource.ScopeLogs().AppendEmpty()
	a.scope.CopyTo(scope.Scope())
	scope.SetSchemaUrl(a.scopeSchema)
	return scope.LogRecords()
}

func sizeOf(a *around, sizer *plog.ProtoMarshaler) int {
	alone := plog.NewResourceLogs()
	a.resource.CopyTo(alone.Resource())
	a.scope.CopyTo(alone.ScopeLogs().AppendEmpty().Scope())
	return sizer.ResourceLogsSize(alone)
}

// wait hands logs over to the joiner. Those for which it has no room go on as they are.
func (p *logsProcessor) wait(taken []waiter) {
	if len(taken) == 0 {
		return
	}
	waited := 0
	p.core.with(func(j *join.Joiner[held], now time.Time) {
		for _, w := range taken {
			answer, ok := j.Wait(now, w.trace, w.span, w.held, w.size)
			if ok {
				waited++
				continue
			}
			for _, before := range j.Settled() { // which others may be, to make room
				before.Log.to.outbox.add(before)
			}
			p.outbox.add(join.Settled[held]{Log: w.held, Size: w.size, Answer: answer, Cause: join.Crowded})
		}
	})
	p.core.telemetry.waited(waited)
}

// stamp writes the run that was found on a log, beside what it names itself, and says by which rule. Where none was found, it is the
// default run.
func (c *core) stamp(record plog.LogRecord, own run.IDs, found join.Answer) rule {
	by := rule(found.Rule)
	if found.Rule == join.RuleNone && !c.plan.defaultRun.Flow.IsZero() {
		found.Run, by = c.plan.defaultRun, ruleDefault
	}
	ids := own.Or(found.Run)
	if own.Flow.IsZero() && !ids.Flow.IsZero() {
		record.Attributes().PutStr(run.FlowRunIDKey, ids.Flow.String())
	}
	if own.Task.IsZero() && !ids.Task.IsZero() {
		record.Attributes().PutStr(run.TaskRunIDKey, ids.Task.String())
	}
	return by
}
