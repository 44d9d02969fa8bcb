// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
)

// errNoFlowRun: nothing answers to the id.
var errNoFlowRun = errors.New("the server knows no such flow run")

// errBrokenRuns: what came back to a question for flow runs is no list of them.
var errBrokenRuns = errors.New("the answer to a question for a flow run is no list of flow runs")

// FlowRunLabel returns the label of a flow run, "" where it has none of that name or
// where it is no text. Prefect has had labels since 3.1; without them the answer
// is "" as well. An error is an [*Error]; an id that the server does not know and an
// answer that cannot be read are ones of KindAccess.
func (c *Client) FlowRunLabel(ctx context.Context, flowRunID, name string) (string, error) {
	body, err := json.Marshal(map[string]any{
		"flow_runs": map[string]any{"id": map[string]any{"any_": []string{flowRunID}}},
		"limit":     1,
	})
	if err != nil {
		return "", &Error{Kind: KindRequest, Err: errBrokenRuns, host: c.api.Host, reading: "a flow run"}
	}
	var label string
	err = c.post(ctx, "/flow_runs/filter", jsonBody(body), func(answer io.Reader) error {
		var broken error
		label, broken = readLabel(answer, name)
		return broken
	})
	if failed, ok := errors.AsType[*Error](err); ok {
		failed.reading = "a flow run"
		failed.Ambiguous, failed.Ended = false, false // reading stores nothing
		if errors.Is(failed.Err, errBrokenRuns) || errors.Is(failed.Err, errNoFlowRun) {
			failed.Kind = KindAccess
		}
	}
	return label, err
}

// readLabel reads the label of the first flow run of a list.
func readLabel(answer io.Reader, name string) (string, error) {
	source := &source{from: io.LimitReader(answer, maxPage)}
	decoder, ok := enter(source, '[')
	var flowRun struct {
		Labels map[string]any `json:"labels"`
	}
	switch {
	case source.err != nil:
		return "", source.err
	case !ok:
		return "", errBrokenRuns
	case !decoder.More():
		if token, err := decoder.Token(); err == nil && token == json.Delim(']') {
			return "", errNoFlowRun
		}
		return "", errBrokenRuns
	}
	if decoder.Decode(&flowRun) != nil {
		if source.err != nil {
			return "", source.err
		}
		return "", errBrokenRuns
	}
	text, _ := flowRun.Labels[name].(string)
	return text, nil
}
