// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/distribution"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// sample gives the path of a configuration that users begin with.
func sample(t *testing.T, name string) string {
	return filepath.Join(componentFolder(t), "samples", name)
}

// filelogCollector is built as the repository's manifest says, the one of releases as users build it: between them
// both ways are tested.
func filelogCollector(t *testing.T) string {
	return built(t, "builder-config-filelog.yaml", distribution.Repository)
}

func TestEverySampleIsValidAndRunByATest(t *testing.T) {
	// Which test runs it, and the program it is for.
	samples := map[string]func(*testing.T) string{
		"otlp.yaml":        otelcol,          // TestEveryRecordReachesItsRun
		"storage.yaml":     otelcol,          // TestKilledDuringAnOutage
		"workspaces.yaml":  otelcol,          // TestSampleOfWorkspaces
		"filelog.yaml":     filelogCollector, // TestSampleOfContainerLogs
		"correlation.yaml": otelcol,          // TestAServicesLinesStandUnderTheTaskRunThatCalledIt
	}
	files, err := os.ReadDir(filepath.Join(componentFolder(t), "samples"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		program, ok := samples[file.Name()]
		if !ok {
			t.Errorf("no test runs the sample %s", file.Name())
			continue
		}
		cmd := exec.CommandContext(t.Context(), program(t), "validate", "--config", sample(t, file.Name()))
		cmd.Env = []string{
			"PREFECT_HOME=" + t.TempDir(), "PREFECT_API_URL=http://127.0.0.1:4200/api",
			"ANALYTICS_API_URL=http://127.0.0.1:4200/api", "BILLING_API_URL=http://127.0.0.1:4201/api",
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", file.Name(), err, out)
		}
	}
}

func TestBadConfigurationsAreRefusedAtStart(t *testing.T) {
	program := otelcol(t)
	tests := []struct{ name, keys, want string }{ // texts that it says, with a line break between
		{"an empty endpoint", "{}", "exporters::prefect: endpoint: is empty"},
		{"a bad URL", "{endpoint: nowhere}", "exporters::prefect: endpoint: prefectapi: the API URL"},
		{"an unknown key", "{endpoint: http://h/api, bacth_size: 1}", "'exporters' error reading configuration for \"prefect\"\ninvalid keys: bacth_size"},
		{"an unknown target", "{targets: {a: {endpoint: http://h/api}}, default_target: b}", "exporters::prefect: default_target: names \"b\""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := filepath.Join(t.TempDir(), "config.yaml")
			text := "receivers: {otlp: {protocols: {http: }}}\nexporters: {prefect: " + test.keys + "}\n" +
				"service: {pipelines: {logs: {receivers: [otlp], exporters: [prefect]}}}\n"
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), program, "--config", config).CombinedOutput()
			for want := range strings.SplitSeq(test.want, "\n") {
				if err == nil || !strings.Contains(string(out), want) {
					t.Errorf("%v\n%s\nwant %s", err, out, want)
				}
			}
		})
	}
}

func TestSampleOfWorkspaces(t *testing.T) {
	analytics, billing := serverstest.Get(t, servers.Prefect38SQLite), serverstest.Get(t, servers.Prefect220SQLite)
	c := run(t, otelcol(t), sample(t, "workspaces.yaml"), []string{"ANALYTICS_API_URL=" + analytics.APIURL(), "BILLING_API_URL=" + billing.APIURL()})
	flowA, taskA := newRun(t, analytics)
	flowB, taskB := newRun(t, billing)
	of := func(team, flow, task string) plog.Logs {
		logs := records(flow, task, 0, 200)
		logs.ResourceLogs().At(0).Resource().Attributes().PutStr("team", team)
		return logs
	}
	both := of("billing", flowB, taskB)
	of("analytics", flowA, taskA).ResourceLogs().MoveAndAppendTo(both.ResourceLogs())
	c.send(both)
	c.send(of("nobody", flowA, taskA)) // is for none of them
	awaitStored(t, analytics, c, flowA, 200)
	awaitStored(t, billing, c, flowB, 200)
	c.stop()
	wantOnce(t, analytics, flowA, taskA, 200)
	wantOnce(t, billing, flowB, taskB, 200)
	for flow, s := range map[string]*servers.Server{flowA: billing, flowB: analytics} {
		logs, err := s.Logs(t.Context(), flow)
		if err != nil {
			t.Fatal(err)
		}
		if len(logs) != 0 {
			t.Errorf("%d logs are stored on the other's server, the first is %+v", len(logs), logs[0])
		}
	}
}

func TestSampleOfContainerLogs(t *testing.T) {
	program := filelogCollector(t)
	s := serverstest.Get(t, servers.Prefect38SQLite)
	flow, _ := newRun(t, s)
	folder := filepath.Join(t.TempDir(), "default_pod_0123", "main")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for i := range 300 {
		fmt.Fprintf(&lines, "2026-01-02T03:04:05.%09dZ stdout F {\"message\":\"line %d\",\"flow_run_id\":\"%s\"}\n", i*1000, i, flow)
	}
	fmt.Fprintf(&lines, "2026-01-02T03:04:06.000000000Z stdout F no JSON, and of the default run\n")
	if err := os.WriteFile(filepath.Join(folder, "0.log"), []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c := run(t, program, sample(t, "filelog.yaml"), []string{
		"PREFECT_API_URL=" + s.APIURL(), "PREFECT__FLOW_RUN_ID=" + flow, "CONTAINER_LOGS=" + filepath.Join(folder, "*.log"),
	}, "extensions::file_storage::directory: "+t.TempDir())
	awaitStored(t, s, c, flow, 301)
	c.stop()
	logs, err := s.Logs(t.Context(), flow)
	if err != nil {
		t.Fatal(err)
	}
	if len(logs) != 301 || !strings.HasPrefix(logs[0].Message, "line 0") || !strings.HasPrefix(logs[300].Message, "no JSON") {
		t.Errorf("%d logs, from %+v to %+v", len(logs), logs[0], logs[len(logs)-1])
	}
}

// A wrong key is told in the log of the Collector, and not shown there.
func TestAWrongKeyIsTold(t *testing.T) {
	server, err := prefecttest.Start(prefecttest.WithLoopback(), prefecttest.WithAPIKey("right"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	c := run(t, otelcol(t), sample(t, "otlp.yaml"), []string{"PREFECT_API_URL=" + server.URL(), "PREFECT_API_KEY=wrong"})
	c.send(records("11111111-1111-4111-8111-111111111111", "", 0, 1))
	c.await("401 Unauthorized")
	if strings.Contains(c.said(), "wrong") {
		t.Errorf("the key is shown:\n%s", c.said())
	}
}
