// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/settings"
)

const loggerName = "shop.orders"

// prefect is the server, and the runs that are made on it.
type prefect struct {
	settings settings.Settings
	client   *prefecttest.Client
	close    func()
	inMemory bool

	flow  prefecttest.FlowRun
	tasks []prefecttest.TaskRun
}

// connect finds the server of the environment, or starts one in memory.
func connect() (*prefect, error) {
	p := &prefect{close: func() {}}
	options := []settings.Option{settings.WithoutFiles(), settings.WithValue("PREFECT_LOGGING_LEVEL", "DEBUG")}
	if os.Getenv("PREFECT_API_URL") == "" {
		server, err := prefecttest.Start(prefecttest.WithLoopback())
		if err != nil {
			return nil, err
		}
		p.close, p.inMemory = server.Close, true
		options = append(options, settings.WithValue("PREFECT_API_URL", server.URL()))
	}
	var err error
	if p.settings, err = settings.Load(options...); err != nil {
		p.close()
		return nil, err
	}
	p.client = &prefecttest.Client{URL: strings.TrimRight(p.settings.APIURL, "/"), Header: credentials(p.settings)}
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

// createRuns makes a flow run with two task runs.
func (p *prefect) createRuns(ctx context.Context) (err error) {
	if p.flow, err = p.client.CreateFlowRun(ctx, "quickstart", "order-4711"); err != nil {
		return err
	}
	for _, name := range []string{"charge", "ship"} {
		task, err := p.client.CreateTaskRun(ctx, p.flow.ID, name)
		if err != nil {
			return err
		}
		p.tasks = append(p.tasks, task)
	}
	return nil
}

// report prints what stands on the server, and fails unless it is what was said.
func (p *prefect) report(ctx context.Context, said []entry) error {
	logs, err := p.client.Logs(ctx, prefecttest.Filter{FlowRunID: p.flow.ID})
	if err != nil {
		return err
	}
	names := map[string]string{"": "flow " + p.flow.Name}
	for _, task := range p.tasks {
		names[task.ID] = "task " + task.Name
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TIME\tRUN\tLEVEL\tLOGGER\tMESSAGE")
	for _, log := range logs {
		first, rest, _ := strings.Cut(log.Message, "\n")
		if more := strings.Count(rest, "\n"); rest != "" {
			first += fmt.Sprintf(" (and %d more lines)", more+1)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", log.Timestamp.Format("15:04:05.000000"), names[log.TaskRunID], log.Level, log.Name, first)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	equal := countEqual(said, logs)
	fmt.Printf("\n%d records logged, %d stored, %d read back equal\n", len(said), len(logs), equal)
	if !p.inMemory {
		fmt.Println(p.page(ctx))
	}
	if equal != len(said) || equal != len(logs) {
		return fmt.Errorf("%d of %d records were not read back equal", max(len(said), len(logs))-equal, len(said))
	}
	return nil
}

// countEqual compares in order of time, which is the order of the page.
func countEqual(said []entry, logs []prefecttest.Log) (equal int) {
	for i, e := range said {
		want := prefecttest.Log{
			Name: loggerName, Level: e.prefectLevel, Message: cmp.Or(e.text, e.message), Timestamp: e.time.UTC(),
			FlowRunID: e.run.FlowRunID, TaskRunID: e.run.TaskRunID,
		}
		if i < len(logs) {
			want.ID = logs[i].ID // given by the server
			logs[i].Timestamp = logs[i].Timestamp.UTC().Round(0)
			want.Timestamp = want.Timestamp.Round(0)
			if logs[i] == want {
				equal++
			}
		}
	}
	return equal
}

// page returns the link of the run's page.
func (p *prefect) page(ctx context.Context) string {
	path := "/runs/flow-run/"
	if version, err := p.client.Version(ctx); err == nil && strings.HasPrefix(version, "2.") {
		path = "/flow-runs/flow-run/"
	}
	return strings.TrimSuffix(p.client.URL, "/api") + path + p.flow.ID
}
