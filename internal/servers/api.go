// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// newClient makes each request on a connection of its own, so that none is lost to a server that was killed,
// restarted, or closed an idle connection (it does after 5 s).
func newClient(apiURL string, row Row) *prefecttest.Client {
	c := &prefecttest.Client{
		URL:  apiURL,
		HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Minute},
	}
	if row.AuthString != "" {
		c.Header = http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(row.AuthString))}}
	}
	return c
}

// API is a client of the server, with the row's credentials, for setting a test up and looking at its outcome.
func (s *Server) API() *prefecttest.Client { return s.api }

// NewFlowRun makes a flow and a run of it that is running, and gives the run's id.
func (s *Server) NewFlowRun(ctx context.Context) (id string, err error) {
	flowRun, err := s.api.CreateFlowRun(ctx, "prefectlogs-test", "")
	return flowRun.ID, err
}

// NewTaskRun makes a task run in a flow run and gives its id. The key names the task.
func (s *Server) NewTaskRun(ctx context.Context, flowRunID, key string) (id string, err error) {
	taskRun, err := s.api.CreateTaskRun(ctx, flowRunID, key)
	return taskRun.ID, err
}

// Logs reads every log of a flow run, by time ascending, as its page shows them.
func (s *Server) Logs(ctx context.Context, flowRunID string) ([]prefecttest.Log, error) {
	return s.api.Logs(ctx, prefecttest.Filter{FlowRunID: flowRunID})
}
