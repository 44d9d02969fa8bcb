// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel"
	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/run"
)

// The names of Prefect's loggers (logging/loggers.py).
const (
	rootLogger    = "prefect"
	flowRunLogger = "prefect.flow_runs"
	taskRunLogger = "prefect.task_runs"
)

// unknown stands where Prefect does not know a name.
const unknown = "<unknown>"

// Loggers makes loggers of one provider. It is safe for concurrent use, and so are
// copies of it. Get one from [New].
type Loggers struct {
	provider otellog.LoggerProvider
	named    *sync.Map // of *slog.Logger, by full name
}

// New returns the loggers of a provider, such as that of a prefectlogs.Pipeline.
func New(provider otellog.LoggerProvider) Loggers {
	return Loggers{provider: provider, named: new(sync.Map)}
}

// known are the loggers of the provider that was registered with OpenTelemetry when they were last asked for.
var known atomic.Pointer[Loggers]

// global are the loggers of the provider that is registered with OpenTelemetry now. Of those that were made before one was
// registered the first one that is takes the records; those of a provider that was replaced stay with it.
func global() Loggers {
	provider := otel.GetLoggerProvider()
	last := known.Load()
	if last == nil || !reflect.ValueOf(provider).Comparable() || last.provider != provider {
		last = new(New(provider))
		known.Store(last)
	}
	return *last
}

// Logger returns a logger bound to the run that work under ctx belongs to, as
// [run.Current] finds it: to the task run where there is one, else to the flow run. What
// it logs stands in that run whatever context a call is made with. It is Prefect's
// get_run_logger; to have the logger of another run than that of ctx, hand it a context
// of [run.NewContext].
//
// Without a flow run the error is [run.ErrNoRun], unless there is nothing to tell:
// where logging is disabled, by [Disable] or since the provider takes no record at all
// (as that of a Pipeline which sends nothing), the logger is silent and the error nil.
func (l Loggers) Logger(ctx context.Context, attrs ...slog.Attr) (*slog.Logger, error) {
	if ctx.Value(disabledKey{}) != nil {
		return slog.New(slog.DiscardHandler), nil
	}
	info, err := run.Current(ctx)
	switch {
	case err != nil && !l.enabled(ctx):
		return slog.New(slog.DiscardHandler), nil
	case err != nil:
		return nil, err
	case info.TaskRunID != "":
		return l.TaskRunLogger(info, attrs...)
	default:
		return l.FlowRunLogger(info, attrs...)
	}
}

// enabled reports whether the provider takes any record of a run at all.
func (l Loggers) enabled(ctx context.Context) bool {
	return l.provider.Logger(flowRunLogger).Enabled(ctx, otellog.EnabledParameters{Severity: otellog.SeverityFatal4})
}

// FlowRunLogger returns a logger bound to a flow run that is known by more than the
// context: Prefect's flow_run_logger. A task run in info does not matter. An id that is no
// UUID is an error, and none at all is [run.ErrNoRun].
func (l Loggers) FlowRunLogger(info run.Info, attrs ...slog.Attr) (*slog.Logger, error) {
	id, err := parse("flow", info.FlowRunID)
	if err != nil {
		return nil, err
	}
	bound := append(flowRunFields(info), slog.String("flow_run_id", id))
	if info.DeploymentName != "" {
		bound = append(bound, slog.String("deployment_name", info.DeploymentName))
	}
	return l.bind(flowRunLogger, bound, attrs), nil
}

// TaskRunLogger returns a logger bound to a task run that is known by more than the
// context: Prefect's task_run_logger. Where info has no flow run, that of the context
// of a call counts, or of the environment. An id that is no UUID is an error, and no
// task run is [run.ErrNoRun].
func (l Loggers) TaskRunLogger(info run.Info, attrs ...slog.Attr) (*slog.Logger, error) {
	id, err := parse("task", info.TaskRunID)
	if err != nil {
		return nil, err
	}
	bound := append(flowRunFields(info),
		slog.String("task_run_id", id),
		slog.String("task_run_name", orUnknown(info.TaskRunName)),
		slog.String("task_name", orUnknown(info.TaskName)),
	)
	if info.FlowRunID != "" {
		id, err := parse("flow", info.FlowRunID)
		if err != nil {
			return nil, err
		}
		bound = append(bound, slog.String("flow_run_id", id))
	}
	return l.bind(taskRunLogger, bound, attrs), nil
}

