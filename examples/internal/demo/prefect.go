// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"encoding/base64"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// prefect is the server, and the runs that are made on it.
type prefect struct {
	client   *prefecttest.Client
	close    func()
	inMemory bool

	logger string // by which the program logs
	flow   prefecttest.FlowRun
	tasks  []prefecttest.TaskRun
}

// connect finds the server that the environment or an option names, or starts one in memory, for a program with a logger of that name.
func connect(ctx context.Context, logger string, options ...settings.Option) (*prefect, error) {
	s, err := settings.Load(append(options, settings.WithoutFiles())...)
	if err != nil {
		return nil, err
	}
	p := &prefect{logger: logger, close: func() {}}
	if s.APIURL == "" {
		server, err := prefecttest.Start(prefecttest.WithLoopback())
		if err != nil {
			return nil, err
		}
		p.close, p.inMemory, s.APIURL = server.Close, true, server.URL()
	}
	// What is wrong with the address is better said before a run is made there.
	checked, err := exporter.New(ctx, exporter.WithSettings(s))
	if err == nil {
		err = checked.Shutdown(ctx)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	p.client = &prefecttest.Client{URL: strings.TrimRight(s.APIURL, "/"), Header: credentials(s)}
	return p, nil
}

func credentials(s settings.Settings) http.Header {
	header := make(http.Header)
	if s.APIAuthString.IsSet() {
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(s.APIAuthString.Reveal())))
	} else if s.APIKey.IsSet() {
		header.Set("Authorization", "Bearer "+s.APIKey.Reveal())
	}
	return header
}

// createRuns makes the flow run "orders" for a program, and task runs in it.
func (p *prefect) createRuns(ctx context.Context, program string, tasks ...string) (err error) {
	if p.flow, err = p.client.CreateFlowRun(ctx, program, "orders"); err != nil {
		return err
	}
	for _, name := range tasks {
		task, err := p.client.CreateTaskRun(ctx, p.flow.ID, name)
		if err != nil {
			return err
		}
		p.tasks = append(p.tasks, task)
	}
	return nil
}

// taskOf gives the id of the task run in which a record was logged: that of its order, "" for none.
func (p *prefect) taskOf(r record) string {
	for _, task := range p.tasks {
		if task.Name == "order-"+r.get("order") {
			return task.ID
		}
	}
	return ""
}

// place is for a program in the flow run. Its folder and its home is an empty one, so that no file of the user's counts.
func (p *prefect) place(home string) place {
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "PREFECT_PROFILE") || strings.HasPrefix(entry, run.TaskRunIDVariable+"=")
	})
	env = append(env, "PREFECT_HOME="+home, "PREFECT_LOGGING_LEVEL=DEBUG", "PREFECT_API_URL="+p.client.URL, run.FlowRunIDVariable+"="+p.flow.ID)
	return place{home, env}
}

// page returns the link of the flow run's page.
func (p *prefect) page(ctx context.Context) string {
	path := "/runs/flow-run/"
	if version, err := p.client.Version(ctx); err == nil && strings.HasPrefix(version, "2.") {
		path = "/flow-runs/flow-run/"
	}
	return strings.TrimSuffix(p.client.URL, "/api") + path + p.flow.ID
}
