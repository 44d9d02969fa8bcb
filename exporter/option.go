// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// DefaultBatchRecords is how many records a request of [Exporter.Export] carries at
// most by default. It is near the best for both of Prefect's databases.
const DefaultBatchRecords = 200

// Option configures an [Exporter]. Options that are invalid make [New] fail.
type Option interface {
	apply(config) config
}

type optionFunc func(config) config

func (f optionFunc) apply(c config) config { return f(c) }

// config is what the options say; zero values are not set.
type config struct {
	settings      *settings.Settings
	endpoint      string
	apiKey        string
	authString    string
	maxLogSize    int
	batchSize     int
	batchRecords  int
	missingRun    mapping.MissingRun
	defaultRun    *run.Info
	timeout       time.Duration
	transport     http.RoundTripper
	exportTimeout time.Duration
	onError       func(error)
	problems      []error
}

func (c config) invalid(format string, args ...any) config {
	c.problems = append(c.problems[:len(c.problems):len(c.problems)], fmt.Errorf("exporter: "+format, args...))
	return c
}

// WithSettings takes the settings from s. By default they are loaded as
// [settings.Load] does.
func WithSettings(s settings.Settings) Option {
	return optionFunc(func(c config) config {
		c.settings = &s
		return c
	})
}

// WithEndpoint sets the address of the API, ".../api", in place of
// PREFECT_API_URL. An address that is not absolute is an error.
func WithEndpoint(apiURL string) Option {
	return optionFunc(func(c config) config {
		if apiURL == "" {
			return c.invalid("the endpoint is empty")
		}
		c.endpoint = apiURL
		return c
	})
}

// WithAPIKey sets the key that is sent as a bearer token, in place of
// PREFECT_API_KEY.
func WithAPIKey(key string) Option {
	return optionFunc(func(c config) config {
		c.apiKey = key
		return c
	})
}

// WithAuthString sets "user:password" for Basic authentication, in place of
// PREFECT_API_AUTH_STRING. It wins over a key, as in Prefect.
func WithAuthString(auth string) Option {
	return optionFunc(func(c config) config {
		c.authString = auth
		return c
	})
}

// WithMaxLogSize bounds one log in bytes as they go over the wire, in place of
// PREFECT_LOGGING_TO_API_MAX_LOG_SIZE (default 1,000,000). Longer messages are
// cut and marked. Less than 512 is an error; more than the
// batch size less two counts as that.
func WithMaxLogSize(bytes int) Option {
	return optionFunc(func(c config) config {
		if bytes < mapping.MinLimit {
			return c.invalid("the max log size is %d bytes; it must be at least %d", bytes, mapping.MinLimit)
		}
		c.maxLogSize = bytes
		return c
	})
}

// WithBatchSize bounds the body of one request in bytes, in place of
// PREFECT_LOGGING_TO_API_BATCH_SIZE (default 4,000,000). Less than 514 is an error.
func WithBatchSize(bytes int) Option {
	return optionFunc(func(c config) config {
		if bytes < mapping.MinLimit+payload.Overhead {
			return c.invalid("the batch size is %d bytes; it must be at least %d", bytes, mapping.MinLimit+payload.Overhead)
		}
		c.batchSize = bytes
		return c
	})
}

// WithBatchRecords bounds the records of one request. The default is
// [DefaultBatchRecords] for Export, and [payload.MaxRecords] for package
// processor's Batch, which adapts to the server. Less than 1 or more than
// MaxRecords is an error.
func WithBatchRecords(n int) Option {
	return optionFunc(func(c config) config {
		if n < 1 || n > payload.MaxRecords {
			return c.invalid("the batch has %d records; it must have 1 to %d", n, payload.MaxRecords)
		}
		c.batchRecords = n
		return c
	})
}

