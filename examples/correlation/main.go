// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Correlation shows a service's lines on the pages of the task runs that called it, though the service has never heard of Prefect.
//
// A Python flow calls a Go service from two tasks at the same time. Both send spans and logs to a Collector with the processor
// prefectrun, which joins them. The program starts all of them, and a Prefect server where PREFECT_API_URL names none, and then
// shows what stands on the pages while the flow is still running:
//
//	python3 -m venv .venv && .venv/bin/pip install prefect opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
//	PYTHON=.venv/bin/python go run ./correlation
//
// OTELCOL names a Collector that is built already (make collector); without it the program builds one, which takes two minutes.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := show(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "correlation:", err)
		os.Exit(1)
	}
}

// patience is how long lines may take to stand on their pages.
const patience = time.Minute

func show(ctx context.Context) (err error) {
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
	service := filepath.Join(home, "service")
	if err := run(ctx, "go", "build", "-o", service, "./correlation/service"); err != nil {
		return err
	}

	listen, err := freeAddress()
	if err != nil {
		return err
	}
	all := &programs{env: append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+listen)}
	defer func() { err = errors.Join(err, all.stop()) }()
	api := os.Getenv("PREFECT_API_URL")
	if api == "" {
		api = "http://127.0.0.1:4242/api"
		all.env = append(all.env, "PREFECT_HOME="+home, "PREFECT_API_URL="+api)
		if err := all.serve(ctx, python, "-m", "prefect", "server", "start", "--port", "4242"); err != nil {
			return err
		}
	}
	prefect := prefect{api: api, key: os.Getenv("PREFECT_API_KEY"), auth: os.Getenv("PREFECT_API_AUTH_STRING")}
	if err := prefect.await(ctx, patience); err != nil {
		return err
	}
	if err := all.serve(ctx, collector, "--config", "../collector-component/samples/correlation.yaml",
		"--config", "yaml:receivers::otlp::protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: '"+listen+"'}}",
		"--config", "yaml:service::telemetry: {metrics: {level: none}, logs: {level: warn}}"); err != nil {
		return err
	}
	served, err := all.start(ctx, service)
	if err != nil {
		return err
	}
	address, err := served.line(ctx)
	if err != nil {
		return err
	}
	all.env = append(all.env, "SERVICE="+address)
	flow, err := all.start(ctx, python, "correlation/flow.py")
	if err != nil {
		return err
	}
	runs, err := flow.runs(ctx, 3)
	if err != nil {
		return err
	}
	const lines = 4 // two of each call
	logs, err := prefect.logs(ctx, runs.flow, lines, patience)
	if err != nil {
		return err
	}
	state, err := prefect.state(ctx, runs.flow)
	if err != nil {
		return err
	}
	fmt.Printf("flow run %s is %s, and on its pages stand\n", runs.flow, state)
	wrong := state != "RUNNING"
	for _, log := range logs {
		item := runs.tasks[log.TaskRunID]
		fmt.Printf("  of the task run for %-6s  %s  %s\n", item, log.Name, log.Message)
		wrong = wrong || item == "" || !strings.Contains(log.Message, item)
	}
	if err := errors.Join(flow.stdin.Close(), flow.wait()); err != nil {
		return err
	}
	if wrong {
		return errors.New("that is not as it should be")
	}
	return nil
}

// findPython gives a Python with what the flow needs.
func findPython(ctx context.Context) (string, error) {
	python := os.Getenv("PYTHON")
	if python == "" {
		python = "python3"
	}
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
	return "../collector-component/build/otelcol-prefect", run(ctx, "make", "-C", "..", "collector")
}

// freeAddress gives an address on which nobody listened a moment ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func run(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// programs are those that were started.
type programs struct {
	env     []string
	started []*program
}

// program is one of them.
type program struct {
	cmd    *exec.Cmd
	lines  *bufio.Scanner
	stdin  io.WriteCloser
	ended  bool
	waited error
}

// start starts a program whose lines are read. What it says for people goes to standard error.
func (p *programs) start(ctx context.Context, name string, args ...string) (*program, error) {
	started := p.command(ctx, name, args...)
	out, err := started.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if started.stdin, err = started.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	started.lines = bufio.NewScanner(out)
	return started, p.begin(started)
}

// serve starts a program of which nothing is read.
func (p *programs) serve(ctx context.Context, name string, args ...string) error {
	return p.begin(p.command(ctx, name, args...))
}

func (p *programs) command(ctx context.Context, name string, args ...string) *program {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stderr = slices.Clone(p.env), os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	return &program{cmd: cmd, lines: bufio.NewScanner(strings.NewReader(""))}
}

func (p *programs) begin(started *program) error {
	if err := started.cmd.Start(); err != nil {
		return err
	}
	p.started = append(p.started, started)
	return nil
}

// stop ends those that still run, the last one first.
func (p *programs) stop() error {
	var problems []error
	for _, program := range slices.Backward(p.started) {
		if program.ended {
			continue
		}
		if err := program.cmd.Process.Signal(os.Interrupt); err != nil {
			problems = append(problems, err)
		}
		_ = program.wait() // ended by a signal
	}
	return errors.Join(problems...)
}

func (p *program) wait() error {
	if !p.ended {
		for p.lines.Scan() { // so that it is not held up
		}
		p.waited, p.ended = p.cmd.Wait(), true
	}
	return p.waited
}

// line is the next line that the program prints.
func (p *program) line(ctx context.Context) (string, error) {
	if !p.lines.Scan() {
		return "", errors.Join(errors.New("a program ended before it said anything"), ctx.Err(), p.wait())
	}
	return p.lines.Text(), nil
}
