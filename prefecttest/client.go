// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Client is a small client of the Prefect API, for tests and demos that make runs and read logs back. It works with a
// [Server] and with any real one, CSRF protection included. The fields must not change once it is in use; its methods
// may be called concurrently.
type Client struct {
	URL    string       // of the API, ".../api"
	HTTP   *http.Client // nil is http.DefaultClient
	Header http.Header  // sent with every request, such as Authorization

	mu    sync.Mutex // guards token
	token clientToken
}

// FlowRun is one run of a flow.
type FlowRun struct {
	ID     string         `json:"id"`
	Name   string         `json:"name"`
	FlowID string         `json:"flow_id"`
	Labels map[string]any `json:"labels"` // 3.x only
}

// TaskRun is one run of a task.
type TaskRun struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	FlowRunID string `json:"flow_run_id"`
}

// StatusError is an answer that is no success.
type StatusError struct {
	Method string
	Path   string
	Status int
	Body   string // the first 500 bytes of it
}

// Error tells request, status and what the server says, cut short.
func (e *StatusError) Error() string {
	return fmt.Sprintf("prefecttest: %s %s: status %d: %s", e.Method, e.Path, e.Status, e.Body)
}

// CreateFlowRun makes a run in state Running of the flow with that name, and the flow if there is none. An empty runName
// lets the server choose one.
func (c *Client) CreateFlowRun(ctx context.Context, flowName, runName string) (FlowRun, error) {
	var f, run FlowRun
	if err := c.Do(ctx, http.MethodPost, "/flows/", map[string]string{"name": flowName}, &f); err != nil {
		return run, err
	}
	in := map[string]any{"flow_id": f.ID, "state": map[string]string{"type": "RUNNING", "name": "Running"}}
	if runName != "" {
		in["name"] = runName
	}
	err := c.Do(ctx, http.MethodPost, "/flow_runs/", in, &run)
	return run, err
}

// CreateTaskRun makes a run of a task in a flow run.
func (c *Client) CreateTaskRun(ctx context.Context, flowRunID, taskName string) (TaskRun, error) {
	var run TaskRun
	err := c.Do(ctx, http.MethodPost, "/task_runs/", map[string]any{
		"flow_run_id": flowRunID, "name": taskName, "task_key": taskName, "dynamic_key": newID(),
		"state": map[string]string{"type": "RUNNING", "name": "Running"},
	}, &run)
	return run, err
}

// SetState moves a flow run to a state, by force: "COMPLETED" and "Completed".
func (c *Client) SetState(ctx context.Context, flowRunID, stateType, stateName string) error {
	return c.Do(ctx, http.MethodPost, "/flow_runs/"+flowRunID+"/set_state", map[string]any{
		"state": map[string]string{"type": stateType, "name": stateName}, "force": true,
	}, nil)
}

// Version returns the version of the server, "3.8.8".
func (c *Client) Version(ctx context.Context) (string, error) {
	var v string
	err := c.Do(ctx, http.MethodGet, "/admin/version", nil, &v)
	return v, err
}

// Filter says which logs to read. The zero value is all of them.
type Filter struct {
	FlowRunID string
	TaskRunID string
	MinLevel  *int      // inclusive
	MaxLevel  *int      // inclusive
	After     time.Time // inclusive
	Before    time.Time // inclusive
}

func (f Filter) body() map[string]any {
	logs, level, stamp := map[string]any{}, map[string]any{}, map[string]any{}
	if f.FlowRunID != "" {
		logs["flow_run_id"] = map[string]any{"any_": []string{f.FlowRunID}}
	}
	if f.TaskRunID != "" {
		logs["task_run_id"] = map[string]any{"any_": []string{f.TaskRunID}}
	}
	if f.MinLevel != nil {
		level["ge_"] = *f.MinLevel
	}
	if f.MaxLevel != nil {
		level["le_"] = *f.MaxLevel
	}
	if !f.After.IsZero() {
		stamp["after_"] = f.After.UTC().Format(time.RFC3339Nano)
	}
	if !f.Before.IsZero() {
		stamp["before_"] = f.Before.UTC().Format(time.RFC3339Nano)
	}
	if len(level) > 0 {
		logs["level"] = level
	}
	if len(stamp) > 0 {
		logs["timestamp"] = stamp
	}
	return logs
}

// Logs reads all logs that pass the filter, by time stamp; those of one time stamp are in the order the server gave.
//
// A request goes on from the time of the last log, not from its place: a log that is stored meanwhile moves all behind it.
func (c *Client) Logs(ctx context.Context, f Filter) ([]Log, error) {
	var logs []Log
	seen := map[string]bool{}
	add := func(page []Log) {
		for _, l := range page {
			if !seen[l.ID] {
				seen[l.ID] = true
				logs = append(logs, l)
			}
		}
	}
	for offset := 0; ; { // among the logs from f.After on
		page, err := c.page(ctx, f, offset, pageLimit)
		if err != nil {
			return nil, err
		}
		add(page)
		if len(page) < pageLimit {
			return logs, nil
		}
		first, last := page[0].Timestamp, page[pageLimit-1].Timestamp
		f.After, offset = last, 0
		if last.Equal(first) {
			if offset, err = c.tied(ctx, f, add); err != nil {
				return nil, err
			}
		}
	}
}

