// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/prefectlogs/prefectlogs/collector-component/prefectrunprocessor"
)

// read reads the configuration of a processor as the Collector does.
func read(yaml string) (*prefectrunprocessor.Config, error) {
	config := prefectrunprocessor.NewFactory().CreateDefaultConfig().(*prefectrunprocessor.Config)
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(yaml))
	if err != nil {
		return nil, err
	}
	conf, err := retrieved.AsConf()
	if err != nil {
		return nil, err
	}
	if err := conf.Unmarshal(config); err != nil {
		return nil, err
	}
	return config, confmap.Validate(config)
}

// sample is the configuration in README.md that has every key.
func sample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	for _, block := range blocks {
		if yaml, ok := strings.CutPrefix(block[1], "# every key\n"); ok {
			return yaml
		}
	}
	t.Fatal("README.md has no sample that begins with \"# every key\"")
	return ""
}

func TestEveryKeyOfTheSampleReachesTheConfiguration(t *testing.T) {
	config, err := read(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	defaults := prefectrunprocessor.NewFactory().CreateDefaultConfig().(*prefectrunprocessor.Config)
	same := func(where string, got, unset any) {
		t.Helper()
		g, u := reflect.ValueOf(got), reflect.ValueOf(unset)
		for i := range g.NumField() {
			field := g.Type().Field(i)
			if field.Name != "ClientConfig" && field.Name != "Watch" && field.Name != "FromEnvironment" && field.Name != "AuthString" &&
				reflect.DeepEqual(g.Field(i).Interface(), u.Field(i).Interface()) {
				t.Errorf("%s%s is as without the sample", where, field.Name)
			}
		}
	}
	same("", *config, *defaults)
	watch := config.Watch.Get()
	same("watch::", *watch, *defaults.Watch.GetOrInsertDefault())
	if watch.ClientConfig.Endpoint != "https://prefect.example/api" || watch.ClientConfig.Timeout != 7*time.Second {
		t.Errorf("watch::endpoint is %q, watch::timeout is %v", watch.ClientConfig.Endpoint, watch.ClientConfig.Timeout)
	}
}

// What the README says of defaults holds.
func TestTheReadmeTellsTheDefaults(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	c := prefectrunprocessor.NewFactory().CreateDefaultConfig().(*prefectrunprocessor.Config)
	w := c.Watch.GetOrInsertDefault()
	for key, value := range map[string]any{
		"max_wait": c.MaxWait, "max_wait_bytes": c.MaxWaitBytes, "max_trace_bytes": c.MaxTraceBytes, "trace_expiry": "10m",
		"watch::interval": w.Interval, "watch::max_runs": w.MaxRuns, "watch::timeout": w.ClientConfig.Timeout,
	} {
		if row := fmt.Sprintf("| `%s` | %v |", key, value); !strings.Contains(string(text), row) {
			t.Errorf("README.md has no row %q", row)
		}
	}
	if c.TraceExpiry != 10*time.Minute {
		t.Errorf("trace_expiry is %v", c.TraceExpiry)
	}
}

func TestTheReadmeTellsEveryKey(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := func(of reflect.Type, below string) {
		for field := range of.Fields() {
			if key, _, _ := strings.Cut(field.Tag.Get("mapstructure"), ","); key != "" && !strings.Contains(string(text), "| `"+below+key+"` |") {
				t.Errorf("README.md has no row for %s%s", below, key)
			}
		}
	}
	rows(reflect.TypeFor[prefectrunprocessor.Config](), "")
	rows(reflect.TypeFor[prefectrunprocessor.WatchConfig](), "watch::")
}

func TestBadConfigurationsAreRefusedWithTheirPath(t *testing.T) {
	for yaml, want := range map[string]string{
		"max_wait: -1s":                                                      "max_wait: is -1s",
		"max_wait_bytes: 0":                                                  "max_wait_bytes: is 0",
		"max_trace_bytes: 1000":                                              "max_trace_bytes: is 1000 bytes; it must be at least 1048576",
		"trace_expiry: 5s":                                                   "trace_expiry: is 5s; it must be at least a second, and not less than max_wait = 10s",
		"default_run: {flow_run_id: none}":                                   "default_run::flow_run_id: is no UUID",
		"default_run: {task_run_id: " + taskA + "}":                          "default_run::task_run_id: is set without flow_run_id",
		"run_keys: {flow_run_id: ['']}":                                      "run_keys::flow_run_id::0: is empty",
		"max_wiat: 1s":                                                       "max_wiat",
		"watch: {}":                                                          "watch::endpoint: is empty",
		"watch: {endpoint: nonsense}":                                        "watch::endpoint: ",
		"watch: {endpoint: 'http://u:secret@h/api'}":                         "watch::endpoint: holds credentials",
		"watch: {endpoint: 'http://h/api', interval: 1ms}":                   "watch::interval: is 1ms; it must be at least 100ms",
		"watch: {endpoint: 'http://h/api', max_runs: -1}":                    "watch::max_runs: is -1",
		"watch: {endpoint: 'http://h/api', intervall: 1s}":                   "intervall",
		"watch: {endpoint: 'http://h/api', tls: {insecur: true}}":            "insecur",
		"watch: {endpoint: 'http://h/api', from_environment: true}":          "watch::endpoint: is set, and from_environment",
		"watch: {endpoint: 'http://h/api', api_key: a, auth_string: secret}": "watch::api_key: is set, and auth_string too",
	} {
		_, err := read(yaml)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", yaml, err, want)
		}
	}
	if _, err := read("max_wait: -1s\nmax_wait_bytes: -1"); err == nil || !strings.Contains(err.Error(), "max_wait:") || !strings.Contains(err.Error(), "max_wait_bytes:") {
		t.Errorf("not all at once: %v", err)
	}
}

