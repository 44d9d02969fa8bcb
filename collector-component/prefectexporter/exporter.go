// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/prefectlogs/prefectlogs/mapping"
)

// Compile-time check that logsExporter is what the Collector wants.
var _ exporter.Logs = (*logsExporter)(nil)

// logsExporter hands records to the target that each of them names. Every target is an exporter of the helper's by
// itself, with a queue, consumers and a client of its own, so that a dead one holds up no other.
type logsExporter struct {
	logger    *zap.Logger
	telemetry *telemetry
	health    *health
	targets   []*target
	attribute string           // that names the target
	byName    map[string]int16 // the targets' positions
	otherwise int16            // the target of records that name none, or noTarget
}

// badIDNotice is said of a key whose value is not printed: it may be anything.
const badIDNotice = "An attribute that should hold the id of a run holds no UUID and counts as absent. Have it hold the run's id, or leave it out."

// newLogs makes the exporter.
func newLogs(ctx context.Context, set exporter.Settings, config *Config) (*logsExporter, error) {
	plan, err := config.plan()
	if err != nil {
		return nil, err
	}
	for _, notice := range plan.notices {
		set.Logger.Warn(notice)
	}
	telemetry, err := newTelemetry(set)
	if err != nil {
		return nil, err
	}
	said := newOnce(set.Logger)
	plan.mapping.BadID = func(key string) {
		said.warn(key, badIDNotice, zap.String("key", key))
	}
	encoder, err := mapping.NewEncoder(plan.mapping)
	if err != nil {
		return nil, err
	}
	e := &logsExporter{
		logger: set.Logger, telemetry: telemetry, health: newHealth(),
		attribute: config.TargetAttribute, byName: map[string]int16{}, otherwise: noTarget,
	}
	for i, connection := range plan.connections {
		t, err := newTarget(ctx, set, config, plan, connection, encoder, e)
		if err != nil {
			return nil, err
		}
		e.targets = append(e.targets, t)
		e.byName[connection.name] = int16(i)
	}
	if i, ok := e.byName[config.DefaultTarget]; ok {
		e.otherwise = i
	}
	return e, nil
}

// Capabilities says that records are changed: they get times, where they have none or share one, and are divided by target.
func (e *logsExporter) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// Start starts every target. Where one fails, the Collector shuts down all of them.
func (e *logsExporter) Start(ctx context.Context, host component.Host) error {
	e.health.start(host)
	for _, t := range e.targets {
		if err := t.helper.Start(ctx, host); err != nil {
			return t.named(err)
		}
	}
	return nil
}

// Shutdown lets every target send what it holds, all at the same time; see [target.shutdown].
func (e *logsExporter) Shutdown(ctx context.Context) error {
	problems := make([]error, len(e.targets))
	var work sync.WaitGroup
	for i, t := range e.targets {
		work.Go(func() { problems[i] = t.named(t.shutdown(ctx)) })
	}
	work.Wait()
	return errors.Join(problems...)
}

// ConsumeLogs hands the records to the queues of their targets. If no target takes its part, the push can be sent again
// as a whole. If some do and some do not, what was not taken is lost, counted and told by a permanent error: to send the push
// again would store the other part twice.
func (e *logsExporter) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	setObserved(logs, pcommon.NewTimestampFromTime(time.Now()))
	if len(e.targets) == 1 && e.targets[0].name == "" {
		return e.targets[0].consume(ctx, logs)
	}
	var problems []error
	var untaken []plog.Logs
	taken, lost := 0, 0
	for i, part := range e.divide(ctx, logs) {
		n := part.LogRecordCount()
		if n == 0 {
			continue
		}
		t := e.targets[i]
		if err := t.consume(ctx, part); err != nil {
			problems = append(problems, t.named(err))
			untaken = append(untaken, part)
			lost += n
			continue
		}
		taken++
	}
	if len(problems) == 0 {
		return nil
	}
	err := errors.Join(problems...)
	if taken > 0 {
		for _, part := range untaken {
			e.telemetry.lost(ctx, reasonQueue, part.LogRecordCount())
		}
		return consumererror.NewPermanent(fmt.Errorf("%d log records are lost, and must not be sent again, since other targets have taken theirs: %w", lost, err))
	}
	for _, part := range untaken {
		part.ResourceLogs().MoveAndAppendTo(logs.ResourceLogs())
	}
	return err
}
