// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package otlpsender

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

// Send encodes logs and sends them; see [Post].
func Send(ctx context.Context, client *http.Client, address string, logs plog.Logs) error {
	push, err := plogotlp.NewExportRequestFromLogs(logs).MarshalProto()
	if err != nil {
		return fmt.Errorf("otlpsender: %w", err)
	}
	return Post(ctx, client, address, push)
}

// Post sends an export request in protobuf to the receiver at an address, such as "http://127.0.0.1:4318". It returns nil if the Collector
// answers 200, so that it has taken the push, and else an error with what it answers.
func Post(ctx context.Context, client *http.Client, address string, push []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/v1/logs", bytes.NewReader(push))
	if err != nil {
		return fmt.Errorf("otlpsender: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("otlpsender: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("otlpsender: reading the answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("otlpsender: the Collector answers %s: %s", response.Status, answer)
	}
	return nil
}
