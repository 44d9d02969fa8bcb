// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/prefectclient"
	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// plan is what a configuration comes to, with the settings of the environment in it where it asks for them.
type plan struct {
	connections []connection // by name; one without a name where there are no targets
	mapping     mapping.Config
	bytes       int // of one request
	records     int // of one request; 0: as many as suit the server
	notices     []string
}

// connection is one server or workspace.
type connection struct {
	prefectclient.Connection
	name     string // of the target; "" where there is but one
	logBytes int    // of one log
}

// Validate refuses what cannot work, all of it in one error, with the paths of the keys.
func (c *Config) Validate() error {
	_, err := c.plan()
	return err
}

// plan checks the configuration and fills it up.
func (c *Config) plan() (plan, error) {
	var p plan
	var problems []error
	bad := func(key, format string, args ...any) {
		problems = append(problems, fmt.Errorf(key+": "+format, args...))
	}
	environment := settings.Settings{
		Cloud: settings.Cloud{APIURL: cloudAPI},
		ToAPI: settings.ToAPI{Enabled: true, BatchSize: defaultBatchSize, MaxLogSize: defaultMaxLogSize},
	}
	environment.Cloud.MaxLogSize = mapping.CloudLimit
	known := true // what the environment says
	if c.FromEnvironment {
		loaded, err := settings.Load()
		if err != nil {
			known = false
			bad("from_environment", "%w", err)
		} else {
			environment, p.notices = loaded, loaded.Notices()
		}
	}

	p.connections = c.connections(environment, known, bad)
	c.checkTargets(bad)
	c.checkQueue(bad)
	p.records = c.BatchRecords
	if p.records < 0 || p.records > payload.MaxRecords {
		bad("batch_records", "is %d; it must be 1 to %d", c.BatchRecords, payload.MaxRecords)
	}
	const leastBatch = mapping.MinLimit + payload.Overhead
	p.bytes = cmp.Or(c.BatchSize, max(environment.ToAPI.BatchSize, leastBatch))
	if p.bytes < leastBatch {
		bad("batch_size", "is %d bytes; it must be at least %d", c.BatchSize, leastBatch)
	}
	if c.MaxLogSize != 0 && c.MaxLogSize < mapping.MinLimit {
		bad("max_log_size", "is %d bytes; it must be at least %d", c.MaxLogSize, mapping.MinLimit)
	}
	if c.MaxLogSize > p.bytes-payload.Overhead {
		bad("max_log_size", "is %d bytes, more than a request of batch_size = %d bytes has room for", c.MaxLogSize, p.bytes)
	}
	for i := range p.connections {
		p.connections[i].logBytes = c.logBytes(p.bytes, p.connections[i], environment)
		p.notices = append(p.notices, p.connections[i].Notices()...)
	}
	p.mapping = c.mapping(environment, bad)
	for _, connection := range p.connections {
		p.mapping.Secrets = append(p.mapping.Secrets, connection.Secrets()...)
	}
	if _, err := mapping.NewEncoder(p.mapping); err != nil {
		problems = append(problems, err)
	}
	return p, errors.Join(problems...)
}

// What holds where neither the configuration nor the environment says otherwise.
const (
	defaultBatchSize  = 4_000_000
	defaultMaxLogSize = 1_000_000
	cloudAPI          = "https://api.prefect.cloud/api"
)

