// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// caller makes requests as a well-behaved client does, with the row's credentials.
type caller struct {
	url    string
	row    Row
	client *http.Client
	id     string // our name to the server's CSRF protection

	mu    sync.Mutex // guards token
	token string
}

// newCaller makes each request on a connection of its own, so that none is lost to a server that was killed,
// restarted, or closed an idle connection (it does after 5 s).
func newCaller(apiURL string, row Row) *caller {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Minute}
	return &caller{url: apiURL, row: row, client: client, id: rand.Text()}
}

// StatusError is an answer outside 2xx.
type StatusError struct {
	Method, Path string
	Status       int
	Body         string // its first kilobytes
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("servers: %s %s: status %d: %s", e.Method, e.Path, e.Status, e.Body)
}

// Call makes one request to the API, for setting a test up and looking at its outcome: path ("/flows/") is relative to
// [Server.APIURL], in (nil: no body) is sent as JSON, the answer is decoded into out (nil: discarded).
// Credentials and CSRF token are taken care of. An answer of 503 (SQLite was locked; nothing is stored) is asked for again
// for half a minute, as Prefect's own client does; an answer outside 2xx gives a [*StatusError].
func (s *Server) Call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("servers: encoding the body of %s %s: %w", method, path, err)
		}
	}
	var token string
	if s.row.CSRF && method != http.MethodGet {
		var err error
		if token, err = s.caller.csrfToken(ctx); err != nil {
			return err
		}
	}
	for delay := 100 * time.Millisecond; ; delay *= 2 {
		err := s.caller.do(ctx, method, path, token, body, out)
		status, ok := errors.AsType[*StatusError](err)
		if !ok || status.Status != http.StatusServiceUnavailable || delay > 15*time.Second {
			return err
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// csrfToken gives the one token of this client: asking again would make the first one invalid.
func (c *caller) csrfToken(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" {
		return c.token, nil
	}
	var answer struct {
		Token string `json:"token"`
	}
	if err := c.do(ctx, "GET", "/csrf-token?client="+c.id, "", nil, &answer); err != nil {
		return "", err
	}
	c.token = answer.Token
	return c.token, nil
}

func (c *caller) do(ctx context.Context, method, path, token string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("servers: %s %s: %w", method, path, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if name, password, ok := strings.Cut(c.row.AuthString, ":"); ok {
		req.SetBasicAuth(name, password)
	}
	if token != "" {
		req.Header.Set("Prefect-Csrf-Token", token)
		req.Header.Set("Prefect-Csrf-Client", c.id)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return fmt.Errorf("servers: reading the answer to %s %s: %w", method, path, err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return &StatusError{Method: method, Path: path, Status: resp.StatusCode, Body: tail(answer[:min(len(answer), 4000)])}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("servers: the answer to %s %s: %w", method, path, err)
	}
	return nil
}

// Log is a log record as the API gives it back.
type Log struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Level     int       `json:"level"`
	Message   string    `json:"message"`
	Timestamp time.Time `json:"timestamp"`
	FlowRunID *string   `json:"flow_run_id"`
	TaskRunID *string   `json:"task_run_id"`
}

// NewFlowRun makes a flow and a run of it that is running, and gives the run's id.
func (s *Server) NewFlowRun(ctx context.Context) (id string, err error) {
	var flow, flowRun struct {
		ID string `json:"id"`
	}
	if err := s.Call(ctx, "POST", "/flows/", map[string]any{"name": "prefectlogs-test"}, &flow); err != nil {
		return "", err
	}
	in := map[string]any{"flow_id": flow.ID, "state": map[string]any{"type": "RUNNING"}}
	if err := s.Call(ctx, "POST", "/flow_runs/", in, &flowRun); err != nil {
		return "", err
	}
	return flowRun.ID, nil
}

// NewTaskRun makes a task run in a flow run and gives its id. The key names the task, and must differ from
// those of the run's other tasks.
func (s *Server) NewTaskRun(ctx context.Context, flowRunID, key string) (id string, err error) {
	var taskRun struct {
		ID string `json:"id"`
	}
	in := map[string]any{"flow_run_id": flowRunID, "task_key": key, "dynamic_key": "0"}
	if err := s.Call(ctx, "POST", "/task_runs/", in, &taskRun); err != nil {
		return "", err
	}
	return taskRun.ID, nil
}

// Logs reads every log of a flow run, by time ascending, as its page shows them.
//
// A request goes on from the time of the last log, not from its place: a log that is stored meanwhile moves all behind it, and
// PostgreSQL puts logs of one time in another order each time it is asked.
func (s *Server) Logs(ctx context.Context, flowRunID string) ([]Log, error) {
	const most = 200 // per request; the server refuses more
	var all []Log
	known := map[string]bool{}
	filter := map[string]any{"flow_run_id": map[string]any{"any_": []string{flowRunID}}}
	for offset := 0; ; { // among the logs from the last time on
		var page []Log
		in := map[string]any{"logs": filter, "sort": "TIMESTAMP_ASC", "limit": most, "offset": offset}
		if err := s.Call(ctx, "POST", "/logs/filter", in, &page); err != nil {
			return nil, err
		}
		for _, log := range page {
			if !known[log.ID] {
				known[log.ID] = true
				all = append(all, log)
			}
		}
		if len(page) < most {
			return all, nil
		}
		if first, last := page[0].Timestamp, page[most-1].Timestamp; last.After(first) {
			filter["timestamp"], offset = map[string]any{"after_": last}, 0
		} else { // a whole page of one time
			offset += most
		}
	}
}
