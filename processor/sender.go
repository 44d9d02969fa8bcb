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

// Resumer is a [Sender] that can deliver what another process may have sent already, as
// [WithSpool] needs it. *exporter.Exporter is one.
type Resumer interface {
	Sender

	// Target names where Send sends to. Records in files are sent to no other target.
	Target() string

	// Resume delivers what is not stored yet of a request of which a process that ended
	// before since may have sent any part. It does not try again. The bytes of the request are
	// only valid until the bytes of the outcome are of no use any more.
	Resume(ctx context.Context, request payload.Request, since time.Time) payload.Outcome

	// Patience is how long after its sender has left a request may still be stored:
	// Resume waits for that.
	Patience() time.Duration
}
