// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter_test

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"

	"github.com/prefectlogs/prefectlogs/collector-component/prefectexporter"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// sample reads the sample, which stands in README.md too.
func sample(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile("testdata/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text))
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var all map[string]any
	if err := yaml.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// load makes a configuration of what stands below the exporter's name.
func load(t *testing.T, keys any) (*prefectexporter.Config, error) {
	t.Helper()
	raw, _ := keys.(map[string]any)
	config := prefectexporter.NewFactory().CreateDefaultConfig().(*prefectexporter.Config)
	if err := confmap.NewFromStringMap(raw).Unmarshal(config); err != nil {
		return nil, err
	}
	return config, confmap.Validate(config)
}

func TestTheREADMEShowsTheSample(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, keys, _ := strings.Cut(string(text), "\n") // without the comment
	if !strings.Contains(string(readme), "```yaml\n"+keys+"```\n") {
		t.Error("README.md does not show testdata/config.yaml as it is")
	}
}

func TestTheREADMETellsEveryKey(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for field := range reflect.TypeFor[prefectexporter.Config]().Fields() {
		if key, _, _ := strings.Cut(field.Tag.Get("mapstructure"), ","); key != "" && !strings.Contains(string(readme), "| `"+key) {
			t.Errorf("README.md has no row for %s", key)
		}
	}
}

func TestTheREADMETellsTheDefaults(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	c := prefectexporter.NewFactory().CreateDefaultConfig().(*prefectexporter.Config)
	value := reflect.ValueOf(*c)
	for i := range value.NumField() {
		key, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("mapstructure"), ",")
		_, row, ok := strings.Cut(string(readme), "| `"+key+"` | ")
		if key == "" || !ok {
			continue // of confighttp, or of no row: see the test above
		}
		told, _, _ := strings.Cut(row, " |")
		want := fmt.Sprintf("`%v`", value.Field(i))
		switch {
		case key == "sending_queue" || key == "retry_on_failure":
			want = "on"
		case value.Field(i).IsZero() && value.Field(i).Kind() != reflect.Bool:
			want = "" // what it comes to is told in words, or is none
		}
		if want == "" && told == "" || want != "" && told != want {
			t.Errorf("README.md says that %s is %s by default; it is %s", key, told, want)
		}
	}
	if !c.QueueConfig.HasValue() || !c.RetryConfig.Enabled {
		t.Errorf("%+v", c)
	}
	for name, value := range map[string]any{
		"`batch_size` | ": prefectexporter.DefaultBatchSize, "`max_log_size` | ": prefectexporter.DefaultMaxLogSize, "for Prefect Cloud ": mapping.CloudLimit,
		"`timeout` | ": c.ClientConfig.Timeout, "`num_consumers` is ": c.QueueConfig.Get().NumConsumers, "`min_size` ": c.QueueConfig.Get().Batch.Get().MinSize,
		"`flush_timeout` ": c.QueueConfig.Get().Batch.Get().FlushTimeout, "`max_elapsed_time` is ": int(c.RetryConfig.MaxElapsedTime),
		"idle connections are closed after ": c.ClientConfig.Keepalive.Get().IdleConnTimeout,
	} {
		text := strings.TrimSuffix(strings.Replace(fmt.Sprint(value), "1m0s", "60s", 1), "m0s")
		if !strings.Contains(string(readme), name+"`"+text+"`") {
			t.Errorf("README.md does not say %s`%s`", name, text)
		}
	}
}

func TestEveryKeyOfTheSampleReachesTheConfig(t *testing.T) {
	t.Setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
	t.Setenv("PREFECT_HOME", t.TempDir())
	known := map[string]bool{}
	for name, keys := range sample(t) {
		whole, err := load(t, keys)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for path, without := range eachWithout(keys.(map[string]any)) {
			known[strings.Split(path, "::")[0]] = true
			less, _ := load(t, without) // it may be invalid without the key
			if less == nil || reflect.DeepEqual(whole, less) {
				t.Errorf("%s: the configuration is the same without %s", name, path)
			}
		}
	}
	for field := range reflect.TypeFor[prefectexporter.Config]().Fields() {
		if key, _, _ := strings.Cut(field.Tag.Get("mapstructure"), ","); key != "" && !known[key] {
			t.Errorf("the sample has no %s", key)
		}
	}
}

// eachWithout yields the tree without each of its leaves, by the leaf's path.
func eachWithout(tree map[string]any) map[string]map[string]any {
	all := map[string]map[string]any{}
	for key, value := range tree {
		if below, ok := value.(map[string]any); ok {
			for path, less := range eachWithout(below) {
				own := maps.Clone(tree)
				own[key] = less
				all[key+"::"+path] = own
			}
			continue
		}
		own := maps.Clone(tree)
		delete(own, key)
		all[key] = own
	}
	return all
}

func TestValuesOfTheSample(t *testing.T) {
	c, err := load(t, sample(t)["prefect"])
	if err != nil {
		t.Fatal(err)
	}
	batch := c.QueueConfig.Get().Batch.Get()
	got := []any{
		c.ClientConfig.Endpoint, c.ClientConfig.Timeout, c.ClientConfig.TLS.CAFile, c.APIKey, c.DefaultRun.TaskRunID, c.MissingRun, c.RunKeys.FlowRunID,
		c.BatchRecords, c.MaxLogSize, c.DeniedAttributes, c.LookUp, c.QueueConfig.Get().QueueSize, c.QueueConfig.Get().NumConsumers,
		c.QueueConfig.Get().StorageID.String(), batch.MinSize, batch.MaxSize, c.RetryConfig.MaxElapsedTime,
	}
	want := []any{
		"https://prefect.example.com/api", 30 * time.Second, "/etc/ssl/prefect-ca.pem", configopaque.String("${env:PREFECT_API_KEY}"),
		"22222222-2222-4222-8222-222222222222", prefectexporter.RefuseMissingRun, []string{"job.flow_run"},
		500, 100000, []string{"*secret*"}, prefectexporter.LookUpAlways, int64(5000), 1, "file_storage", int64(500), int64(0), time.Hour,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	targets, err := load(t, sample(t)["prefect/workspaces"])
	if err != nil {
		t.Fatal(err)
	}
	analytics, billing := targets.Targets["analytics"], targets.Targets["billing"]
	if analytics.ClientConfig.Timeout != time.Minute || billing.ClientConfig.Timeout != 30*time.Second || billing.AuthString != "${env:BILLING_AUTH}" {
		t.Errorf("%+v, %+v", analytics, billing)
	}
}

func TestDefaults(t *testing.T) {
	c, err := load(t, map[string]any{"endpoint": "http://127.0.0.1:4200/api"})
	if err != nil {
		t.Fatal(err)
	}
	if q := c.QueueConfig.Get(); q.NumConsumers != 1 || q.QueueSize != 1000 || q.Batch.Get().MinSize != 1000 || q.Batch.Get().MaxSize != 0 {
		t.Errorf("%+v", q)
	}
	if !c.RetryConfig.Enabled || c.RetryConfig.MaxElapsedTime != 0 || c.ClientConfig.Timeout != time.Minute || c.ClientConfig.ForceAttemptHTTP2 {
		t.Errorf("%+v", c)
	}
	if err := componenttest.CheckConfigStruct(c); err != nil {
		t.Error(err)
	}
}

func TestBadConfigurationsAreRefusedWithThePathOfTheKey(t *testing.T) {
	const at = "endpoint: http://127.0.0.1:4200/api\n"
	tests := []struct{ name, config, want string }{
		{"no endpoint", "{}", "endpoint: is empty"},
		{"a bad URL", "endpoint: localhost:4200", "endpoint: prefectapi: the API URL"},
		{"a URL with a password", "endpoint: http://me:secret-word@host/api", "endpoint: holds credentials"},
		{"an unknown key", at + "bacth_size: 1", "invalid keys: bacth_size"},
		{"an unknown key below another", at + "default_run: {flow: x}", "'default_run' has invalid keys: flow"},
		{"an unknown key of the client", at + "tls: {ca_fiel: x}", "'tls' has invalid keys: ca_fiel"},
		{"an unknown key of a target's client", "targets: {a: {endpoint: http://h/api, tls: {ca_fiel: x}}}", "'tls' has invalid keys: ca_fiel"},
		{"an unknown key of the queue", at + "sending_queue: {size: 1}", "'queuebatch.Config' has invalid keys: size"},
		{"an unknown key of retries", at + "retry_on_failure: {max: 1}", "'retry_on_failure' has invalid keys: max"},
		{"two credentials", at + "api_key: a\nauth_string: b:c", "api_key: is set, and auth_string too"},
		{"credentials beside an extension", at + "api_key: a\nauth: {authenticator: oauth2client}", "auth: is set, and api_key"},
		{"a compressed body", at + "compression: gzip", "compression: is \"gzip\""},
		{"a header that follows from the request", at + "headers: {content-length: three}", "header content-length cannot be set"},
		{"no time-out", at + "timeout: 0", "timeout: is 0s"},
		{"too many records", at + "batch_records: 1001", "batch_records: is 1001"},
		{"a batch too small", at + "batch_size: 100", "batch_size: is 100 bytes"},
		{"a log too small", at + "max_log_size: 100", "max_log_size: is 100 bytes"},
		{"a log larger than a batch", at + "max_log_size: 1000\nbatch_size: 999", "max_log_size: is 1000 bytes, more than"},
		{"an unknown format", at + "format: xml", `message format is "xml"`},
		{"an unknown policy", at + "missing_run: explode", "missing_run: is \"explode\""},
		{"an unknown look-up", at + "look_up: maybe", "look_up: is \"maybe\""},
		{"a default run that is none", at + "default_run: {flow_run_id: x}", "default_run::flow_run_id: is no UUID"},
		{"a default task without its flow", at + "default_run: {task_run_id: 22222222-2222-4222-8222-222222222222}", "default_run::task_run_id: is set without"},
		{"no consumer", at + "sending_queue: {num_consumers: 0}", "sending_queue: `num_consumers` must be positive"},
		{"an unknown default target", "targets: {a: {endpoint: http://h/api}}\ndefault_target: b", "default_target: names \"b\""},
		{"a default target without targets", at + "default_target: b", "default_target: names \"b\""},
		{"a target without an endpoint", "targets: {a: {api_key: x}}", "targets::a::endpoint: is empty"},
		{"a target with a bad URL", "targets: {a: {endpoint: nowhere}}", "targets::a::endpoint: prefectapi"},
		{"a target with an unknown key", "targets: {a: {endpiont: x}}", "invalid keys: endpiont"},
		{"a server beside targets", at + "targets: {a: {endpoint: http://h/api}}", "endpoint: is set beside targets"},
		{"targets without queues", "targets: {a: {endpoint: http://h/api}}\nsending_queue: {enabled: false}", "sending_queue: is off"},
		{"targets that block", "targets: {a: {endpoint: http://h/api}}\nsending_queue: {block_on_overflow: true}", "sending_queue::block_on_overflow: is on"},
		{"targets that are waited for", "targets: {a: {endpoint: http://h/api}}\nsending_queue: {wait_for_result: true}", "sending_queue::wait_for_result: is on"},
		{"the environment beside an endpoint", at + "from_environment: true", "endpoint: is set, and from_environment"},
	}
	t.Setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
	t.Setenv("PREFECT_HOME", t.TempDir())
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(t, parse(t, test.config))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret-word") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

func TestAllThatIsWrongIsToldAtOnce(t *testing.T) {
	_, err := load(t, parse(t, "batch_records: -1\nmissing_run: x\nlook_up: y"))
	for _, want := range []string{"endpoint:", "batch_records:", "missing_run:", "look_up:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not among %v", want, err)
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	home := t.TempDir()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "PREFECT_") {
			t.Setenv(name, "") // so that it is put back
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("PREFECT_HOME", home)
	if _, err := load(t, parse(t, "from_environment: true")); err == nil || !strings.Contains(err.Error(), "set PREFECT_API_URL") {
		t.Errorf("without a URL: %v", err)
	}
	t.Setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
	if _, err := load(t, parse(t, "from_environment: true")); err != nil {
		t.Error(err)
	}
	t.Setenv("PREFECT_API_REQUEST_TIMEOUT", "7")
	for keys, want := range map[string]time.Duration{"": 7 * time.Second, "timeout: 9s": 9 * time.Second, "timeout: 60s": time.Minute} { // the last is the default
		c, err := load(t, parse(t, "from_environment: true\n"+keys))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.RequestTimeout(); err != nil || got != want {
			t.Errorf("with %q the time-out is %v, %v; want %v", keys, got, err, want)
		}
	}
	t.Setenv("PREFECT_LOGGING_TO_API_BATCH_SIZE", "many")
	if _, err := load(t, parse(t, "from_environment: true")); err == nil || !strings.Contains(err.Error(), "from_environment: PREFECT_LOGGING_TO_API_BATCH_SIZE") || strings.Contains(err.Error(), "set PREFECT_API_URL") {
		t.Errorf("with a bad value: %v", err)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	c, err := load(t, parse(t, "endpoint: http://127.0.0.1:4200/api\napi_key: pnu_0123456789"))
	if err != nil {
		t.Fatal(err)
	}
	back := confmap.New()
	if err := back.Marshal(c); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(back.ToStringMap())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "pnu_0123456789") || !slices.Contains(strings.Split(string(text), "\n"), "api_key: '[REDACTED]'") {
		t.Errorf("%s", text)
	}
}

func TestKeysOfAServerBesideTargetsAreRefused(t *testing.T) {
	for key, value := range map[string]any{
		"timeout": "10s", "proxy_url": "http://proxy:3128", "headers": map[string]any{"x-team": "data"}, "tls": map[string]any{"ca_file": "/ca.pem"},
	} {
		t.Run(key, func(t *testing.T) {
			config := prefectexporter.NewFactory().CreateDefaultConfig().(*prefectexporter.Config)
			err := confmap.NewFromStringMap(map[string]any{
				key: value, "targets": map[string]any{"a": map[string]any{"endpoint": "http://127.0.0.1/api", key: value}},
			}).Unmarshal(config)
			if err != nil {
				t.Fatal(err)
			}
			if err := config.Validate(); err == nil || !strings.Contains(err.Error(), key+": is set beside targets") || strings.Contains(err.Error(), "targets::") {
				t.Errorf("%v", err)
			}
		})
	}
}
