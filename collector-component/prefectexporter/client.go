// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
)

// watched is a client whose requests are counted, and of whose bodies it is known when nobody reads them any more.
type watched struct {
	*prefectapi.Client
	telemetry *telemetry
}

// PostLogs posts as the client does.
func (w watched) PostLogs(ctx context.Context, body prefectapi.Body) error {
	if open, ok := ctx.Value(bodiesKey{}).(*bodies); ok {
		body = watchedBody{body: body, open: open}
	}
	err := w.Client.PostLogs(ctx, body)
	w.telemetry.request(ctx, err)
	return err
}

// bodies counts the readers of one push that are open. The transport may go on reading behind the answer, and closes each reader
// when it does so no more; until then the bytes that it reads must not change.
type bodies struct{ open atomic.Int64 }

type bodiesKey struct{}

// watchedBody is a body whose readers are counted.
type watchedBody struct {
	body prefectapi.Body
	open *bodies
}

func (b watchedBody) Size() int    { return b.body.Size() }
func (b watchedBody) Records() int { return b.body.Records() }

func (b watchedBody) Body() io.ReadCloser {
	b.open.open.Add(1)
	return &watchedReader{ReadCloser: b.body.Body(), open: b.open}
}

type watchedReader struct {
	io.ReadCloser
	open   *bodies
	closed atomic.Bool
}

func (r *watchedReader) Close() error {
	if r.closed.CompareAndSwap(false, true) {
		defer r.open.open.Add(-1)
	}
	return r.ReadCloser.Close()
}
