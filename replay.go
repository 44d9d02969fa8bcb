// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs

import (
	"context"
	"errors"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/exporter/deadletter"
	"github.com/prefectlogs/prefectlogs/settings"
)

// Replay sends what is in a dead letter ([WithDeadLetter]) once more, to the server of the options or
// the settings, as far as it is for that. What stands on the server is not sent again: twice run or not, each
// record is stored once. Options of batch and provider are ignored. An error says why not all records were sent;
// those that were not stay.
func Replay(ctx context.Context, path string, opts ...Option) (deadletter.Result, error) {
	c := newConfig(opts)
	if c.settings == nil {
		loaded, err := settings.Load()
		if err != nil {
			return deadletter.Result{}, err
		}
		c.settings = &loaded
	}
	exp, err := exporter.New(ctx, append([]exporter.Option{
		exporter.WithSettings(*c.settings), exporter.WithErrorHandler(c.onError),
	}, c.exporter...)...)
	if err != nil {
		return deadletter.Result{}, err
	}
	result, err := exp.Replay(ctx, path)
	return result, errors.Join(err, exp.Shutdown(ctx))
}
