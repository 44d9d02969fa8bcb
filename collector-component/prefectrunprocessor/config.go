// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/prefectclient"
	"github.com/prefectlogs/prefectlogs/collector-component/internal/runconfig"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// Config is the configuration of the processor "prefectrun". README.md tells every key.
type Config struct {
	// MaxWait is how long a log waits for its run to be known; 0: not at all.
	MaxWait time.Duration `mapstructure:"max_wait"`
	// MaxWaitBytes bounds the logs that wait.
	MaxWaitBytes int `mapstructure:"max_wait_bytes"`

	// MaxTraceBytes bounds what is remembered of traces.
	MaxTraceBytes int `mapstructure:"max_trace_bytes"`
	// TraceExpiry is how long a trace is remembered of which nothing is heard.
	TraceExpiry time.Duration `mapstructure:"trace_expiry"`

	// DefaultRun is the run of logs for which none is found.
	DefaultRun RunConfig `mapstructure:"default_run"`
	// RunKeys are attribute keys that name runs, looked at before the known ones.
	RunKeys RunKeysConfig `mapstructure:"run_keys"`

	// Watch asks Prefect's API which runs are under way. Without it a run is known when its span has ended.
	Watch configoptional.Optional[WatchConfig] `mapstructure:"watch"`
}

// RunConfig names a run by the ids of its flow run and its task run.
type RunConfig = runconfig.Default

// RunKeysConfig are keys of attributes that name flow runs and task runs.
type RunKeysConfig = runconfig.Keys

// WatchConfig says which server or workspace is asked, and how often.
type WatchConfig struct {
	// ClientConfig has a name, so that its Unmarshal is not taken for that of WatchConfig: the keys below would then be ignored.
	ClientConfig confighttp.ClientConfig `mapstructure:",squash"`

	// APIKey is sent as a bearer token.
	APIKey configopaque.String `mapstructure:"api_key"`
	// AuthString is "user:password" of a server that asks for Basic authentication.
	AuthString configopaque.String `mapstructure:"auth_string"`
	// FromEnvironment takes what is not set here from Prefect's own settings: environment, files, profile.
	FromEnvironment bool `mapstructure:"from_environment"`

	// Interval is the time between two questions.
	Interval time.Duration `mapstructure:"interval"`
	// MaxRuns is how many flow runs, and how many task runs, are read at a time, the latest first.
	MaxRuns int `mapstructure:"max_runs"`
}

// Unmarshal refuses keys that are not known.
func (c *WatchConfig) Unmarshal(conf *confmap.Conf) error { return prefectclient.Unmarshal(conf, c) }

// Bounds of what makes sense.
const (
	minTraceBytes = 1 << 20
	minInterval   = 100 * time.Millisecond
)

func createDefaultConfig() *Config {
	watch := WatchConfig{ClientConfig: prefectclient.DefaultHTTP(), Interval: 2 * time.Second, MaxRuns: 2000}
	watch.ClientConfig.Timeout = 10 * time.Second // what comes later than that is of no use
	return &Config{
		MaxWait:       10 * time.Second,
		MaxWaitBytes:  64 << 20,
		MaxTraceBytes: 256 << 20,
		TraceExpiry:   10 * time.Minute,
		Watch:         configoptional.Default(watch),
	}
}

// plan is what a configuration comes to.
type plan struct {
	encoder    *mapping.Encoder
	names      map[string]bool // the keys that name runs
	defaultRun run.IDs
	connection *prefectclient.Connection // nil: nothing is watched
	notices    []string
}

// Validate refuses what cannot work, all of it in one error, with the paths of the keys.
func (c *Config) Validate() error {
	_, err := c.plan(nil)
	return err
}

// plan checks the configuration. badID is told of the keys of attributes that should hold a run id and do not.
func (c *Config) plan(badID func(key string)) (plan, error) {
	var p plan
	var problems []error
	bad := func(key, format string, args ...any) {
		problems = append(problems, fmt.Errorf(key+": "+format, args...))
	}
	if c.MaxWait < 0 {
		bad("max_wait", "is %v; it must not be negative", c.MaxWait)
	}
	if c.MaxWaitBytes <= 0 {
		bad("max_wait_bytes", "is %d; it must be positive (with max_wait: 0 no log waits)", c.MaxWaitBytes)
	}
	if c.MaxTraceBytes < minTraceBytes {
		bad("max_trace_bytes", "is %d bytes; it must be at least %d", c.MaxTraceBytes, minTraceBytes)
	}
	if c.TraceExpiry < max(c.MaxWait, time.Second) {
		bad("trace_expiry", "is %v; it must be at least a second, and not less than max_wait = %v", c.TraceExpiry, c.MaxWait)
	}
	p.defaultRun = c.DefaultRun.IDs(bad)
	p.connection = c.connection(bad, &p.notices)
	keys := c.RunKeys.Before(append(mapping.DefaultKeys(), mapping.Key{Name: flowRunLabel, Meaning: mapping.FlowRunID}), bad)
	encoder, err := mapping.NewEncoder(mapping.Config{Keys: keys, BadID: badID})
	p.encoder, p.names = encoder, map[string]bool{}
	for _, key := range keys {
		switch key.Meaning {
		case mapping.FlowRunID, mapping.TaskRunID, mapping.TypedID:
			p.names[key.Name] = true
		}
	}
	return p, errors.Join(append(problems, err)...)
}

// flowRunLabel is what Prefect's own spans of task runs carry that its server made (server/models/task_runs.py).
const flowRunLabel = "prefect.flow-run.id"

// connection says how Prefect is asked; nil where it is not.
func (c *Config) connection(bad func(key, format string, args ...any), notices *[]string) *prefectclient.Connection {
	if !c.Watch.HasValue() {
		return nil
	}
	watch := c.Watch.Get()
	if watch.Interval < minInterval {
		bad("watch::interval", "is %v; it must be at least %v", watch.Interval, minInterval)
	}
	if watch.MaxRuns <= 0 {
		bad("watch::max_runs", "is %d; it must be positive", watch.MaxRuns)
	}
	connection := &prefectclient.Connection{
		Path: "watch::", HTTP: watch.ClientConfig, APIKey: string(watch.APIKey), AuthString: string(watch.AuthString),
		OwnTimeout: true, // its default is not Prefect's
	}
	if watch.FromEnvironment {
		if watch.ClientConfig.Endpoint != "" {
			// A key must not go to another server than its own.
			bad("watch::endpoint", "is set, and from_environment takes it from PREFECT_API_URL; leave one of them out")
		}
		environment, err := settings.Load()
		if err != nil {
			bad("watch::from_environment", "%w", err)
			return nil
		}
		*notices = append(*notices, environment.Notices()...)
		connection.Fill(environment)
	}
	connection.Check(bad, watch.FromEnvironment)
	*notices = append(*notices, connection.Notices()...)
	return connection
}
