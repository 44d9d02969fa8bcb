// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/runlog"
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

// setup returns a pipeline to an in-memory server, with settings of its own.
func setup(t *testing.T, server *prefecttest.Server, told *said, values ...string) *prefectlogs.Pipeline {
	t.Helper()
	pipeline, err := prefectlogs.Setup(t.Context(),
		prefectlogs.WithSettings(isolated(t, append(values, "PREFECT_API_URL="+server.URL())...)),
		prefectlogs.WithExporter(exporter.WithTransport(server.Transport())),
		prefectlogs.WithErrorHandler(told.handle))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = pipeline.Shutdown(ctx) // what the test left is of no interest
	})
	return pipeline
}

func TestSetupWithoutAServerDoesNothingAndSaysSo(t *testing.T) {
	for name, tt := range map[string]struct {
		values []string
		want   string
	}{
		"no URL":   {nil, "PREFECT_API_URL is not set"},
		"disabled": {[]string{"PREFECT_API_URL=http://127.0.0.1:1/api", "PREFECT_LOGGING_TO_API_ENABLED=false"}, "PREFECT_LOGGING_TO_API_ENABLED is false"},
	} {
		t.Run(name, func(t *testing.T) {
			told := new(said)
			pipeline, err := prefectlogs.Setup(t.Context(), prefectlogs.WithSettings(isolated(t, tt.values...)), prefectlogs.WithErrorHandler(told.handle))
			if err != nil {
				t.Fatal(err)
			}
			logger := pipeline.Logger("test")
			logger.Error("into nothing")
			if logger.Enabled(t.Context(), slog.LevelError) {
				t.Error("a logger that sends nothing is enabled")
			}
			if err := errors.Join(pipeline.ForceFlush(t.Context()), pipeline.Shutdown(t.Context()), pipeline.Shutdown(t.Context())); err != nil {
				t.Error(err)
			}
			if all := told.all(); len(all) != 1 || !strings.Contains(all[0], tt.want) {
				t.Errorf("told %q", all)
			}
			if pipeline.Stats() != (processor.Stats{}) {
				t.Errorf("stats %v", pipeline.Stats())
			}
		})
	}
}

func TestAKeyThatGoesElsewhereIsToldOnceAndByCheckToo(t *testing.T) {
	told := new(said)
	opts := []prefectlogs.Option{
		prefectlogs.WithSettings(isolated(t, "PREFECT_API_URL=https://api.prefect.cloud/api", "PREFECT_API_KEY=k")),
		prefectlogs.WithEndpoint("http://prefect.test/api"), prefectlogs.WithErrorHandler(told.handle),
		prefectlogs.WithExporter(exporter.WithTransport(prefecttest.NewServer(t).Transport())),
	}
	pipeline, err := prefectlogs.Setup(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer pipeline.Shutdown(t.Context())
	report, _ := prefectlogs.Check(t.Context(), opts...) // that the server refuses it is not the question
	settings := report.Steps[0]
	for _, want := range []string{"another source than the URL it is sent to (option)", "plain http to another machine"} {
		if n := strings.Count(strings.Join(told.all(), "\n"), want); n != 1 {
			t.Errorf("told %d times %q: %q", n, want, told.all())
		}
		if settings.Status != prefectlogs.StatusWarn || !strings.Contains(settings.Found, want) {
			t.Errorf("step %s does not say %q: %+v", settings.Name, want, settings)
		}
	}
}

func TestFlushSendsWithoutWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		pipeline, err := prefectlogs.Setup(t.Context(), prefectlogs.WithSettings(isolated(t, "PREFECT_API_URL="+server.URL())),
			prefectlogs.WithExporter(exporter.WithTransport(server.Transport()), exporter.WithDefaultRun(run.Info{FlowRunID: flowA})))
		if err != nil {
			t.Fatal(err)
		}
		defer pipeline.Shutdown(t.Context())
		pipeline.Logger("test").Info("now")
		pipeline.Flush()
		synctest.Wait()
		if n := len(server.Logs()); n != 1 {
			t.Errorf("%d logs are stored", n)
		}
	})
}

