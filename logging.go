// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs

import (
	"context"
	"errors"
	"fmt"
	"io"

	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/console"
	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/internal/diag"
	"github.com/prefectlogs/prefectlogs/internal/dictconfig"
	"github.com/prefectlogs/prefectlogs/internal/own"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// WithConsole makes the console handlers of Prefect's logging.yml write to w, also
// where the user has no such file of their own, which alone turns them on. nil turns
// them off. Without this option they write to standard error or output, as the
// file says. Handlers that write to files are on and off with them, and write there.
func WithConsole(w io.Writer) Option {
	return optionFunc(func(c config) config {
		c.console, c.hasConsole = w, true
		return c
	})
}

// router hands each record to the handlers that a logging.yml gives its logger.
type router struct {
	rules    *dictconfig.Config
	file     string                                    // what problems of it begin with
	shipped  bool                                      // there is no file of the user's
	inTask   bool                                      // the environment names a task run
	api      sdklog.Processor                          // nil: nothing is sent
	lines    map[*dictconfig.Handler]*console.Exporter // of the handlers that are on
	reporter *diag.Reporter
}

// newRouter reads the logging.yml in force. Its api is not set yet.
func newRouter(c config, reporter *diag.Reporter) (*router, error) {
	logging, err := c.settings.Logging()
	if err != nil {
		return nil, err
	}
	rules, err := dictconfig.New(logging)
	if err != nil {
		return nil, err
	}
	for _, notice := range append(logging.Notices, rules.Notices...) {
		reporter.Tell(errors.New(notice))
	}
	environment, _ := run.FromEnvironment() // a bad id is told by the exporter, where one is needed
	r := &router{
		rules: rules, file: logging.String(), shipped: logging.File == "", inTask: environment.TaskRunID != "",
		lines: make(map[*dictconfig.Handler]*console.Exporter), reporter: reporter,
	}
	if r.shipped && !c.hasConsole || c.hasConsole && c.console == nil {
		return r, nil
	}
	resolved, _ := exporter.Resolve(append([]exporter.Option{exporter.WithSettings(*c.settings)}, c.exporter...)...) // what is wrong is told by the exporter, where one is needed
	var errs []error
	for _, h := range rules.Handlers {
		if h.Kind != dictconfig.Stream && h.Kind != dictconfig.File {
			continue
		}
		written, err := c.lines(h, logging, resolved)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: handlers.%s: %w", logging, h.Name, err))
			continue
		}
		r.lines[h] = written
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, r.close(context.Background()))
	}
	return r, nil
}

// messageFormat is the format of messages. There is one for all of them: that of the API
// handler which prefect.flow_runs reaches. What other handlers have is told.
func (r *router) messageFormat() []exporter.Option {
	senders := r.rules.Senders()
	if len(senders) == 0 {
		return nil
	}
	first := senders[0]
	for _, h := range senders {
		switch text := h.Format.Text; {
		case h.Format.JSON != first.Format.JSON:
			r.reporter.Tell(fmt.Errorf("%s: handlers.%s has another formatter than handlers.%s, whose format all messages have that are sent: what the handler of prefect.flow_runs has holds; give both the same", r.file, h.Name, first.Name))
		case text != "" && text != "%(message)s":
			r.reporter.Tell(fmt.Errorf("%s: handlers.%s has a formatter of text; what is sent is the message alone, and the page shows time, level and logger beside it", r.file, h.Name))
		}
	}
	if first.Format.JSON == "" {
		return nil
	}
	return []exporter.Option{exporter.WithFormat(mapping.Format(first.Format.JSON))}
}

// least is the least level of a logger's records that go anywhere.
func (r *router) least(route *dictconfig.Route) int {
	least := dictconfig.Never
	if r.api != nil {
		least = route.API
	}
	for _, t := range route.Lines {
		if r.lines[t.Handler] != nil {
			least = min(least, t.Least)
		}
	}
	return least
}

