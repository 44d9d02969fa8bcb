// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Command loadtest sends a million records through the built Collector, to the exporter "prefect" and to otlp_http beside it, and tells
// what that costs the Collector's process, a line for each run in the form that benchstat reads:
//
//	go run ./internal/loadtest [-records 1000000] [-rounds 3]
//
// Both get the same load, in pushes of 1,000 records (message of 200 bytes, 6 attributes of which 2 are run ids, trace context), over the same
// receiver, and answer to a null server in this process. The rows take turns. "make bench-collector" makes a table of the lines.
package main

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/distribution"
	"github.com/prefectlogs/prefectlogs/collector-component/internal/otlpsender"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// exporters are the rows: what stands below the exporters, and how a record is counted in a body.
var exporters = []struct{ name, config, mark string }{
	{"otlp_http, protobuf", "otlp_http: {endpoint: %q, compression: none, encoding: proto, QUEUE}", ""},
	{"otlp_http, JSON", "otlp_http: {endpoint: %q, compression: none, encoding: json, QUEUE}", "\"severityNumber\":"},
	{"prefect", "prefect: {endpoint: %q, QUEUE}", "\"level\":"},
	{"prefect, 1000 records a request", "prefect: {endpoint: %q, batch_records: 1000, QUEUE}", "\"level\":"},
}

// cost is what a run took.
type cost struct {
	cpu    time.Duration
	memory int64 // at its peak, in bytes
	wall   time.Duration
	bytes  int64
}

const perPush = 1000

func run() error {
	records := flag.Int("records", 1_000_000, "records of a run")
	rounds := flag.Int("rounds", 3, "runs of each row")
	program := flag.String("collector", "", "the program; built if empty")
	flag.Parse()
	if *program == "" {
		component, err := filepath.Abs(".")
		if err != nil {
			return err
		}
		if *program, err = distribution.Build(context.Background(), component, "builder-config.yaml", distribution.Repository); err != nil {
			return err
		}
	}
	push, err := plogotlp.NewExportRequestFromLogs(corpus()).MarshalProto()
	if err != nil {
		return err
	}
	for round := range *rounds {
		for i := range exporters { // each round another one begins
			e := exporters[(i+round)%len(exporters)]
			c, err := measure(*program, e.config, e.mark, push, *records)
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			fmt.Println(line(e.name, c, *records))
		}
	}
	return nil
}

// line is a result as `go test -bench` prints one.
func line(name string, c cost, records int) string {
	name = strings.NewReplacer(" ", "_", ",", "").Replace(name)
	n := float64(records)
	return fmt.Sprintf("BenchmarkCollector/%s %d %.0f ns/op %.3f cpu-s/million %d peak-MiB %.0f records/s %.0f wire-B/record",
		name, records, float64(c.wall.Nanoseconds())/n, c.cpu.Seconds()/n*1e6, c.memory>>20, n/c.wall.Seconds(), float64(c.bytes)/n)
}

// corpus is one push.
func corpus() plog.Logs {
	all := plog.NewLogs()
	resource := all.ResourceLogs().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "load")
	scope := resource.ScopeLogs().AppendEmpty()
	scope.Scope().SetName("load")
	now := time.Now()
	for i := range perPush {
		r := scope.LogRecords().AppendEmpty()
		r.SetTimestamp(pcommon.NewTimestampFromTime(now.Add(time.Duration(i) * time.Microsecond)))
		r.SetObservedTimestamp(r.Timestamp())
		r.SetSeverityNumber(plog.SeverityNumberInfo)
		r.SetSeverityText("INFO")
		r.Body().SetStr(fmt.Sprintf("%-200s", fmt.Sprintf("processed item %d of the batch", i)))
		r.Attributes().PutStr("flow_run_id", "11111111-1111-4111-8111-111111111111")
		r.Attributes().PutStr("task_run_id", "22222222-2222-4222-8222-222222222222")
		r.Attributes().PutStr("http.method", "GET")
		r.Attributes().PutInt("http.status", 200)
		r.Attributes().PutStr("user", "somebody")
		r.Attributes().PutDouble("seconds", 0.25)
		r.SetTraceID([16]byte{1, 2, 3})
		r.SetSpanID([8]byte{4, 5})
	}
	return all
}

// measure runs a Collector until it has sent all records.
func measure(program, exporter, mark string, push []byte, records int) (cost, error) {
	var got, size atomic.Int64
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return cost{}, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		size.Add(int64(len(body)))
		got.Add(int64(count(body, mark)))
		if mark == "\"level\":" {
			w.WriteHeader(http.StatusCreated)
		}
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) }) // its error is that it was closed
	defer serving.Wait()
	defer server.Close()

	listen, err := free()
	if err != nil {
		return cost{}, err
	}
	endpoint := fmt.Sprintf(exporter, "http://"+l.Addr().String()+"/api")
	endpoint = strings.Replace(endpoint, "QUEUE", "sending_queue: {num_consumers: 1, block_on_overflow: true, queue_size: 100}", 1)
	name, _, _ := strings.Cut(endpoint, ":")
	config := "receivers: {otlp: {protocols: {http: {endpoint: " + listen + "}}}}\nexporters: {" + endpoint + "}\n" +
		"service: {telemetry: {metrics: {level: none}, logs: {level: warn}}, pipelines: {logs: {receivers: [otlp], exporters: [" + name + "]}}}\n"
	cmd := exec.Command(program, "--config", "yaml:"+config)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return cost{}, err
	}
	defer func() { _ = cmd.Process.Kill() }() // it has mostly ended
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	if err := ready(listen); err != nil {
		return cost{}, err
	}
	began := time.Now()
	if err := load(client, "http://"+listen, push, records/perPush); err != nil {
		return cost{}, err
	}
	client.CloseIdleConnections()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return cost{}, err
	}
	if err := cmd.Wait(); err != nil {
		return cost{}, err
	}
	wall := time.Since(began)
	if n := int(got.Load()); n != records/perPush*perPush {
		return cost{}, fmt.Errorf("%d of %d records have come", n, records)
	}
	return cost{cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), memory: peakMemory(cmd.ProcessState), wall: wall, bytes: size.Load()}, nil
}

// count tells how many records a body carries.
func count(body []byte, mark string) int {
	if mark != "" {
		return bytes.Count(body, []byte(mark))
	}
	request := plogotlp.NewExportRequest()
	if request.UnmarshalProto(body) != nil {
		return 0
	}
	return request.Logs().LogRecordCount()
}

// load sends the pushes over four connections.
func load(client *http.Client, address string, push []byte, n int) error {
	var left atomic.Int64
	left.Store(int64(n))
	var work sync.WaitGroup
	problems := make([]error, 4)
	for i := range problems {
		work.Go(func() {
			for left.Add(-1) >= 0 && problems[i] == nil {
				problems[i] = otlpsender.Post(context.Background(), client, address, push)
			}
		})
	}
	work.Wait()
	return cmp.Or(problems...)
}

func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// ready waits until somebody listens.
func ready(address string) error {
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			return connection.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the Collector does not listen: %w", err)
		}
	}
}
