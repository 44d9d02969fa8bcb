// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"context"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
)

// observed is a client whose requests are counted.
type observed struct {
	*prefectapi.Client
	telemetry *telemetry
}

// PostLogs posts as the client does.
func (c observed) PostLogs(ctx context.Context, body prefectapi.Body) error {
	err := c.Client.PostLogs(ctx, body)
	c.telemetry.request(ctx, err)
	return err
}
