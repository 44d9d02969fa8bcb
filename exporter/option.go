// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
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
	mapping       mapping.Config
	defaultRun    *run.Info
	timeout       time.Duration
	headers       map[string]string
	connection    prefectapi.Connection
	transport     http.RoundTripper
	exportTimeout time.Duration

	deadLetter     string
	deadLetterSize int

	onError  func(error)
	problems []error
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
			return c.invalid("the endpoint is empty; leave the option out for PREFECT_API_URL")
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
// batch size less two counts as that. Without this option, logs for Prefect Cloud
// are bounded by PREFECT_CLOUD_MAX_LOG_SIZE (25,000 bytes) too.
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

// WithRequestTimeout bounds one HTTP request in all, in place of
// PREFECT_API_REQUEST_TIMEOUT (default 60 s). It must be positive.
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

// WithHeaders sends these headers with every request, in place of
// PREFECT_CLIENT_CUSTOM_HEADERS. They win over credentials. A header that cannot
// be sent, or would change what a request is, is an error; User-Agent and those
// of CSRF tokens are left out, as in Prefect.
func WithHeaders(headers map[string]string) Option {
	return optionFunc(func(c config) config {
		c.headers = maps.Clone(headers)
		return c
	})
}

// WithConnection says how the server is reached: certificates, proxy. What it
// leaves open comes from PREFECT_API_SSL_CERT_FILE and
// PREFECT_API_TLS_INSECURE_SKIP_VERIFY. Files that cannot be read are an error.
func WithConnection(connection prefectapi.Connection) Option {
	return optionFunc(func(c config) config {
		c.connection = connection
		return c
	})
}

// WithTransport sends requests through rt, in place of a transport of the
// exporter's own, and settings and options of the connection do not apply. Its idle connections are closed at Shutdown.
func WithTransport(rt http.RoundTripper) Option {
	return optionFunc(func(c config) config {
		c.transport = rt
		return c
	})
}

// WithDeadLetter keeps records that are refused in the file at path, as JSON lines with time, reason and
// target, so that [Exporter.Replay] can send them again. Its folder has to be there. By default they are lost.
// See package deadletter.
func WithDeadLetter(path string) Option {
	return optionFunc(func(c config) config {
		if path == "" {
			return c.invalid("the path of the dead letter is empty; leave the option out for none")
		}
		c.deadLetter = path
		return c
	})
}

// WithDeadLetterSize bounds the dead letter in bytes: behind half of it a second file is begun, and behind all of it the
// oldest half is dropped. Less than four times the max log size is an error. The default is 16 MiB, or that much if it is more.
func WithDeadLetterSize(bytes int) Option {
	return optionFunc(func(c config) config {
		c.deadLetterSize = bytes
		if bytes <= 0 {
			return c.invalid("the dead letter's size is %d bytes; it must be positive", bytes)
		}
		return c
	})
}

const defaultDeadLetterSize = 16 << 20

// WithErrorHandler hands everything that the exporter has to say to handle, in
// place of writing it to standard error at a bounded rate. handle may be
// called concurrently and while a record is being logged, on a goroutine of its own; what it has not done in
// 250 ms is not waited for. It should not log to what ends here, such as log.Print under
// slog.SetDefault: what it logs may be told of again.
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
	c = c.underOptions().underLimits().underClient()
	least := 4 * c.maxLogSize
	if c.deadLetterSize == 0 {
		c.deadLetterSize = max(defaultDeadLetterSize, least)
	}
	if c.deadLetterSize > 0 && c.deadLetterSize < least { // else it was refused before
		c = c.invalid("the dead letter's size of %d bytes is less than four times the max log size of %d bytes; raise the one or lower the other", c.deadLetterSize, c.maxLogSize)
	}
	return c, errors.Join(c.problems...)
}

// underLimits puts the settings of limits and of mapping under the options.
func (c config) underLimits() config {
	toAPI := c.settings.ToAPI
	c.batchSize = max(cmp.Or(c.batchSize, toAPI.BatchSize), mapping.MinLimit+payload.Overhead)
	if c.maxLogSize == 0 {
		c.maxLogSize = toAPI.MaxLogSize
		if c.settings.IsCloud() {
			c.maxLogSize = min(c.maxLogSize, c.settings.Cloud.MaxLogSize)
		}
	}
	c.maxLogSize = min(max(c.maxLogSize, mapping.MinLimit), c.batchSize-payload.Overhead)
	c.exportTimeout = cmp.Or(c.exportTimeout, defaultExportTimeout)

	c.mapping.Default = c.defaultRun.IDs()
	c.mapping.Disabled = !toAPI.Enabled
	c.mapping.MissingRun = cmp.Or(c.mapping.MissingRun, mapping.MissingRun(toAPI.WhenMissingFlow))
	return c
}

// underOptions puts the settings under what the options say of server and credentials, so that they
// tell what holds.
func (c config) underOptions() config {
	given := settings.Given{APIURL: c.endpoint, APIKey: settings.NewSecret(c.apiKey), APIAuthString: settings.NewSecret(c.authString)}
	if c.headers != nil {
		given.CustomHeaders = make(map[string]settings.Secret)
		for name, value := range c.headers {
			given.CustomHeaders[name] = settings.NewSecret(value)
		}
	}
	c.settings = new(c.settings.With(given))
	return c
}

// underClient puts the settings of the HTTP client under the options.
func (c config) underClient() config {
	s := c.settings
	c.endpoint, c.apiKey, c.authString = s.APIURL, s.APIKey.Reveal(), s.APIAuthString.Reveal()
	c.timeout = cmp.Or(c.timeout, s.RequestTimeout)
	c.connection.CAFile = cmp.Or(c.connection.CAFile, s.SSLCertFile)
	c.connection.InsecureSkipVerify = c.connection.InsecureSkipVerify || s.TLSInsecureSkipVerify
	if c.transport != nil {
		c.connection = prefectapi.Connection{} // the transport knows its own
	}
	if c.headers == nil && len(s.Client.CustomHeaders) > 0 {
		c.headers = make(map[string]string)
		for name, value := range s.Client.CustomHeaders {
			c.headers[name] = value.Reveal()
		}
	}
	c.mapping.Secrets = mapping.Credentials{
		APIKey: c.apiKey, AuthString: c.authString, Headers: c.headers, URLs: []string{c.endpoint, c.connection.Proxy},
	}.Secrets()
	return c
}
