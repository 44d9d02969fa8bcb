// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// prefect is Prefect's API.
type prefect struct {
	api, key, auth string
}

// logLine is a log as a run's page shows it.
type logLine struct {
	Name      string `json:"name"`
	Message   string `json:"message"`
	TaskRunID string `json:"task_run_id"`
}

// seen are the runs of which the flow has told.
type seen struct {
	flow  string
	tasks map[string]string // what each was for
}

// runs reads the ids of runs from what the flow prints.
func (p *program) runs(ctx context.Context, n int) (seen, error) {
	runs := seen{tasks: map[string]string{}}
	for n > 0 {
		text, err := p.line(ctx)
		if err != nil {
			return runs, err
		}
		switch words := strings.Fields(text); {
		case len(words) == 2 && words[0] == "flow":
			runs.flow = words[1]
			n--
		case len(words) == 3 && words[0] == "task":
			runs.tasks[words[1]] = words[2]
			n--
		}
	}
	return runs, nil
}

func (p prefect) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, p.api+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if p.key != "" {
		request.Header.Set("Authorization", "Bearer "+p.key)
	}
	if name, password, ok := strings.Cut(p.auth, ":"); ok {
		request.SetBasicAuth(name, password)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(out)
}

// await waits until the API answers.
func (p prefect) await(ctx context.Context, patience time.Duration) error {
	return again(ctx, patience, func() error {
		var ok bool
		return p.call(ctx, "GET", "/health", nil, &ok)
	})
}

// logs waits for that many logs of the service in a flow run.
func (p prefect) logs(ctx context.Context, flowRunID string, n int, patience time.Duration) (logs []logLine, err error) {
	filter := map[string]any{"sort": "TIMESTAMP_ASC", "logs": map[string]any{"flow_run_id": map[string]any{"any_": []string{flowRunID}}}}
	err = again(ctx, patience, func() error {
		var all []logLine
		if err := p.call(ctx, "POST", "/logs/filter", filter, &all); err != nil {
			return err
		}
		logs = logs[:0]
		for _, log := range all {
			if log.Name == "stock" {
				logs = append(logs, log)
			}
		}
		if len(logs) < n {
			return fmt.Errorf("only %d of %d lines of the service stand in the flow run", len(logs), n)
		}
		return nil
	})
	return logs, err
}

// state is the state of a flow run.
func (p prefect) state(ctx context.Context, flowRunID string) (string, error) {
	var run struct {
		StateType string `json:"state_type"`
	}
	err := p.call(ctx, "GET", "/flow_runs/"+flowRunID, nil, &run)
	return run.StateType, err
}

// again tries until it succeeds, or patience is at an end.
func again(ctx context.Context, patience time.Duration, try func() error) error {
	end := time.Now().Add(patience)
	for {
		err := try()
		if err == nil || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}
