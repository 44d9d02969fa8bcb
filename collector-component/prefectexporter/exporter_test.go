// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.yaml.in/yaml/v3"

	"github.com/prefectlogs/prefectlogs/collector-component/prefectexporter"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

const flowRun = "11111111-1111-4111-8111-111111111111"

// start makes an exporter by its factory and starts it. The test ends it.
func start(t *testing.T, config *prefectexporter.Config, set exporter.Settings, host component.Host) exporter.Logs {
	t.Helper()
	e, err := prefectexporter.NewFactory().CreateLogs(t.Context(), set, config)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	return e
}

func shutdown(t *testing.T, e exporter.Logs) {
	t.Helper()
	if err := e.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

func settings() exporter.Settings {
	set := exportertest.NewNopSettings(prefectexporter.Type)
	set.ID = component.NewID(prefectexporter.Type) // in place of one at random
	return set
}

func defaults(endpoint string) *prefectexporter.Config {
	c := prefectexporter.NewFactory().CreateDefaultConfig().(*prefectexporter.Config)
	c.ClientConfig.Endpoint = endpoint
	return c
}

// push makes a push of one record for each message, whose attribute "to" is what stands before a colon in it.
func push(messages ...string) plog.Logs {
	all := plog.NewLogs()
	resource := all.ResourceLogs().AppendEmpty()
	resource.Resource().Attributes().PutStr("flow_run_id", flowRun)
	records := resource.ScopeLogs().AppendEmpty().LogRecords()
	for i, message := range messages {
		record := records.AppendEmpty()
		record.Body().SetStr(message)
		record.SetTimestamp(pcommon.NewTimestampFromTime(time.Date(2026, 1, 2, 3, 4, i, 0, time.UTC)))
		if to, _, ok := strings.Cut(message, ":"); ok {
			record.Attributes().PutStr("to", to)
		}
	}
	return all
}

func messages(s *prefecttest.Server) []string {
	all := []string{}
	for _, log := range s.Logs() {
		message, _, _ := strings.Cut(log.Message, " to=")
		all = append(all, message)
	}
	return all
}

func TestLifecycle(t *testing.T) {
	server := prefecttest.NewServer(t, prefecttest.WithLoopback())
	targets := prefectexporter.NewFactory().CreateDefaultConfig().(*prefectexporter.Config)
	targets.Targets = map[string]prefectexporter.TargetConfig{"a": target(server.URL()), "b": target(server.URL())}
	targets.TargetAttribute, targets.DefaultTarget = "to", "a"
	for name, config := range map[string]*prefectexporter.Config{"one server": defaults(server.URL()), "targets": targets} {
		t.Run(name, func(t *testing.T) {
			e, err := prefectexporter.NewFactory().CreateLogs(t.Context(), settings(), config)
			if err != nil {
				t.Fatal(err)
			}
			shutdown(t, e) // before it has started

			e = start(t, config, settings(), componenttest.NewNopHost())
			if !e.Capabilities().MutatesData {
				t.Error("it does not say that it changes records")
			}
			if err := e.ConsumeLogs(t.Context(), push("x")); err != nil {
				t.Error(err)
			}
			shutdown(t, e)
			if got := messages(server); !slices.Equal(got, []string{"x"}) {
				t.Errorf("stored: %q", got)
			}
			server.Reset()
		})
	}
}

// target is a server among several.
func target(endpoint string) prefectexporter.TargetConfig {
	c := defaults(endpoint)
	return prefectexporter.TargetConfig{ClientConfig: c.ClientConfig}
}

func TestRecordsGoToTheTargetTheyName(t *testing.T) {
	red, blue := prefecttest.NewServer(t, prefecttest.WithLoopback()), prefecttest.NewServer(t, prefecttest.WithLoopback())
	tests := []struct {
		name      string
		otherwise string
		edit      func(plog.Logs)
		red, blue []string
		skipped   map[string]int
	}{
		{"each to its own, those that name none to the default one", "red", nil,
			[]string{"red:1", "none", "red:4"}, []string{"blue:2"}, map[string]int{"unknown_target": 1}},
		{"those that name none to nobody", "", nil, []string{"red:1", "red:4"}, []string{"blue:2"}, map[string]int{"unknown_target": 1, "no_target": 1}},
		{"by scope and resource", "", func(logs plog.Logs) {
			resource := logs.ResourceLogs().At(0)
			resource.Resource().Attributes().PutStr("to", "blue")
			scope := resource.ScopeLogs().AppendEmpty()
			scope.Scope().Attributes().PutStr("to", "red")
			scope.LogRecords().AppendEmpty().Body().SetStr("scope")
		}, []string{"red:1", "red:4", "scope"}, []string{"blue:2", "none"}, map[string]int{"unknown_target": 1}},
		{"a whole resource", "red", func(logs plog.Logs) {
			logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().RemoveIf(func(r plog.LogRecord) bool { return r.Body().Str() != "blue:2" })
		}, nil, []string{"blue:2"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			red.Reset()
			blue.Reset()
			telemetry := componenttest.NewTelemetry()
			defer func() {
				if err := telemetry.Shutdown(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			}()
			set := settings()
			set.TelemetrySettings = telemetry.NewTelemetrySettings()
			c := defaults("")
			c.Targets = map[string]prefectexporter.TargetConfig{"red": target(red.URL()), "blue": target(blue.URL())}
			c.TargetAttribute, c.DefaultTarget = "to", test.otherwise
			e := start(t, c, set, componenttest.NewNopHost())
			logs := push("red:1", "blue:2", "none", "green:3", "red:4")
			if test.edit != nil {
				test.edit(logs)
			}
			if err := e.ConsumeLogs(t.Context(), logs); err != nil {
				t.Error(err)
			}
			shutdown(t, e)
			for server, want := range map[*prefecttest.Server][]string{red: test.red, blue: test.blue} {
				if diff := cmp.Diff(append([]string{}, want...), messages(server)); diff != "" {
					t.Error(diff)
				}
			}
			for _, reason := range []string{"unknown_target", "no_target"} {
				if n := prefectexporter.Counted(t, telemetry, "skipped_log_records", reason); n != test.skipped[reason] {
					t.Errorf("%d are counted as %s", n, reason)
				}
			}
			if n := prefectexporter.Counted(t, telemetry, "stored_logs", "red"); n != len(test.red) {
				t.Errorf("%d are counted for the target", n)
			}
		})
	}
}

// A dead target has a queue of its own: the other one gets all, while the dead one holds what it can.
func TestADeadTargetHoldsUpNoOther(t *testing.T) {
	arrived := make(chan struct{}, 1000)
	alive := prefecttest.NewServer(t, prefecttest.WithLoopback(), prefecttest.WithHook(func(r *http.Request) *prefecttest.Fault {
		if r.URL.Path == "/api/logs/" {
			arrived <- struct{}{}
		}
		return nil
	}))
	dead := prefecttest.NewServer(t, prefecttest.WithLoopback())
	dead.FaultAlways(prefecttest.Hang())
	c := defaults("")
	c.Targets = map[string]prefectexporter.TargetConfig{"alive": target(alive.URL()), "dead": target(dead.URL())}
	c.TargetAttribute = "to"
	queue := exporterhelper.NewDefaultQueueConfig()
	queue.NumConsumers, queue.QueueSize = 1, 3
	c.QueueConfig = configoptional.Some(queue)
	e := start(t, c, settings(), componenttest.NewNopHost())
	var lost int
	for i := range 20 {
		err := e.ConsumeLogs(t.Context(), push(fmt.Sprintf("alive:%d", i), fmt.Sprintf("dead:%d", i)))
		if err != nil {
			lost++
			if !consumererror.IsPermanent(err) || !strings.Contains(err.Error(), "target dead: ") || strings.Contains(err.Error(), "target alive: ") {
				t.Errorf("%v", err)
			}
		}
		<-arrived // before the next one: the queue has room for the living
	}
	if lost < 10 || lost > 17 {
		t.Errorf("%d of 20 did not fit into a queue of 3", lost)
	}
	if err := e.ConsumeLogs(t.Context(), push("dead:x")); err == nil || consumererror.IsPermanent(err) {
		t.Errorf("nothing of a push was taken, and the error is %v", err)
	}
	dead.Close() // which ends what hangs
	shutdown(t, e)
	if n := len(messages(alive)); n != 20 {
		t.Errorf("%d are stored on the living server", n)
	}
}

// What a process left in its storage is looked for by the next one.
func TestWhatAnEarlierProcessLeftIsStoredOnce(t *testing.T) {
	server := prefecttest.NewServer(t, prefecttest.WithLoopback())
	storage := prefectexporter.NewMemory()
	c := defaults(server.URL())
	id := prefectexporter.MemoryID
	queue := exporterhelper.NewDefaultQueueConfig()
	queue.NumConsumers, queue.StorageID = 1, &id
	c.QueueConfig = configoptional.Some(queue)
	c.BatchRecords = 2
	c.RetryConfig.InitialInterval = time.Hour

	// The server stores the request and loses the answer, and cannot be asked.
	server.FaultAlways(prefecttest.Status(503).On("POST", "/logs/filter"))
	server.Fault(prefecttest.Delay(0), prefecttest.CutAfterCommit())
	set, waiting := observed()
	earlier := *c
	earlier.LookUp = prefectexporter.LookUpNever // it would look first, and it began a moment ago
	first := start(t, &earlier, set, storage.Host())
	timeless := push("0", "1", "2", "3", "4", "5") // they get the time of their coming, once
	for _, record := range timeless.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		record.SetTimestamp(0)
	}
	if err := first.ConsumeLogs(t.Context(), timeless); err != nil {
		t.Fatal(err)
	}
	<-waiting
	shutdown(t, first)
	if n := len(messages(server)); n != 4 {
		t.Errorf("the earlier process has stored %d", n)
	}
	server.ClearFaults()
	second := start(t, c, settings(), storage.Host())
	if err := second.ConsumeLogs(t.Context(), push("6")); err != nil {
		t.Fatal(err)
	}
	storage.Drained(t)
	shutdown(t, second)
	got := messages(server)
	slices.Sort(got)
	if diff := cmp.Diff([]string{"0", "1", "2", "3", "4", "5", "6"}, got); diff != "" {
		t.Error(diff)
	}
}

// observed returns settings with a logger, and what is closed when that logs that an exporter waits before it tries again.
func observed() (exporter.Settings, <-chan struct{}) {
	waiting := make(chan struct{})
	said := sync.OnceFunc(func() { close(waiting) })
	set := settings()
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.AddSync(io.Discard), zapcore.DebugLevel)
	set.Logger = zap.New(core, zap.Hooks(func(entry zapcore.Entry) error {
		if strings.Contains(entry.Message, "Will retry") {
			said()
		}
		return nil
	}))
	return set, waiting
}

