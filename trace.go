// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs

import (
	"context"

	"github.com/prefectlogs/prefectlogs/run"
)

// JoinTrace returns a context in the run of ctx and within the span of its flow run,
// for which Prefect is asked: see [run.JoinTrace], also for what the context is where
// there is an error. A pipeline that does nothing knows of no trace.
func (p *Pipeline) JoinTrace(ctx context.Context) (context.Context, error) {
	if p.exporter == nil {
		return run.JoinTrace(ctx, noTraces{})
	}
	return run.JoinTrace(ctx, p.exporter)
}

// noTraces knows of no flow run's trace.
type noTraces struct{}

func (noTraces) TraceParent(context.Context, run.ID) (string, error) { return "", nil }
