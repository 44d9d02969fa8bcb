// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package exporter_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/log/logtest"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

const (
	flowA = "11111111-2222-3333-4444-555555555555"
	flowB = "99999999-2222-3333-4444-555555555555"
	taskA = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
)

// said collects what is handed to an error handler.
type said struct {
	mu    sync.Mutex
	texts []string
}

func (s *said) handle(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts = append(s.texts, err.Error())
}

func (s *said) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.texts)
}

// isolated are settings that know nothing but the values given.
func isolated(t *testing.T, values ...string) settings.Settings {
	t.Helper()
	s, err := settings.Load(settings.WithEnvironment(values), settings.WithoutFiles())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newExporter(t *testing.T, server *prefecttest.Server, opts ...exporter.Option) (*exporter.Exporter, *said) {
	t.Helper()
	told := new(said)
	exp, err := exporter.New(t.Context(), append([]exporter.Option{
		exporter.WithSettings(isolated(t)), exporter.WithEndpoint(server.URL()), exporter.WithTransport(server.Transport()),
		exporter.WithDefaultRun(run.Info{}), exporter.WithErrorHandler(told.handle),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = exp.Shutdown(context.Background()) }) // a test of shutdown has done it already
	return exp, told
}

// records returns n records of run A.
func records(n int) []sdklog.Record {
	out := make([]sdklog.Record, n)
	for i := range out {
		out[i] = logtest.RecordFactory{
			Timestamp: time.Now(), Severity: otellog.SeverityInfo, Body: attribute.StringValue(fmt.Sprint("record ", i)),
			Attributes: []attribute.KeyValue{attribute.String("prefect.flow_run.id", flowA)}, InstrumentationScope: &instrumentation.Scope{Name: "scope"},
		}.NewRecord()
	}
	return out
}

func TestExportPacksRecordsIntoRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		exp, _ := newExporter(t, server, exporter.WithBatchRecords(100))
		if err := exp.Export(t.Context(), records(250)); err != nil {
			t.Fatal(err)
		}
		logs := server.Logs()
		if len(logs) != 250 || len(server.Requests()) != 3 {
			t.Fatalf("%d records in %d requests", len(logs), len(server.Requests()))
		}
		for i, log := range logs {
			if log.Message != fmt.Sprint("record ", i) || log.Name != "scope" || log.Level != 20 || log.FlowRunID != flowA {
				t.Fatalf("record %d: %+v", i, log)
			}
			if i > 0 && !log.Timestamp.After(logs[i-1].Timestamp) {
				t.Fatalf("record %d has the stamp of the one before", i)
			}
		}
	})
}

func TestRunsOfRecordsUnderTheProcessorsOfTheSDK(t *testing.T) {
	for name, newProcessor := range map[string]func(sdklog.Exporter) sdklog.Processor{
		"simple": func(e sdklog.Exporter) sdklog.Processor { return sdklog.NewSimpleProcessor(e) },
		"batch":  func(e sdklog.Exporter) sdklog.Processor { return sdklog.NewBatchProcessor(e) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := prefecttest.NewServer(t)
				exp, _ := newExporter(t, server, exporter.WithDefaultRun(run.Info{FlowRunID: flowB}))
				provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(newProcessor(exp)),
					sdklog.WithResource(resource.NewSchemaless(attribute.String("prefect.task_run.id", taskA))))
				var record otellog.Record
				record.SetBody(attribute.StringValue("of the record"))
				record.AddAttributes(attribute.String("flow_run_id", flowA))
				provider.Logger("plain").Emit(t.Context(), record)
				record = otellog.Record{}
				record.SetBody(attribute.StringValue("of the scope"))
				provider.Logger("scoped", otellog.WithInstrumentationAttributes(attribute.String("prefect.flow_run_id", flowA))).Emit(t.Context(), record)
				record.SetBody(attribute.StringValue("of the environment"))
				provider.Logger("plain").Emit(t.Context(), record)
				if err := provider.Shutdown(t.Context()); err != nil {
					t.Fatal(err)
				}
				got := map[string]string{}
				for _, log := range server.Logs() {
					got[log.Message] = log.FlowRunID + "/" + log.TaskRunID
				}
				want := map[string]string{"of the record": flowA + "/", "of the scope": flowA + "/", "of the environment": flowB + "/" + taskA}
				for message, run := range want {
					if got[message] != run {
						t.Errorf("%s: %q, want %q", message, got[message], run)
					}
				}
			})
		})
	}
}

