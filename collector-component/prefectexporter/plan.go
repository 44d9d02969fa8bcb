// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/config/confighttp"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// plan is what a configuration comes to, with the settings of the environment in it where it asks for them.
type plan struct {
	connections []connection // by name; one without a name where there are no targets
	mapping     mapping.Config
	bytes       int // of one request
	records     int // of one request
	notices     []string
}

// connection is one server or workspace.
type connection struct {
	name       string // of the target; "" where there is but one
	path       string // of its keys, before their names
	http       confighttp.ClientConfig
	apiKey     string
	authString string
	headers    map[string]string
	logBytes   int // of one log
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
	if c.FromEnvironment {
		loaded, err := settings.Load()
		if err != nil {
			bad("from_environment", "%w", err)
		} else {
			environment, p.notices = loaded, loaded.Notices()
		}
	}

	p.connections = c.connections(environment, bad)
	c.checkTargets(bad)
	c.checkQueue(bad)
	p.records = cmp.Or(c.BatchRecords, defaultBatchRecords)
	if p.records < 1 || p.records > payload.MaxRecords {
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
		p.notices = append(p.notices, p.connections[i].notices()...)
	}
	p.mapping = c.mapping(environment, bad)
	for _, connection := range p.connections {
		p.mapping.Secrets = append(p.mapping.Secrets, connection.secrets()...)
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

// connections returns where to send.
func (c *Config) connections(environment settings.Settings, bad func(key, format string, args ...any)) []connection {
	if len(c.Targets) == 0 {
		one := connection{http: c.ClientConfig, apiKey: string(c.APIKey), authString: string(c.AuthString)}
		if c.FromEnvironment {
			if c.ClientConfig.Endpoint != "" {
				// A key must not go to another server than its own.
				bad("endpoint", "is set, and from_environment takes it from PREFECT_API_URL; leave one of them out")
			}
			one.fill(environment)
		}
		one.check(bad, c.FromEnvironment)
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
	var all []connection
	for _, name := range slices.Sorted(maps.Keys(c.Targets)) {
		target := c.Targets[name]
		one := connection{
			name: name, path: "targets::" + name + "::",
			http: target.ClientConfig, apiKey: string(target.APIKey), authString: string(target.AuthString),
		}
		one.check(bad, false)
		all = append(all, one)
	}
	return all
}

// fill takes what is not set from Prefect's settings.
func (one *connection) fill(s settings.Settings) {
	one.http.Endpoint = cmp.Or(one.http.Endpoint, s.APIURL)
	if one.apiKey == "" && one.authString == "" && !one.http.Auth.HasValue() {
		one.apiKey, one.authString = s.APIKey.Reveal(), s.APIAuthString.Reveal()
		if one.authString != "" {
			one.apiKey = "" // as in Prefect
		}
	}
	one.http.TLS.CAFile = cmp.Or(one.http.TLS.CAFile, s.SSLCertFile)
	one.http.TLS.InsecureSkipVerify = one.http.TLS.InsecureSkipVerify || s.TLSInsecureSkipVerify
	if one.http.Timeout == prefectapi.DefaultTimeout {
		one.http.Timeout = s.RequestTimeout
	}
	for name, value := range s.Client.CustomHeaders {
		one.header(name, value.Reveal())
	}
}

func (one *connection) header(name, value string) {
	if one.headers == nil {
		one.headers = map[string]string{}
	}
	one.headers[name] = value
}

// check refuses what no client can be made of.
func (one *connection) check(bad func(key, format string, args ...any), fromEnvironment bool) {
	for name, value := range one.http.Headers.Iter {
		one.header(name, string(value)) // the client sets them by itself: checked, and without a wrapper of the transport
	}
	one.http.Headers = nil
	endpoint := one.http.Endpoint
	switch address, err := url.Parse(strings.TrimSpace(endpoint)); {
	case endpoint == "" && fromEnvironment:
		bad("from_environment", "no setting of the environment names the server: set PREFECT_API_URL")
	case endpoint == "":
		bad(one.path+"endpoint", "is empty; want the address of Prefect's API, such as \"http://127.0.0.1:4200/api\"")
	case err == nil && address.User != nil && !fromEnvironment:
		bad(one.path+"endpoint", "holds credentials, which show wherever it is printed; auth_string is the place for them")
	default:
		if _, err := one.client("", http.DefaultTransport); err != nil {
			bad(one.path+"endpoint", "%w", err)
		}
	}
	if one.apiKey != "" && one.authString != "" {
		bad(one.path+"api_key", "is set, and auth_string too; a request has room for one of them")
	}
	if one.http.Auth.HasValue() && (one.apiKey != "" || one.authString != "") {
		bad(one.path+"auth", "is set, and api_key or auth_string too; a request has room for one of them")
	}
	if one.http.Compression.IsCompressed() {
		bad(one.path+"compression", "is %q; Prefect's server takes no compressed bodies", one.http.Compression)
	}
	if one.http.Cookies.HasValue() {
		bad(one.path+"cookies", "are not supported")
	}
	if one.http.Timeout <= 0 {
		bad(one.path+"timeout", "is %v; it must be positive, since a request that is never answered blocks all behind it", one.http.Timeout)
	}
}

// client makes the client, over a transport.
func (one *connection) client(userAgent string, transport http.RoundTripper) (*prefectapi.Client, error) {
	return prefectapi.New(prefectapi.Config{
		APIURL: one.http.Endpoint, APIKey: one.apiKey, AuthString: one.authString, Headers: one.headers,
		UserAgent: userAgent, Timeout: max(one.http.Timeout, time.Millisecond), Transport: transport,
	})
}

// secrets are what no log may show.
func (one *connection) secrets() []string {
	secrets := []string{one.apiKey, one.authString}
	for _, value := range one.headers {
		secrets = append(secrets, value)
	}
	return secrets
}

// notices tell what works and is likely a mistake.
func (one *connection) notices() []string {
	address, err := url.Parse(one.http.Endpoint)
	if err != nil || address.Scheme != "http" || one.apiKey == "" && one.authString == "" {
		return nil
	}
	host := address.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return []string{one.path + "endpoint: credentials travel over plain http to another machine, where anyone on the way can read them"}
}

// logBytes is how long a log may be.
func (c *Config) logBytes(batch int, one connection, environment settings.Settings) int {
	limit := c.MaxLogSize
	if limit == 0 {
		limit = max(environment.ToAPI.MaxLogSize, mapping.MinLimit)
		environment.APIURL = one.http.Endpoint
		if environment.IsCloud() {
			limit = min(limit, max(environment.Cloud.MaxLogSize, mapping.MinLimit))
		}
	}
	return min(limit, batch-payload.Overhead)
}

// checkTargets checks what is said of targets beside their connections.
func (c *Config) checkTargets(bad func(key, format string, args ...any)) {
	if _, known := c.Targets[c.DefaultTarget]; c.DefaultTarget != "" && !known {
		bad("default_target", "names %q, which is none of the targets", c.DefaultTarget)
	}
	if len(c.Targets) > 0 && c.TargetAttribute == "" {
		bad("target_attribute", "is empty; it names the attribute that holds the name of a target")
	}
	for name := range c.Targets {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			bad("targets", "the name %q is empty or holds blanks", name)
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
	info := run.Info{FlowRunID: c.DefaultRun.FlowRunID, TaskRunID: c.DefaultRun.TaskRunID}
	if c.FromEnvironment && info == (run.Info{}) {
		own, err := run.FromEnvironment()
		if err != nil {
			bad("from_environment", "%w", err)
		}
		info = own
	}
	m.Default = info.IDs()
	if c.DefaultRun.FlowRunID != "" && m.Default.Flow.IsZero() {
		bad("default_run::flow_run_id", "is no UUID")
	}
	if c.DefaultRun.TaskRunID != "" && m.Default.Task.IsZero() {
		bad("default_run::task_run_id", "is no UUID")
	}
	if c.DefaultRun.TaskRunID != "" && c.DefaultRun.FlowRunID == "" {
		bad("default_run::task_run_id", "is set without flow_run_id")
	}
	m.Keys = mapping.DefaultKeys()
	for _, own := range []struct {
		key     string
		names   []string
		meaning mapping.Meaning
	}{{"task_run_id", c.RunKeys.TaskRunID, mapping.TaskRunID}, {"flow_run_id", c.RunKeys.FlowRunID, mapping.FlowRunID}} {
		for i, name := range slices.Backward(own.names) {
			if name == "" {
				bad(fmt.Sprintf("run_keys::%s::%d", own.key, i), "is empty")
				continue
			}
			m.Keys = slices.DeleteFunc(m.Keys, func(k mapping.Key) bool { return k.Name == name })
			m.Keys = slices.Insert(m.Keys, 0, mapping.Key{Name: name, Meaning: own.meaning})
		}
	}
	return m
}
