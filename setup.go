// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/internal/diag"
	"github.com/prefectlogs/prefectlogs/internal/own"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/settings"
)

// Pipeline is a logger provider whose records go to Prefect. All methods may be
// called concurrently. Get one from [Setup], and end it with Shutdown: what is
// queued when the program ends without it is lost, unless there is a spool ([WithSpool]).
type Pipeline struct {
	provider *sdklog.LoggerProvider
	batch    *processor.Batch   // nil: nothing is sent
	exporter *exporter.Exporter // what batch sends through
	reporter *diag.Reporter
}

// Setup builds a pipeline. It does not reach for the server, registers nothing
// globally and changes no logger of the program. All problems of settings,
// environment and options are returned in one joined error.
//
// The logging.yml of the user's Python flows holds here too: which levels of which
// loggers go to Prefect and to the console. Where there is none, the one that
// Prefect ships holds, but for its console handler, see [WithConsole].
func Setup(ctx context.Context, opts ...Option) (*Pipeline, error) {
	c := newConfig(opts)
	reporter := diag.New(c.onError)
	if c.settings == nil {
		loaded, err := settings.Load()
		if err != nil {
			return nil, err
		}
		c.settings = &loaded
	}
	reason := c.silent()
	if reason != "" {
		for _, notice := range c.settings.Notices() { // which else the exporter tells
			reporter.Tell(errors.New(notice))
		}
		reporter.Tell(fmt.Errorf("logs are not sent to Prefect: %s", reason))
		if isDisabled() {
			return &Pipeline{provider: sdklog.NewLoggerProvider(c.provider...), reporter: reporter}, nil
		}
	}
	routes, err := newRouter(c, reporter)
	if err != nil {
		return nil, err
	}
	if reason != "" {
		if len(routes.lines) > 0 {
			c.provider = append(c.provider[:len(c.provider):len(c.provider)], sdklog.WithProcessor(routes))
		}
		return &Pipeline{provider: sdklog.NewLoggerProvider(c.provider...), reporter: reporter}, nil
	}

	exp, err := exporter.New(ctx, slices.Concat([]exporter.Option{
		exporter.WithSettings(*c.settings), exporter.WithErrorHandler(c.onError),
	}, routes.messageFormat(), c.exporter)...)
	if err != nil {
		return nil, errors.Join(err, routes.close(ctx))
	}
	batch, err := processor.NewBatch(exp, append([]processor.Option{
		processor.WithErrorHandler(c.onError),
	}, c.batch...)...)
	if err != nil {
		return nil, errors.Join(err, exp.Shutdown(ctx), routes.close(ctx))
	}
	routes.api = batch
	provider := sdklog.NewLoggerProvider(slices.Concat(
		[]sdklog.LoggerProviderOption{sdklog.WithAllowKeyDuplication()}, // the encoder lets the last of equal keys win, at less cost
		c.provider,
		[]sdklog.LoggerProviderOption{sdklog.WithProcessor(routes)}, // last: what others change of a record is sent changed
	)...)
	p := &Pipeline{provider: provider, batch: batch, exporter: exp, reporter: reporter}
	p.register()
	return p, nil
}

// LoggerProvider returns the provider, for any bridge to OpenTelemetry.
func (p *Pipeline) LoggerProvider() *sdklog.LoggerProvider { return p.provider }

// Logger returns a logger of log/slog. Its name stands beside each log on the
// run's page.
func (p *Pipeline) Logger(name string) *slog.Logger {
	return otelslog.NewLogger(name, otelslog.WithLoggerProvider(p.provider))
}

// ForceFlush returns when every record logged before the call is stored, refused or
// dropped, or with an error when ctx ends first.
func (p *Pipeline) ForceFlush(ctx context.Context) error {
	return p.provider.ForceFlush(own.Given(ctx))
}

// Flush asks for everything that is queued to be sent now, and does not wait; see [processor.Batch.Flush].
func (p *Pipeline) Flush() {
	if p.batch != nil {
		p.batch.Flush()
	}
}

// grace is what the processors that [WithProvider] added have for their own
// shutdown where nothing is left of the context.
const grace = time.Second

// Shutdown delivers what is queued and ends the pipeline. If ctx ends first, the
// error says how many records were not delivered. A ctx without a deadline ends when nothing
// was delivered for 30 seconds, and the error goes to the error handler too: defer throws it away.
// Nothing of the pipeline runs when it returns. Processors that WithProvider added are shut down too, with
// what is left of ctx, or one second. Calls while one is under way end it where their ctx ends earlier; later calls return nil.
func (p *Pipeline) Shutdown(ctx context.Context) error {
	p.unregister()
	ctx = own.Given(ctx)
	var err error
	if p.batch != nil {
		// Before the provider, which would never reach it if its own context ended first.
		err = p.batch.Shutdown(ctx)
	}
	if _, bounded := ctx.Deadline(); err != nil && !bounded {
		p.reporter.Tell(err)
	}
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
	}
	return errors.Join(err, p.provider.Shutdown(ctx))
}

// Stats returns the counters of one moment; all are zero where nothing is sent.
func (p *Pipeline) Stats() processor.Stats {
	if p.batch == nil {
		return processor.Stats{}
	}
	return p.batch.Stats()
}