func TestExportSaysWhatWasNotDelivered(t *testing.T) {
	tests := map[string]struct {
		fault prefecttest.Fault
		after time.Duration // Export returns
		want  []string
	}{
		"server down":  {prefecttest.Status(503), 0, []string{"3 log records were not delivered", "503"}},
		"no answer":    {prefecttest.Hang(), 5 * time.Second, []string{"3 log records were not delivered", "context deadline exceeded"}},
		"wrong key":    {prefecttest.Status(401), 0, []string{"3 log records were not delivered", "check PREFECT_API_KEY"}},
		"bad records":  {prefecttest.Refuse(0), 0, []string{"3 log records were refused (invalid)"}},
		"cut off":      {prefecttest.CutBefore(), 0, []string{"3 log records were not delivered"}},
		"wrong server": {prefecttest.Status(404), 0, []string{"check PREFECT_API_URL"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := prefecttest.NewServer(t)
				server.FaultAlways(tt.fault)
				exp, _ := newExporter(t, server)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				start := time.Now()
				err := exp.Export(ctx, records(3))
				if err == nil {
					t.Fatal("no error")
				}
				for _, want := range tt.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("error %q does not say %q", err, want)
					}
				}
				if took := time.Since(start); took > 5*time.Second || tt.after > 0 && took != tt.after {
					t.Errorf("Export took %v", took)
				}
			})
		})
	}
}

func TestExportWithoutADeadlineGivesUpAfterTenSecondsAndTellsTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		server.FaultAlways(prefecttest.Hang())
		exp, told := newExporter(t, server, exporter.WithBatchRecords(1))
		start := time.Now()
		if err := exp.Export(context.Background(), records(4)); err != nil {
			t.Errorf("error %v", err)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("Export took %v", took)
		}
		if all := told.all(); len(all) != 1 || !strings.Contains(all[0], "4 log records were not delivered: posting logs to prefect.test: given up after 10s") {
			t.Errorf("told %q", all)
		}
	})
}

func TestAnExporterThatWaitedInVainDoesNotWaitForEveryRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		server.FaultAlways(prefecttest.Hang())
		exp, _ := newExporter(t, server)
		export := func(want time.Duration) {
			t.Helper()
			start := time.Now()
			if err := exp.Export(context.Background(), records(1)); err != nil {
				t.Errorf("error %v", err)
			}
			if took := time.Since(start); took != want {
				t.Errorf("Export took %v, want %v", took, want)
			}
		}
		export(10 * time.Second)
		export(0)
		without := logtest.RecordFactory{}.NewRecord() // of no run, so the server is not asked
		if err := exp.Export(context.Background(), []sdklog.Record{without}); err != nil {
			t.Errorf("error %v", err)
		}
		export(0)
		time.Sleep(10*time.Second - 1)
		export(0)
		time.Sleep(1)
		export(10 * time.Second)
		server.ClearFaults()
		time.Sleep(10 * time.Second)
		export(0)
		if got := len(server.Logs()); got != 1 {
			t.Errorf("%d records stored", got)
		}
	})
}

func TestExportTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		busy := prefecttest.Status(503).Body(`{"exception_message":"Service Unavailable"}`) // of Prefect, not of a proxy
		server.Fault(busy, prefecttest.Status(429).RetryAfter("2"), prefecttest.CutBefore())
		exp, told := newExporter(t, server)
		if err := exp.Export(context.Background(), records(3)); err != nil {
			t.Fatal(err)
		}
		if got := len(server.Logs()); got != 3 {
			t.Errorf("%d records stored", got)
		}
		if all := told.all(); len(all) == 0 || all[len(all)-1] != "logs are delivered again" {
			t.Errorf("told %q", all)
		}
	})
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		server.FaultAlways(prefecttest.Hang())
		exp, _ := newExporter(t, server)
		exported := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			exported <- exp.Export(ctx, records(1))
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		shutdown := make(chan error)
		go func() { shutdown <- exp.Shutdown(ctx) }()
		if err := <-exported; !errors.Is(err, sdklog.ErrExporterShutdown) {
			t.Errorf("the export under way ended with %v", err)
		}
		if err := <-shutdown; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown ended with %v", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("shutdown took %v", took)
		}
		if err := exp.Export(t.Context(), records(1)); !errors.Is(err, sdklog.ErrExporterShutdown) {
			t.Errorf("export after shutdown: %v", err)
		}
		if err := errors.Join(exp.Shutdown(t.Context()), exp.ForceFlush(t.Context())); err != nil {
			t.Errorf("later calls: %v", err)
		}
	})
}