func TestSetupHonoursTheSwitchOfOpenTelemetry(t *testing.T) {
	t.Setenv("OTEL_SDK_DISABLED", "True")
	told := new(said)
	pipeline, err := prefectlogs.Setup(t.Context(), prefectlogs.WithSettings(isolated(t, "PREFECT_API_URL=http://127.0.0.1:1/api")), prefectlogs.WithErrorHandler(told.handle))
	if err != nil {
		t.Fatal(err)
	}
	if pipeline.Logger("test").Enabled(t.Context(), slog.LevelError) {
		t.Error("the logger is enabled")
	}
	if all := told.all(); len(all) != 1 || !strings.Contains(all[0], "OTEL_SDK_DISABLED") {
		t.Errorf("told %q", all)
	}
}

func TestSetupWithoutARunTakesTheRunOfEachRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, told := prefecttest.NewServer(t), new(said)
		pipeline := setup(t, server, told)
		logger := pipeline.Logger("test")
		logger.Info("no run")
		logger.InfoContext(run.NewContext(t.Context(), run.Info{FlowRunID: flowA}), "flow run")
		if err := pipeline.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if logs := server.Logs(); len(logs) != 1 || logs[0].FlowRunID != flowA || logs[0].Message != "flow run" {
			t.Errorf("stored %+v", logs)
		}
		if all := told.all(); len(all) != 1 || !strings.Contains(all[0], "belongs to no run") {
			t.Errorf("told %q", all)
		}
	})
}

func TestSetupInsideARunNeedsNoConfiguration(t *testing.T) {
	t.Setenv("PREFECT__FLOW_RUN_ID", strings.ReplaceAll(flowA, "-", "")) // as Prefect 2 hands it out
	t.Setenv("PREFECT__TASK_RUN_ID", taskA)
	synctest.Test(t, func(t *testing.T) {
		server, told := prefecttest.NewServer(t), new(said)
		pipeline := setup(t, server, told)
		pipeline.Logger("test").Info("hello", "n", 1)
		if err := pipeline.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		logs := server.Logs()
		if len(logs) != 1 || logs[0].FlowRunID != flowA || logs[0].TaskRunID != taskA || logs[0].Name != "test" || logs[0].Message != "hello n=1" {
			t.Errorf("stored %+v", logs)
		}
		if all := told.all(); len(all) != 0 {
			t.Errorf("told %q", all)
		}
	})
}

func TestOnlySetupFiltersByLevel(t *testing.T) {
	for level, want := range map[string][]string{
		"":         {"info", "warn", "error"},
		"DEBUG":    {"debug", "info", "warn", "error"},
		"WARNING":  {"warn", "error"},
		"CRITICAL": nil,
	} {
		t.Run(level, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := prefecttest.NewServer(t)
				var values []string
				if level != "" {
					values = append(values, "PREFECT_LOGGING_LEVEL="+level)
				}
				pipeline := setup(t, server, new(said), values...)
				logger := pipeline.Logger("test")
				ctx := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
				for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
					text := strings.ToLower(l.String())
					if enabled := logger.Enabled(ctx, l); enabled != slices.Contains(want, text) {
						t.Errorf("%v enabled: %v", l, enabled)
					}
					// Past the bridge, which asks Enabled first.
					var record otellog.Record
					record.SetSeverity(otellog.Severity(l + 9))
					record.SetBody(attribute.StringValue(text))
					pipeline.LoggerProvider().Logger("test").Emit(ctx, record)
				}
				if err := pipeline.ForceFlush(t.Context()); err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, log := range server.Logs() {
					got = append(got, log.Message)
				}
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("stored %q, want %q", got, want)
				}
			})
		})
	}
}

func TestRunLoggersKeepTheirRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		pipeline := setup(t, server, new(said))
		loggers := runlog.New(pipeline.LoggerProvider())
		if _, err := loggers.Logger(t.Context()); !errors.Is(err, run.ErrNoRun) {
			t.Errorf("outside a run: %v", err)
		}
		flow := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
		task := run.NewContext(flow, run.Info{TaskRunID: taskA})
		for _, ctx := range []context.Context{flow, task} {
			logger, err := loggers.Logger(ctx, slog.String("k", "v"))
			if err != nil {
				t.Fatal(err)
			}
			logger.InfoContext(run.NewContext(context.Background(), run.Info{FlowRunID: flowB}), "hello")
		}
		if err := pipeline.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		logs := server.Logs()
		if len(logs) != 2 {
			t.Fatalf("%d records stored", len(logs))
		}
		for i, want := range []prefecttest.Log{{Name: "prefect.flow_runs"}, {Name: "prefect.task_runs", TaskRunID: taskA}} {
			if logs[i].Name != want.Name || logs[i].FlowRunID != flowA || logs[i].TaskRunID != want.TaskRunID || logs[i].Message != "hello k=v" {
				t.Errorf("stored %+v", logs[i])
			}
		}
	})
}

