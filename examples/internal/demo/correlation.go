// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/settings"
)

// serviceLogger is the logger of the example's service, and serviceLines are the lines of its two calls.
const (
	serviceLogger = "stock"
	serviceLines  = 4
)

// Correlation runs the example of that name, from the folder of the examples, and prints the lines of its service with the task runs
// they stand under. The error says what is missing here, or which line does not stand where it should while the flow is running.
func Correlation(ctx context.Context) (err error) {
	home, err := os.MkdirTemp("", "correlation-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	python, err := findPython(ctx)
	if err != nil {
		return err
	}
	collector, err := findCollector(ctx)
	if err != nil {
		return err
	}
	service := filepath.Join(home, "service.exe")
	if err := command(ctx, "go", "build", "-o", service, "./correlation/service"); err != nil {
		return err
	}
	otlp, err := freeAddress()
	if err != nil {
		return err
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}

	here := place{env: append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+otlp, "SERVICE=http://"+address)}
	var running []*program
	defer func() {
		for _, program := range slices.Backward(running) {
			err = errors.Join(err, program.stop())
		}
	}()
	begin := func(program *program, err error) error {
		if err == nil {
			running = append(running, program)
		}
		return err
	}
	var options []settings.Option
	if os.Getenv("PREFECT_API_URL") == "" {
		api := "http://127.0.0.1:4242/api"
		options = append(options, settings.WithValue("PREFECT_API_URL", api))
		here.env = append(here.env, "PREFECT_HOME="+home, "PREFECT_API_URL="+api)
		if err := begin(here.serve(ctx, python, "-m", "prefect", "server", "start", "--port", "4242")); err != nil {
			return err
		}
	}
	p, err := connect(ctx, serviceLogger, options...)
	if err != nil {
		return err
	}
	if err := again(ctx, func() error { return p.client.Do(ctx, http.MethodGet, "/health", nil, nil) }); err != nil {
		return err
	}
	if err := begin(here.serve(ctx, collector, "--config", "../collector-component/samples/correlation.yaml",
		"--config", "yaml:receivers::otlp::protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: '"+otlp+"'}}",
		"--config", "yaml:processors::prefectrun::max_wait: 5m", // a busy machine may be slow to tell of its runs and spans
		"--config", "yaml:service::telemetry: {metrics: {level: none}, logs: {level: warn}}")); err != nil {
		return err
	}
	if err := begin(here.serve(ctx, service, address)); err != nil {
		return err
	}
	flow, err := here.start(ctx, python, "correlation/flow.py")
	if err := begin(flow, err); err != nil {
		return err
	}
	runs, err := flow.runs()
	if err != nil {
		return err
	}
	wrong := p.showCalls(ctx, runs)
	return errors.Join(wrong, flow.stdin.Close(), flow.wait()) // its tasks end when its input does
}

// showCalls waits for the lines of the service, and prints with each the task run that it stands under.
func (p *prefect) showCalls(ctx context.Context, runs flowRuns) error {
	var logs []prefecttest.Log
	if err := again(ctx, func() error {
		all, err := p.client.Logs(ctx, prefecttest.Filter{FlowRunID: runs.flow})
		logs = slices.DeleteFunc(all, func(log prefecttest.Log) bool { return log.Name != p.logger })
		if err == nil && len(logs) < serviceLines {
			err = fmt.Errorf("only %d of %d lines of the service stand in the flow run", len(logs), serviceLines)
		}
		return err
	}); err != nil {
		return err
	}
	var flow struct {
		StateType string `json:"state_type"`
	}
	if err := p.client.Do(ctx, http.MethodGet, "/flow_runs/"+runs.flow, nil, &flow); err != nil {
		return err
	}
	fmt.Printf("flow run %s is %s, and on its pages stand\n", runs.flow, flow.StateType)
	wrong := flow.StateType != "RUNNING"
	for _, log := range logs {
		item := runs.tasks[log.TaskRunID]
		fmt.Printf("  of the task run for %-6s  %s  %s\n", item, log.Name, log.Message)
		wrong = wrong || item == "" || !strings.Contains(log.Message, item)
	}
	if wrong {
		return errors.New("that is not as it should be")
	}
	return nil
}

// flowRuns are the runs of which the flow has told.
type flowRuns struct {
	flow  string
	tasks map[string]string // what each was for
}

// runs reads the ids of the flow run and its two task runs from what the flow prints.
func (p *program) runs() (runs flowRuns, err error) {
	runs.tasks = map[string]string{}
	for runs.flow == "" || len(runs.tasks) < 2 {
		text, err := p.line()
		if err != nil {
			return runs, err
		}
		switch words := strings.Fields(text); {
		case len(words) == 2 && words[0] == "flow":
			runs.flow = words[1]
		case len(words) == 3 && words[0] == "task":
			runs.tasks[words[1]] = words[2]
		}
	}
	return runs, nil
}

// findPython gives a Python with what the flow needs.
func findPython(ctx context.Context) (string, error) {
	python := cmp.Or(os.Getenv("PYTHON"), "python3")
	if err := exec.CommandContext(ctx, python, "-c", "import prefect, opentelemetry.exporter.otlp.proto.http").Run(); err != nil {
		return "", fmt.Errorf("%s lacks Prefect or OpenTelemetry (%w): install prefect, opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http, or set PYTHON", python, err)
	}
	return python, nil
}

// findCollector gives a Collector with our components.
func findCollector(ctx context.Context) (string, error) {
	if named := os.Getenv("OTELCOL"); named != "" {
		return named, nil
	}
	fmt.Println("building a Collector")
	return "../collector-component/build/otelcol-prefect", command(ctx, "make", "-C", "..", "collector")
}

// freeAddress gives an address on which nobody listens, of a port below those that a system gives to whoever asks for any: nobody
// takes it until the program listens that is to.
func freeAddress() (string, error) {
	for attempt := 1; ; attempt++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.N(12_000)))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
		if attempt == 100 {
			return "", err
		}
	}
}

// again tries until it succeeds, or patience is at an end.
func again(ctx context.Context, try func() error) error {
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