func TestMetadataTellsTheMetrics(t *testing.T) {
	text, err := os.ReadFile("metadata.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var metadata struct {
		Attributes map[string]struct{ Enum []string }
		Telemetry  struct {
			Metrics map[string]struct {
				Description, Unit string
				Attributes        []string
			}
		}
	}
	if err := yaml.Unmarshal(text, &metadata); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for name, m := range metadata.Telemetry.Metrics {
		want["otelcol_"+name] = m.Description + " " + m.Unit
		if row := "| `otelcol_" + name + "` | " + m.Description; !strings.Contains(string(readme), row) {
			t.Errorf("README.md does not have %s", row)
		}
		for _, attribute := range m.Attributes {
			if len(metadata.Attributes[attribute].Enum) == 0 {
				t.Errorf("metadata.yaml does not tell the values of %s", attribute)
			}
		}
	}
	for name, attribute := range metadata.Attributes {
		var told []string
		for _, match := range regexp.MustCompile("`"+name+"`: (.*)").FindAllStringSubmatch(string(readme), -1) {
			for _, value := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(match[1], -1) {
				told = append(told, value[1])
			}
		}
		slices.Sort(told)
		slices.Sort(attribute.Enum)
		if diff := cmp.Diff(slices.Compact(told), attribute.Enum); diff != "" {
			t.Errorf("the values of %s (-README.md +metadata.yaml)\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(want, prefectexporter.Metrics(t)); diff != "" {
		t.Error(diff)
	}
}

// The Collector shuts down what did not start.
func TestAStartThatFailsCanBeShutDown(t *testing.T) {
	server := prefecttest.NewServer(t, prefecttest.WithLoopback())
	config := prefectexporter.NewFactory().CreateDefaultConfig().(*prefectexporter.Config)
	bad := target(server.URL())
	bad.ClientConfig.Endpoint = "https://127.0.0.1/api"
	bad.ClientConfig.TLS.CAFile = "no such file"
	config.Targets = map[string]prefectexporter.TargetConfig{"a": target(server.URL()), "b": bad, "c": target(server.URL())}
	e, err := prefectexporter.NewFactory().CreateLogs(t.Context(), settings(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), componenttest.NewNopHost()); err == nil {
		t.Error("it has started")
	}
	shutdown(t, e)
}