// Queue, spool and dead letter are bounded by defaults for logs of the default size. Longer ones, which Prefect's own
// settings allow, must neither be an error nor find no room.
func TestSetupMakesRoomForTheLogsThatPrefectAllows(t *testing.T) {
	server, told := prefecttest.NewServer(t), new(said)
	letters := filepath.Join(t.TempDir(), "dead")
	pipeline, err := prefectlogs.Setup(t.Context(),
		prefectlogs.WithSettings(isolated(t, "PREFECT_API_URL="+server.URL(), "PREFECT__FLOW_RUN_ID="+flowA,
			"PREFECT_LOGGING_TO_API_MAX_LOG_SIZE=40000000", "PREFECT_LOGGING_TO_API_BATCH_SIZE=50000000")),
		prefectlogs.WithExporter(exporter.WithTransport(server.Transport()), exporter.WithDefaultRun(run.Info{FlowRunID: flowA})),
		prefectlogs.WithSpool(t.TempDir()),
		prefectlogs.WithDeadLetter(letters),
		prefectlogs.WithErrorHandler(told.handle))
	if err != nil {
		t.Fatal(err)
	}
	const size = 10_000_000
	server.Fault(prefecttest.Refuse(0))
	for range 2 {
		pipeline.Logger("test").Info(strings.Repeat("x", size))
		if err := pipeline.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := pipeline.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := pipeline.Stats(); s.Refused != 1 || s.Stored != 2 { // the other one, and the notice of the loss
		t.Errorf("stats %v", s)
	}
	if info, err := os.Stat(letters); err != nil || info.Size() < size {
		t.Errorf("the refused record is not in the dead letter: %v, %v, said %q", info, err, told.all())
	}
}

func TestSetupReturnsAllProblems(t *testing.T) {
	_, err := prefectlogs.Setup(t.Context(), prefectlogs.WithSettings(isolated(t)), prefectlogs.WithEndpoint("nowhere"))
	if err == nil || !strings.Contains(err.Error(), "not absolute") {
		t.Errorf("error %v", err)
	}
	_, err = prefectlogs.Setup(t.Context(), prefectlogs.WithSettings(isolated(t, "PREFECT_API_URL=http://localhost/api")), prefectlogs.WithBatch(processor.WithQueueSize(1)))
	if err == nil || !strings.Contains(err.Error(), "queue size of 1 bytes") {
		t.Errorf("error %v", err)
	}
}

func TestShutdownOfThePipelineIsBoundedByItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		server.FaultAlways(prefecttest.Hang())
		pipeline := setup(t, server, new(said))
		pipeline.Logger("test").ErrorContext(run.NewContext(t.Context(), run.Info{FlowRunID: flowA}), "x")
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		if err := pipeline.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 log records not delivered") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("shutdown took %v", took)
		}
	})
}

// As with defer pipeline.Shutdown(context.Background()), which throws the error away.
func TestAShutdownWithoutADeadlineEndsThoughTheKeyIsWrongAndTellsWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, told := prefecttest.NewServer(t), new(said)
		server.FaultAlways(prefecttest.Status(401))
		pipeline := setup(t, server, told)
		pipeline.Logger("test").InfoContext(run.NewContext(t.Context(), run.Info{FlowRunID: flowA}), "x")
		start := time.Now()
		err := pipeline.Shutdown(context.Background())
		if took := time.Since(start); err == nil || took != 30*time.Second {
			t.Fatalf("after %v: %v", took, err)
		}
		if all := told.all(); !strings.Contains(err.Error(), "1 log records not delivered") || all[len(all)-1] != err.Error() {
			t.Errorf("told %q, returned %v", all, err)
		}
	})
}

func TestRecoverLogsAPanicAndPanicsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		pipeline := setup(t, server, new(said))
		ctx := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})
		func() {
			defer func() {
				if value := recover(); value != "boom" {
					t.Errorf("panicked again with %v", value)
				}
			}()
			defer pipeline.Recover(ctx)
			panic("boom")
		}()
		logs := server.Logs()
		if len(logs) != 1 || logs[0].Level != 50 || logs[0].FlowRunID != flowA || !strings.HasPrefix(logs[0].Message, "panic: boom") || !strings.Contains(logs[0].Message, "setup_test.go") {
			t.Errorf("stored %+v", logs)
		}
		func() {
			defer pipeline.Recover(ctx) // nothing to recover
		}()
		if got := len(server.Logs()); got != 1 {
			t.Errorf("%d records stored", got)
		}
	})
}

// seen counts the records that a processor of the user's own sees.
type seen struct {
	records atomic.Int64
	shut    atomic.Bool
}

func (s *seen) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (s *seen) OnEmit(context.Context, *sdklog.Record) error           { s.records.Add(1); return nil }
func (s *seen) ForceFlush(context.Context) error                       { return nil }
func (s *seen) Shutdown(context.Context) error                         { s.shut.Store(true); return nil }

func TestAFurtherProcessorSeesEveryRecordAndIsShutDown(t *testing.T) {
	server, other := prefecttest.NewServer(t), new(seen)
	pipeline, err := prefectlogs.Setup(t.Context(),
		prefectlogs.WithSettings(isolated(t, "PREFECT_API_URL="+server.URL())),
		prefectlogs.WithExporter(exporter.WithTransport(server.Transport()), exporter.WithDefaultRun(run.Info{FlowRunID: flowA})),
		prefectlogs.WithProvider(sdklog.WithProcessor(other)))
	if err != nil {
		t.Fatal(err)
	}
	logger := pipeline.Logger("test")
	logger.Info("to both")
	logger.Debug("below the level of logging.yml") // the other processor has no level
	if err := pipeline.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(server.Logs()); n != 1 || other.records.Load() != 2 || !other.shut.Load() {
		t.Errorf("%d records stored, %d seen by the further processor; it is shut down: %v", n, other.records.Load(), other.shut.Load())
	}
}

// redacting is a processor of the user's own that hides what a record says.
type redacting struct{ seen }

func (*redacting) OnEmit(_ context.Context, record *sdklog.Record) error {
	record.SetBody(attribute.StringValue("hidden"))
	return nil
}

func TestWhatAFurtherProcessorHidesIsNeitherSentNorWritten(t *testing.T) {
	for name, values := range map[string][]string{"sent": nil, "written alone": {"PREFECT_LOGGING_TO_API_ENABLED=false"}} {
		t.Run(name, func(t *testing.T) {
			server := prefecttest.NewServer(t)
			var console strings.Builder
			pipeline, err := prefectlogs.Setup(t.Context(),
				prefectlogs.WithSettings(isolated(t, append(values, "PREFECT_API_URL="+server.URL())...)),
				prefectlogs.WithErrorHandler(func(error) {}), prefectlogs.WithConsole(&console),
				prefectlogs.WithExporter(exporter.WithTransport(server.Transport()), exporter.WithDefaultRun(run.Info{FlowRunID: flowA})),
				prefectlogs.WithProvider(sdklog.WithProcessor(new(redacting))))
			if err != nil {
				t.Fatal(err)
			}
			pipeline.Logger("test").Info("4111 1111")
			if err := pipeline.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			for _, l := range server.Logs() {
				if l.Message != "hidden" {
					t.Errorf("stored %q", l.Message)
				}
			}
			if strings.Contains(console.String(), "4111") {
				t.Errorf("written %q", console.String())
			}
		})
	}
}

func TestTheRunMayStandInTheResource(t *testing.T) {
	server := prefecttest.NewServer(t)
	pipeline, err := prefectlogs.Setup(t.Context(),
		prefectlogs.WithSettings(isolated(t, "PREFECT_API_URL="+server.URL())),
		prefectlogs.WithExporter(exporter.WithTransport(server.Transport())),
		prefectlogs.WithResource(resource.NewSchemaless(attribute.String("prefect.flow_run.id", flowB))))
	if err != nil {
		t.Fatal(err)
	}
	pipeline.Logger("test").Info("of the resource's run")
	if err := pipeline.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if logs := server.Logs(); len(logs) != 1 || logs[0].FlowRunID != flowB {
		t.Errorf("stored: %+v", logs)
	}
}