func TestPrefectsSettingsSayWhereToWatch(t *testing.T) {
	t.Setenv("PREFECT_HOME", t.TempDir())
	t.Setenv("PREFECT_API_URL", "")
	if _, err := read("watch: {from_environment: true}"); err == nil || !strings.Contains(err.Error(), "PREFECT_API_URL") {
		t.Errorf("without a setting: %v", err)
	}
	t.Setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
	if _, err := read("watch: {from_environment: true}"); err != nil {
		t.Error(err)
	}
}

// A server that says a run is under way, and one that fails until the test says otherwise: watching teaches, says on the way how it
// goes, and asks with the credentials of the configuration.
func TestWatchingTeaches(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Header.Get("Authorization") != "Bearer key":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/api/flow_runs/filter":
			fmt.Fprintf(w, `[{"id":%q,"parent_task_run_id":null,"labels":{"__OTEL_TRACEPARENT":"00-%s-%s-03"}}]`, flowF, traceID("t"), spanID("f"))
		default:
			fmt.Fprintf(w, `[{"id":%q,"flow_run_id":%q,"labels":{"__OTEL_TRACEPARENT":"00-%s-%s-03"}}]`, taskA, flowF, traceID("t"), spanID("a"))
		}
	}))
	defer server.Close()
	i := newInstance(t, func(c *prefectrunprocessor.Config) {
		watch := c.Watch.GetOrInsertDefault()
		watch.ClientConfig.Endpoint, watch.APIKey, watch.Interval = server.URL+"/api", "key", 100*time.Millisecond
		c.MaxWait = c.TraceExpiry // longer than a busy machine takes to ask
	})
	i.sink.came = make(chan struct{}, 10)
	i.log("t a 1") // which waits until the watch has learnt
	<-i.sink.came
	i.log("t f 2")
	<-i.sink.came
	if diff := cmp.Diff([]string{"1 F/A", "2 F/"}, i.sink.take()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	i.shutdown()
}

func TestMetrics(t *testing.T) {
	telemetry := componenttest.NewTelemetry()
	defer telemetry.Shutdown(context.WithoutCancel(t.Context()))
	set := settings()
	set.TelemetrySettings = telemetry.NewTelemetrySettings()
	i := newInstanceOf(t, prefectrunprocessor.NewFactory(), set, func(c *prefectrunprocessor.Config) {
		c.DefaultRun.FlowRunID = flowG
		c.MaxWait = c.TraceExpiry // what waits does so until the shutdown
	})
	i.flow("t f", flowF)
	i.task("t a f", taskA)
	i.span("t x a")
	i.log("t x task")
	i.log("t f flow")
	i.log("t  trace")
	i.log("t y own", "flow_run_id", flowF)
	i.log("u z waits")
	gauge := func(name string) (value int64) {
		t.Helper()
		m, err := telemetry.GetMetric("otelcol_processor_prefectrun_" + name)
		if err != nil {
			t.Error(err)
			return -1
		}
		return m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value
	}
	if traces, bytes, waiting, size := gauge("traces"), gauge("trace_bytes"), gauge("waiting_log_records"), gauge("waiting_bytes"); traces != 2 || bytes < 1000 || waiting != 1 || size < 256 {
		t.Errorf("%d traces of %d bytes, %d logs of %d bytes wait", traces, bytes, waiting, size)
	}
	i.shutdown()
	counts := map[string]int64{}
	for _, name := range []string{"spans", "learnt", "log_records", "waited_log_records", "settled_log_records"} {
		m, err := telemetry.GetMetric("otelcol_processor_prefectrun_" + name)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
			for _, kv := range point.Attributes.ToSlice() {
				if kv.Key != "processor" {
					name += " " + kv.Value.AsString()
				}
			}
			counts[name] += point.Value
			name, _, _ = strings.Cut(name, " ")
		}
	}
	want := map[string]int64{
		"spans": 3, "learnt span": 2, "learnt log": 1, "log_records task": 1, "log_records flow": 1, "log_records trace": 1, "log_records default": 1,
		"waited_log_records": 1, "settled_log_records shutdown": 1,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// metadata.yaml and README.md are written by hand: every metric stands in both.
func TestEveryMetricIsDocumented(t *testing.T) {
	source, err := os.ReadFile("telemetry.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)(?:&t\.\w+, |gauge\()"(\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(names) != 12 {
		t.Errorf("%d metrics, the test knows 12", len(names))
	}
	for _, file := range []string{"metadata.yaml", "README.md"} {
		text, err := os.ReadFile(filepath.FromSlash(file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !strings.Contains(string(text), "otelcol_processor_prefectrun_"+name[1]) && !strings.Contains(string(text), "  processor_prefectrun_"+name[1]+":") {
				t.Errorf("%s does not name %s", file, name[1])
			}
		}
	}
}