func flowRunFields(info run.Info) []slog.Attr {
	return []slog.Attr{
		slog.String("flow_run_name", orUnknown(info.FlowRunName)),
		slog.String("flow_name", orUnknown(info.FlowName)),
	}
}

func orUnknown(name string) string {
	if name == "" {
		return unknown
	}
	return name
}

// parse returns the canonical spelling of an id.
func parse(kind, text string) (string, error) {
	if text == "" {
		return "", run.ErrNoRun
	}
	id, err := run.ParseID(text)
	if err != nil {
		return "", fmt.Errorf("runlog: the %s run id is %w", kind, err)
	}
	if id.IsZero() {
		return "", run.ErrNoRun
	}
	return id.String(), nil
}

// bind makes a logger. Of equal names the last one counts, so those given
// win over the fields, and those of a call over both: Prefect's PrefectLogAdapter.
func (l Loggers) bind(name string, fields, given []slog.Attr) *slog.Logger {
	handler := otelslog.NewHandler(name, otelslog.WithLoggerProvider(l.provider))
	return slog.New(handler.WithAttrs(append(fields, given...)))
}

// Named returns the logger of a name below "prefect", which is put before it unless
// it is there already; the name "" is that of "prefect" itself. The same name gives the
// same logger, which is kept for ever. It is Prefect's get_logger: bound to no run, so that
// a record's run is that of the context of the call.
//
// By the logging.yml that Prefect ships, a prefectlogs.Pipeline sends nothing of Named(""),
// Named("client") and Named("infrastructure"), in Prefect 3 of Named("server") and
// Named("_internal"), in Prefect 2 of Named("orion"), nor of names below the last five, and says
// so once for each. Name it in PREFECT_LOGGING_EXTRA_LOGGERS, or otherwise.
func (l Loggers) Named(name string) *slog.Logger {
	switch {
	case name == "":
		name = rootLogger
	case !strings.HasPrefix(name, rootLogger+"."):
		name = rootLogger + "." + name
	}
	if known, ok := l.named.Load(name); ok {
		return known.(*slog.Logger)
	}
	made := slog.New(otelslog.NewHandler(name, otelslog.WithLoggerProvider(l.provider)))
	known, _ := l.named.LoadOrStore(name, made)
	return known.(*slog.Logger)
}

// Logger is [Loggers.Logger] of the global provider.
func Logger(ctx context.Context, attrs ...slog.Attr) (*slog.Logger, error) {
	return global().Logger(ctx, attrs...)
}

// FlowRunLogger is [Loggers.FlowRunLogger] of the global provider.
func FlowRunLogger(info run.Info, attrs ...slog.Attr) (*slog.Logger, error) {
	return global().FlowRunLogger(info, attrs...)
}

// TaskRunLogger is [Loggers.TaskRunLogger] of the global provider.
func TaskRunLogger(info run.Info, attrs ...slog.Attr) (*slog.Logger, error) {
	return global().TaskRunLogger(info, attrs...)
}

// Named is [Loggers.Named] of the global provider.
func Named(name string) *slog.Logger { return global().Named(name) }

// disabledKey marks contexts in which [Loggers.Logger] is silent.
type disabledKey struct{}

// Disable returns a context for which [Logger] gives a silent logger, in a run and out
// of one: Prefect's disable_run_logger, for tests of code that logs. Loggers that exist
// already are not changed.
func Disable(ctx context.Context) context.Context {
	return context.WithValue(ctx, disabledKey{}, true)
}
