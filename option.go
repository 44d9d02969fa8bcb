// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs

import (
	"io"
	"os"
	"strings"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/settings"
)

// Option configures [Setup].
type Option interface {
	apply(config) config
}

type optionFunc func(config) config

func (f optionFunc) apply(c config) config { return f(c) }

// config is what the options say.
type config struct {
	settings    *settings.Settings
	exporter    []exporter.Option
	hasEndpoint bool
	batch       []processor.Option
	provider    []sdklog.LoggerProviderOption
	onError     func(error)
	console     io.Writer
	hasConsole  bool // the option for console was given
	readOnly    bool // of [Check]
}

func newConfig(opts []Option) (c config) {
	for _, opt := range opts {
		c = opt.apply(c)
	}
	return c
}

// silent returns why nothing is sent, or "".
func (c config) silent() string {
	switch {
	case isDisabled():
		return "OTEL_SDK_DISABLED is true"
	case !c.settings.ToAPI.Enabled:
		return "PREFECT_LOGGING_TO_API_ENABLED is false"
	case c.settings.APIURL == "" && !c.hasEndpoint:
		return "PREFECT_API_URL is not set; set it to the address of the API, which ends in /api"
	}
	return ""
}

// isDisabled reports whether OpenTelemetry is switched off, consoles included.
func isDisabled() bool { return strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") }

// WithSettings takes the settings from s. By default they are loaded as
// [settings.Load] does.
func WithSettings(s settings.Settings) Option {
	return optionFunc(func(c config) config {
		c.settings = &s
		return c
	})
}

// WithEndpoint sets the address of the API, ".../api", in place of
// PREFECT_API_URL. An address that is not absolute makes Setup fail.
func WithEndpoint(apiURL string) Option {
	return optionFunc(func(c config) config {
		c.hasEndpoint = true
		c.exporter = append(c.exporter, exporter.WithEndpoint(apiURL))
		return c
	})
}

// WithExporter adds options of the exporter. They win over the settings.
func WithExporter(opts ...exporter.Option) Option {
	return optionFunc(func(c config) config {
		c.exporter = append(c.exporter, opts...)
		return c
	})
}

// WithBatch adds options of the batch processor.
func WithBatch(opts ...processor.Option) Option {
	return optionFunc(func(c config) config {
		c.batch = append(c.batch, opts...)
		return c
	})
}

// WithSpool keeps each record in a file of dir until it is delivered: what a program leaves
// there that is killed, the next one with the same dir and server sends, once. See
// [processor.WithSpool].
func WithSpool(dir string) Option { return WithBatch(processor.WithSpool(dir)) }

// WithDeadLetter keeps records that the server refuses in a file, so that [Replay] can send them
// again once what was wrong is mended. See [exporter.WithDeadLetter].
func WithDeadLetter(path string) Option { return WithExporter(exporter.WithDeadLetter(path)) }

// WithResource sets the resource of the provider. The default is the SDK's, which
// reads OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME.
func WithResource(r *resource.Resource) Option {
	return WithProvider(sdklog.WithResource(r))
}

// WithProvider adds options of the SDK's logger provider, such as further
// processors. They come before the one that sends to Prefect and writes to the console, so
// that what they change of a record, or leave out of it, is changed there too.
func WithProvider(opts ...sdklog.LoggerProviderOption) Option {
	return optionFunc(func(c config) config {
		c.provider = append(c.provider, opts...)
		return c
	})
}

// WithErrorHandler hands everything that the pipeline has to say to handle, in
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
