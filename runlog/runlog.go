// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/run"
)

// Loggers makes loggers of one provider. It is immutable and safe for
// concurrent use.
type Loggers struct {
	provider otellog.LoggerProvider
}

// New returns the loggers of a provider, such as that of a prefectlogs.Pipeline.
func New(provider otellog.LoggerProvider) Loggers { return Loggers{provider} }

// Logger returns a logger bound to the run in ctx: to the task run where there is
// one, else to the flow run. What it logs stands in that run whatever
// context a call is made with. Without a run in ctx the error is [run.ErrNoRun].
func (l Loggers) Logger(ctx context.Context, attrs ...slog.Attr) (*slog.Logger, error) {
	info, ok := run.FromContext(ctx)
	if !ok || info.IDs().Flow.IsZero() {
		return nil, run.ErrNoRun
	}
	name := "prefect.flow_runs"
	bound := []slog.Attr{slog.String("prefect.flow_run.id", info.FlowRunID)}
	if info.TaskRunID != "" {
		name = "prefect.task_runs"
		bound = append(bound, slog.String("prefect.task_run.id", info.TaskRunID))
	}
	handler := otelslog.NewHandler(name, otelslog.WithLoggerProvider(l.provider))
	return slog.New(handler.WithAttrs(append(bound, attrs...))), nil
}