func TestBadConfigurationIsToldAllAtOnce(t *testing.T) {
	t.Setenv("PREFECT__FLOW_RUN_ID", "not-a-uuid")
	_, err := exporter.New(t.Context(), exporter.WithSettings(isolated(t)), exporter.WithEndpoint(""), exporter.WithMaxLogSize(1), exporter.WithBatchSize(1),
		exporter.WithBatchRecords(5000), exporter.WithMissingRun("explode"), exporter.WithRequestTimeout(-1))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"the endpoint is empty", "max log size is 1 bytes", "batch size is 1 bytes", "5000 records", `"explode"`, "timeout is -1ns", "PREFECT__FLOW_RUN_ID"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %q:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "not-a-uuid") {
		t.Errorf("the error repeats the value: %v", err)
	}
	for _, bad := range []run.Info{{FlowRunID: "x"}, {FlowRunID: flowA, TaskRunID: "x"}} {
		if _, err := exporter.New(t.Context(), exporter.WithSettings(isolated(t)), exporter.WithEndpoint("http://localhost/api"), exporter.WithDefaultRun(bad)); err == nil {
			t.Errorf("default run %+v is taken", bad)
		}
	}
}

func TestAddressesThatCannotBe(t *testing.T) {
	for _, url := range []string{"", "localhost:4200/api", "/api", "ftp://localhost/api", "http://", "http://user:s3cret@/api", "http://[::1/api", "http://localhost/api?x=1"} {
		_, err := exporter.New(t.Context(), exporter.WithSettings(isolated(t, "PREFECT_API_URL="+url)), exporter.WithDefaultRun(run.Info{}))
		if err == nil {
			t.Errorf("%q is taken", url)
		} else if strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "PREFECT_API_URL") && !strings.Contains(err.Error(), "API URL") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestDisabledSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		exp, told := newExporter(t, server, exporter.WithSettings(isolated(t, "PREFECT_LOGGING_TO_API_ENABLED=false")))
		if err := exp.Export(t.Context(), records(3)); err != nil {
			t.Fatal(err)
		}
		if len(server.Requests()) != 0 || len(told.all()) != 0 {
			t.Errorf("%d requests, told %q", len(server.Requests()), told.all())
		}
	})
}

func TestCredentialsOfOptionsAndSettings(t *testing.T) {
	tests := map[string]struct {
		settings []string
		opts     []exporter.Option
		want     string
	}{
		"none":                        {nil, nil, ""},
		"key":                         {[]string{"PREFECT_API_KEY=k1"}, nil, "Bearer k1"},
		"auth string wins over key":   {[]string{"PREFECT_API_KEY=k1", "PREFECT_API_AUTH_STRING=a:b"}, nil, "Basic YTpi"},
		"option wins over settings":   {[]string{"PREFECT_API_AUTH_STRING=a:b"}, []exporter.Option{exporter.WithAPIKey("k2")}, "Bearer k2"},
		"auth string as an option":    {nil, []exporter.Option{exporter.WithAuthString("a:b")}, "Basic YTpi"},
		"both as options, as Prefect": {nil, []exporter.Option{exporter.WithAPIKey("k"), exporter.WithAuthString("a:b")}, "Basic YTpi"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := prefecttest.NewServer(t)
				exp, _ := newExporter(t, server, append([]exporter.Option{exporter.WithSettings(isolated(t, tt.settings...))}, tt.opts...)...)
				if err := exp.Export(t.Context(), records(1)); err != nil {
					t.Fatal(err)
				}
				if got := server.Requests()[0].Header.Get("Authorization"); got != tt.want {
					t.Errorf("Authorization %q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestRecordsWithoutARunAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		exp, told := newExporter(t, server, exporter.WithMissingRun(mapping.WarnMissingRun))
		lost := make([]sdklog.Record, 2)
		for i := range lost {
			lost[i] = logtest.RecordFactory{InstrumentationScope: &instrumentation.Scope{Name: "lonely"}}.NewRecord()
		}
		if err := exp.Export(t.Context(), append(lost, records(1)...)); err != nil {
			t.Fatal(err)
		}
		if len(server.Logs()) != 1 {
			t.Errorf("%d records stored", len(server.Logs()))
		}
		if all := told.all(); len(all) != 1 || !strings.Contains(all[0], `"lonely"`) {
			t.Errorf("told %q", all)
		}
	})
}

func TestARecordOfAnEndedContextCostsNoOtherRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		exp, told := newExporter(t, server)
		logger := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(exp))).Logger("test")
		ctx := run.NewContext(context.Background(), run.Info{FlowRunID: flowA})
		log := func(ctx context.Context) {
			var record otellog.Record
			record.SetTimestamp(time.Now())
			record.SetSeverity(otellog.SeverityInfo)
			logger.Emit(ctx, record)
			time.Sleep(time.Second)
		}
		log(ctx)
		ended, cancel := context.WithCancel(ctx)
		cancel()
		log(ended) // as where a request was given up by its client
		for range 8 {
			log(ctx)
		}
		if n := len(server.Logs()); n < 9 {
			t.Errorf("%d records are stored of 10; told %q", n, told.all())
		}
	})
}
