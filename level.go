// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs

import (
	"context"

	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/mapping"
)

// levelFilter passes on the records of a least level, in the numbers of Python's
// logging: PREFECT_LOGGING_LEVEL.
type levelFilter struct {
	sdklog.Processor

	least int
}

// Enabled lets bridges save the work of building a record that would not pass.
func (f *levelFilter) Enabled(ctx context.Context, param sdklog.EnabledParameters) bool {
	if param.Severity != otellog.SeverityUndefined && !f.passes(param.Severity, "") {
		return false
	}
	return f.Processor.Enabled(ctx, param)
}

func (f *levelFilter) OnEmit(ctx context.Context, record *sdklog.Record) error {
	if !f.passes(record.Severity(), record.SeverityText()) {
		return nil
	}
	return f.Processor.OnEmit(ctx, record)
}

func (f *levelFilter) passes(severity otellog.Severity, text string) bool {
	return mapping.LevelOf(int(severity), text) >= f.least
}