// readAttempts is how often tied reads everything anew when pages overlap.
const readAttempts = 10

// tied adds all logs of the time f.After, more than a page holds, and returns how many there are.
//
// The server sorts by nothing but the time, so on PostgreSQL such pages may overlap, and what one shows twice another
// leaves out. That shows by the ids: pages of other sizes are read until as many different logs came as there are.
func (c *Client) tied(ctx context.Context, f Filter, add func([]Log)) (int, error) {
	f.Before = f.After
	seen := map[string]bool{}
	for attempt := range readAttempts {
		limit, total := pageLimit-7*attempt, 0
		for more := true; more; {
			page, err := c.page(ctx, f, total, limit)
			if err != nil {
				return 0, err
			}
			for _, l := range page {
				seen[l.ID] = true
			}
			add(page)
			total += len(page)
			more = len(page) == limit
		}
		if len(seen) >= total {
			return total, nil
		}
	}
	return 0, fmt.Errorf("prefecttest: POST /logs/filter: pages overlapped %d times, %d different logs of one time read", readAttempts, len(seen))
}

// page reads at most limit logs, by time, behind the first offset ones.
func (c *Client) page(ctx context.Context, f Filter, offset, limit int) (page []Log, err error) {
	in := map[string]any{"logs": f.body(), "sort": "TIMESTAMP_ASC", "offset": offset, "limit": limit}
	err = c.Do(ctx, http.MethodPost, "/logs/filter", in, &page)
	for i := range page {
		page[i].Timestamp = page[i].Timestamp.UTC()
	}
	return page, err
}

// CountLogs counts the logs that pass the filter. Prefect has no request for that, so all of them are read.
func (c *Client) CountLogs(ctx context.Context, f Filter) (int, error) {
	logs, err := c.Logs(ctx, f)
	return len(logs), err
}

// Do sends in as JSON (nothing when nil, a [json.RawMessage] as it is) to a path below /api and decodes the answer into out
// (unless nil). Any status but 2xx is a [*StatusError]. A server that asks for a CSRF token gets one. One that answers 503, as
// where SQLite was locked, is asked again for half a minute, as by Prefect's own client.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	switch in := in.(type) {
	case nil:
	case json.RawMessage:
		body = in
	default:
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("prefecttest: %s %s: %w", method, path, err)
		}
	}
	for delay := 100 * time.Millisecond; ; delay *= 2 {
		err := c.do(ctx, method, path, body, out)
		if e, ok := errors.AsType[*StatusError](err); !ok || e.Status != http.StatusServiceUnavailable || delay > 15*time.Second {
			return err
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return fmt.Errorf("prefecttest: %s %s: %w", method, path, context.Cause(ctx))
		}
	}
}

// do is Do without patience. body is nil for none.
func (c *Client) do(ctx context.Context, method, path string, body []byte, out any) error {
	token := c.csrf()
	err := c.once(ctx, method, path, body, token, out)
	if e, ok := errors.AsType[*StatusError](err); ok && e.Status == http.StatusForbidden && strings.Contains(e.Body, "CSRF token") {
		if token, err = c.fetchCSRF(ctx); err == nil {
			err = c.once(ctx, method, path, body, token, out)
		}
	}
	return err
}

// clientToken is a CSRF token and the client it was given to.
type clientToken struct{ client, token string }

func (c *Client) csrf() clientToken {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token
}

// fetchCSRF gets a token under a client id of its own, so it takes nobody else's token away and needs no lock.
func (c *Client) fetchCSRF(ctx context.Context) (clientToken, error) {
	t := clientToken{client: newID()}
	var answer struct {
		Token string `json:"token"`
	}
	if err := c.once(ctx, http.MethodGet, "/csrf-token?client="+t.client, nil, clientToken{}, &answer); err != nil {
		return t, err
	}
	t.token = answer.Token
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = t
	return t, nil
}

func (c *Client) once(ctx context.Context, method, path string, body []byte, token clientToken, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("prefecttest: %s %s: %w", method, path, err)
	}
	maps.Copy(r.Header, c.Header)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token.token != "" {
		r.Header.Set("Prefect-Csrf-Token", token.token)
		r.Header.Set("Prefect-Csrf-Client", token.client)
	}
	if strings.HasSuffix(path, "/filter") { // reading: let net/http repeat it on a connection that was just dropped
		r.Header["Idempotency-Key"] = nil
	}
	answer, err := cmp.Or(c.HTTP, http.DefaultClient).Do(r)
	if err != nil {
		return fmt.Errorf("prefecttest: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		head, _ := io.ReadAll(io.LimitReader(answer.Body, 500)) // the status matters more
		return &StatusError{Method: method, Path: path, Status: answer.StatusCode, Body: string(head)}
	}
	if out == nil {
		_, err = io.Copy(io.Discard, answer.Body)
	} else {
		err = json.NewDecoder(answer.Body).Decode(out)
	}
	if err != nil {
		return fmt.Errorf("prefecttest: %s %s: reading the answer: %w", method, path, err)
	}
	return nil
}
