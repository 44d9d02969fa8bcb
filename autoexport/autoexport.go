// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package autoexport

import (
	"context"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/exporter"
)

// Name is the value of OTEL_LOGS_EXPORTER.
const Name = "prefect"

func init() {
	// The registry is contrib's own and serves this alone. A second exporter of the name panics there, when the program starts.
	autoexport.RegisterLogExporter(Name, func(ctx context.Context) (sdklog.Exporter, error) { return exporter.New(ctx) })
}