// WithMissingRun says what becomes of records that belong to no run, in place of
// PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW (default warn). They are
// never sent. An unknown policy is an error.
func WithMissingRun(policy mapping.MissingRun) Option {
	return optionFunc(func(c config) config {
		switch policy {
		case mapping.WarnMissingRun, mapping.ErrorMissingRun, mapping.IgnoreMissingRun:
			c.missingRun = policy
			return c
		}
		return c.invalid("the policy for records without a run is %q; it must be warn, error or ignore", policy)
	})
}

// WithDefaultRun sets the run of records that name none, in place of
// what [run.FromEnvironment] returns. An id that is no UUID is an error. The zero
// Info means none.
func WithDefaultRun(info run.Info) Option {
	return optionFunc(func(c config) config {
		ids := info.IDs()
		if info.FlowRunID != "" && ids.Flow.IsZero() {
			return c.invalid("the flow run id of the default run is no UUID")
		}
		if info.TaskRunID != "" && ids.Task.IsZero() {
			return c.invalid("the task run id of the default run is no UUID")
		}
		c.defaultRun = &info
		return c
	})
}

// WithRequestTimeout bounds one HTTP request in all; the default is
// [prefectapi.DefaultTimeout], as in Prefect's own client. It must be positive.
func WithRequestTimeout(d time.Duration) Option {
	return optionFunc(func(c config) config {
		if d <= 0 {
			return c.invalid("the request timeout is %v; it must be positive", d)
		}
		c.timeout = d
		return c
	})
}

// WithExportTimeout is how long [Exporter.Export] tries where its caller sets no
// deadline, as the SDK's SimpleProcessor; the default is 10 s. It must be positive.
func WithExportTimeout(d time.Duration) Option {
	return optionFunc(func(c config) config {
		if d <= 0 {
			return c.invalid("the export timeout is %v; it must be positive", d)
		}
		c.exportTimeout = d
		return c
	})
}

// defaultExportTimeout bounds how long an export stands in the way of the
// program that logs.
const defaultExportTimeout = 10 * time.Second

// WithTransport sends requests through rt, in place of a transport of the
// exporter's own. Its idle connections are closed at Shutdown.
func WithTransport(rt http.RoundTripper) Option {
	return optionFunc(func(c config) config {
		c.transport = rt
		return c
	})
}

// WithErrorHandler hands everything that the exporter has to say to handle, in
// place of writing it to standard error at a bounded rate. handle may be
// called concurrently and while a record is being logged; it must not block.
func WithErrorHandler(handle func(error)) Option {
	return optionFunc(func(c config) config {
		c.onError = handle
		return c
	})
}

// newConfig puts the settings under the options.
func newConfig(opts []Option) (config, error) {
	var c config
	for _, opt := range opts {
		c = opt.apply(c)
	}
	if c.settings == nil {
		loaded, err := settings.Load()
		if err != nil {
			return c, errors.Join(append(c.problems, err)...)
		}
		c.settings = &loaded
	}
	if c.defaultRun == nil {
		environment, err := run.FromEnvironment()
		if err != nil {
			c.problems = append(c.problems, err)
		}
		c.defaultRun = &environment
	}
	c.endpoint = cmp.Or(c.endpoint, c.settings.APIURL)
	if c.apiKey == "" && c.authString == "" {
		c.apiKey, c.authString = c.settings.APIKey.Reveal(), c.settings.APIAuthString.Reveal()
	}
	c.batchSize = max(cmp.Or(c.batchSize, c.settings.ToAPI.BatchSize), mapping.MinLimit+payload.Overhead)
	c.maxLogSize = min(max(cmp.Or(c.maxLogSize, c.settings.ToAPI.MaxLogSize), mapping.MinLimit), c.batchSize-payload.Overhead)
	c.missingRun = cmp.Or(c.missingRun, mapping.MissingRun(c.settings.ToAPI.WhenMissingFlow))
	c.timeout = cmp.Or(c.timeout, prefectapi.DefaultTimeout)
	c.exportTimeout = cmp.Or(c.exportTimeout, defaultExportTimeout)
	return c, errors.Join(c.problems...)
}