// connections returns where to send. known: the environment, where it is asked, has answered.
func (c *Config) connections(environment settings.Settings, known bool, bad func(key, format string, args ...any)) []connection {
	if len(c.Targets) == 0 {
		one := connection{Connection: prefectclient.Connection{
			HTTP: c.ClientConfig, APIKey: string(c.APIKey), AuthString: string(c.AuthString), OwnTimeout: slices.Contains(c.ownHTTP, "timeout"),
		}}
		if c.FromEnvironment {
			if c.ClientConfig.Endpoint != "" {
				// A key must not go to another server than its own.
				bad("endpoint", "is set, and from_environment takes it from PREFECT_API_URL; leave one of them out")
			}
			one.Fill(environment)
		}
		if known { // else it would be told that there is no address
			one.Check(bad, c.FromEnvironment)
		}
		return []connection{one}
	}
	for key, set := range map[string]bool{
		"endpoint": c.ClientConfig.Endpoint != "", "api_key": c.APIKey != "", "auth_string": c.AuthString != "",
		"from_environment": c.FromEnvironment,
	} {
		if set {
			bad(key, "is set beside targets; each of the targets has its own")
		}
	}
	for _, key := range c.ownHTTP {
		bad(key, "is set beside targets; each of the targets has its own")
	}
	var all []connection
	for _, name := range slices.Sorted(maps.Keys(c.Targets)) {
		target := c.Targets[name]
		one := connection{name: name, Connection: prefectclient.Connection{
			Path: "targets::" + name + "::",
			HTTP: target.ClientConfig, APIKey: string(target.APIKey), AuthString: string(target.AuthString),
		}}
		one.Check(bad, false)
		all = append(all, one)
	}
	return all
}

// logBytes is how long a log may be.
func (c *Config) logBytes(batch int, one connection, environment settings.Settings) int {
	limit := c.MaxLogSize
	if limit == 0 {
		limit = max(environment.ToAPI.MaxLogSize, mapping.MinLimit)
		environment.APIURL = one.HTTP.Endpoint
		if environment.IsCloud() {
			limit = min(limit, max(environment.Cloud.MaxLogSize, mapping.MinLimit))
		}
	}
	return min(limit, batch-payload.Overhead)
}

// checkTargets checks what is said of targets beside their connections.
func (c *Config) checkTargets(bad func(key, format string, args ...any)) {
	if _, known := c.Targets[c.DefaultTarget]; c.DefaultTarget != "" && !known {
		bad("default_target", "names %q, which is none of the targets %q", c.DefaultTarget, slices.Sorted(maps.Keys(c.Targets)))
	}
	if len(c.Targets) > 0 && c.TargetAttribute == "" {
		bad("target_attribute", "is empty; it names the attribute that holds the name of a target")
	}
	for name := range c.Targets {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			bad("targets", "the name %q is empty or holds blanks; it becomes part of names of queues and metrics", name)
		}
	}
}

// checkQueue refuses a queue by which one target could hold up another.
func (c *Config) checkQueue(bad func(key, format string, args ...any)) {
	switch c.LookUp {
	case LookUpOld, LookUpAlways, LookUpNever:
	default:
		bad("look_up", "is %q; it must be old, always or never", c.LookUp)
	}
	if len(c.Targets) == 0 {
		return
	}
	switch {
	case !c.QueueConfig.HasValue():
		bad("sending_queue", "is off; with targets each of them needs its queue, or a dead one holds up the others")
	case c.QueueConfig.Get().BlockOnOverflow:
		bad("sending_queue::block_on_overflow", "is on; with targets a dead one would hold up the others")
	case c.QueueConfig.Get().WaitForResult:
		bad("sending_queue::wait_for_result", "is on; with targets a dead one would hold up the others")
	}
}

// mapping returns how records are mapped.
func (c *Config) mapping(environment settings.Settings, bad func(key, format string, args ...any)) mapping.Config {
	m := mapping.Config{
		Disabled: !environment.ToAPI.Enabled,
		Format:   mapping.Format(c.Format), Oversize: mapping.Oversize(c.Oversize),
		TraceIDs: c.TraceIDs, KeepANSI: c.KeepANSI, ExactTime: c.ExactTime,
		Allow: c.AllowedAttributes, Deny: c.DeniedAttributes,
	}
	switch c.MissingRun {
	case DropMissingRun, RefuseMissingRun:
	default:
		bad("missing_run", "is %q; it must be drop or refuse", c.MissingRun)
	}
	m.Default = c.DefaultRun.IDs(bad)
	if c.FromEnvironment && c.DefaultRun == (RunConfig{}) {
		own, err := run.FromEnvironment()
		if err != nil {
			bad("from_environment", "%w", err)
		}
		m.Default = own.IDs()
	}
	m.Keys = c.RunKeys.Before(mapping.DefaultKeys(), bad)
	return m
}
