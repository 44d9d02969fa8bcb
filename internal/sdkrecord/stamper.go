// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package sdkrecord

import (
	"context"
	"fmt"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/prefectlogs/prefectlogs/internal/diag"
	"github.com/prefectlogs/prefectlogs/internal/own"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

// The attributes beside the ids that stamps consist of.
const (
	flowRunNameKey    = "prefect.flow_run.name"
	flowNameKey       = "prefect.flow.name"
	deploymentNameKey = "prefect.deployment.name"
	taskRunNameKey    = "prefect.task_run.name"
	taskNameKey       = "prefect.task.name"
	sendToAPIKey      = "send_to_api"
)

// Stamper finds the attributes by which a record or a span names the run that it
// belongs to. It is safe for concurrent use.
type Stamper struct {
	reader         *Reader
	environment    run.Info
	environmentIDs run.IDs
}

// NewStamper returns a stamper for this process: its environment, read here, is the
// run of what names none. What it has to say goes to reporter.
func NewStamper(reporter *diag.Reporter) (*Stamper, error) {
	environment, err := run.FromEnvironment()
	if err != nil {
		reporter.Tell(err) // and it counts as absent, as an id on a record does
	}
	// Ids on records that are none are told of by the exporter that maps them in the end.
	encoder, err := mapping.NewEncoder(mapping.Config{Default: environment.IDs()})
	if err != nil {
		return nil, fmt.Errorf("sdkrecord: %w", err)
	}
	return &Stamper{NewReader(encoder, reporter), environment, environment.IDs()}, nil
}

// Record returns what a record lacks to name its run by itself: nothing, where its
// own attributes name a flow run or where no source does. A record of our own
// work is marked as none for Prefect.
func (s *Stamper) Record(ctx context.Context, record *sdklog.Record) []attribute.KeyValue {
	ctx = own.Given(ctx)
	if own.Is(ctx) {
		return []attribute.KeyValue{attribute.Bool(sendToAPIKey, false)}
	}
	e := s.reader.fill(ctx, record)
	defer s.reader.Release(e)
	return s.stamp(e)
}

// Span is Record for a span that starts: attributes and resource are its own, and
// ctx is its parent's.
func (s *Stamper) Span(ctx context.Context, attributes []attribute.KeyValue, res *resource.Resource) []attribute.KeyValue {
	e := s.reader.pool.Get().(*Encoded)
	defer s.reader.Release(e)
	e.entry.Reset()
	e.ctx = ctx
	e.entry.Context = s.reader.runOf(ctx)
	e.entry.Ambient = e.ambient
	e.entry.Resource = s.reader.resolveResource(res)
	for _, kv := range attributes {
		e.entry.Add(s.reader.encoder, kv)
	}
	return s.stamp(e)
}

// stamp returns what the entry lacks.
func (s *Stamper) stamp(e *Encoded) []attribute.KeyValue {
	named, all := s.reader.encoder.Run(&e.entry)
	if !named.Flow.IsZero() || all.Flow.IsZero() {
		return nil
	}
	stamp := make([]attribute.KeyValue, 0, 2)
	stamp = append(stamp, attribute.String(run.FlowRunIDKey, all.Flow.String()))
	if named.Task.IsZero() && !all.Task.IsZero() {
		stamp = append(stamp, attribute.String(run.TaskRunIDKey, all.Task.String()))
	}
	name := func(key attribute.Key, value string) {
		has := func(kv attribute.KeyValue) bool { return kv.Key == key }
		if value != "" && !slices.ContainsFunc(e.entry.Attributes, has) && !slices.ContainsFunc(stamp, has) {
			stamp = append(stamp, key.String(value))
		}
	}
	names := func(known run.Info, ids run.IDs) {
		if ids.Flow == all.Flow {
			name(flowRunNameKey, known.FlowRunName)
			name(flowNameKey, known.FlowName)
			name(deploymentNameKey, known.DeploymentName)
		}
		if ids.Task == all.Task && !all.Task.IsZero() {
			name(taskRunNameKey, known.TaskRunName)
			name(taskNameKey, known.TaskName)
		}
	}
	if known, ok := run.FromContext(e.ctx); ok {
		names(known, e.entry.Context)
	}
	names(s.environment, s.environmentIDs)
	return stamp
}
