// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"context"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// Sender delivers what a [Batch] has collected. *exporter.Exporter is one.
type Sender interface {
	// Encoder returns the encoder that maps records.
	Encoder() *mapping.Encoder

	// Limits returns the limits of logs and requests, and Interval how long a
	// record waits at most: what holds where no option of NewBatch says otherwise.
	Limits() payload.Limits
	Interval() time.Duration

	// Send delivers a request and returns what became of each record. It goes on
	// trying until ctx ends; what is unsent then is given up. A value from hurry
	// asks it to try again now rather than wait. Batch makes one call at a
	// time. The bytes of the request are only valid until Send returns.
	Send(ctx context.Context, request payload.Request, hurry <-chan struct{}) payload.Outcome

	// Shutdown releases what the sender holds. Batch calls it once, behind the
	// last Send.
	Shutdown(ctx context.Context) error
}