// route is where the records of a logger go. Whether a run logger is within a task run
// is asked of what [run.Current] looks at, so that its rules are those of the logger
// that package runlog gives in the same context, and are known before there is a record.
func (r *router) route(ctx context.Context, logger string) *dictconfig.Route {
	routes := r.rules.Routes(logger)
	if routes.Flow == routes.Task {
		return routes.Flow
	}
	ids, _ := run.IDsFromContext(ctx)
	if ids.Flow.IsZero() {
		ids = ids.Or(run.IDsFromBaggage(ctx))
	}
	if !ids.Task.IsZero() || r.inTask && ids.Flow.IsZero() {
		return routes.Task
	}
	return routes.Flow
}

// Enabled lets bridges save the work of building a record that goes nowhere.
func (r *router) Enabled(ctx context.Context, param sdklog.EnabledParameters) bool {
	route := r.route(own.Given(ctx), param.InstrumentationScope.Name)
	least := r.least(route)
	if least == dictconfig.Never {
		r.nowhere(param.InstrumentationScope.Name)
		return false
	}
	return param.Severity == otellog.SeverityUndefined || mapping.LevelOf(int(param.Severity), "") >= least
}

// nowhere tells of a logger that no handler serves, unless a file of the user's has it so.
func (r *router) nowhere(logger string) {
	if r.shipped && r.api != nil {
		r.reporter.Once("nowhere "+logger, fmt.Errorf("records of logger %q go nowhere: the logging.yml that Prefect ships does not send them; "+
			"name the logger otherwise, or name it in PREFECT_LOGGING_EXTRA_LOGGERS", logger))
	}
}

// OnEmit always returns nil, as the processors behind it do.
func (r *router) OnEmit(ctx context.Context, record *sdklog.Record) error {
	ctx = own.Given(ctx)
	logger := record.InstrumentationScope().Name
	route := r.route(ctx, logger)
	level := mapping.LevelOf(int(record.Severity()), record.SeverityText())
	switch {
	case r.api == nil:
	case level >= route.API:
		_ = r.api.OnEmit(ctx, record) // always nil
	case route.API == dictconfig.Never && len(r.lines) == 0:
		r.nowhere(logger)
	}
	for _, t := range route.Lines { // last, for a terminal may make it wait
		if lines := r.lines[t.Handler]; lines != nil && level >= t.Least {
			_ = lines.OnEmit(ctx, record) // always nil
		}
	}
	return nil
}

func (r *router) ForceFlush(ctx context.Context) error {
	if r.api == nil {
		return nil
	}
	return r.api.ForceFlush(ctx)
}

func (r *router) Shutdown(ctx context.Context) error {
	var err error
	if r.api != nil {
		err = r.api.Shutdown(ctx)
	}
	return errors.Join(err, r.close(ctx))
}

// close ends the handlers that write lines.
func (r *router) close(ctx context.Context) error {
	var errs []error
	for _, lines := range r.lines {
		errs = append(errs, lines.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// lines is what a handler that writes lines does.
func (c config) lines(h *dictconfig.Handler, logging settings.Logging, resolved exporter.Resolved) (*console.Exporter, error) {
	opts := []console.Option{
		console.WithFormat(console.Format{
			JSON: h.Format.JSON, Text: h.Format.Text, FlowRun: h.Format.FlowRun, TaskRun: h.Format.TaskRun, Date: h.Format.Date,
		}),
		console.WithColors(h.Colors && logging.Colors),
		console.WithSecrets(resolved.Secrets...),
		console.WithErrorHandler(c.onError),
	}
	if resolved.Allow != nil {
		opts = append(opts, console.WithAllowedAttributes(resolved.Allow...))
	}
	if resolved.Deny != nil {
		opts = append(opts, console.WithDeniedAttributes(resolved.Deny...))
	}
	switch {
	case h.Kind == dictconfig.File:
		opts = append(opts, console.WithFile(h.Path, h.Truncate))
	case c.console != nil:
		opts = append(opts, console.WithWriter(c.console))
	case h.Stdout:
		opts = append(opts, console.WithStdout())
	}
	return console.New(opts...)
}
