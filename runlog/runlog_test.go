// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package runlog_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log/noop"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/runlog"
)

const (
	flowA = "11111111-2222-3333-4444-555555555555"
	flowB = "99999999-2222-3333-4444-555555555555"
	taskA = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	taskB = "bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee"
)

// logged is a record as it leaves the provider.
type logged struct {
	Name, Message string
	Fields        fields
}

// records is a processor that keeps what was logged.
type records struct{ all []logged }

func (r *records) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (r *records) ForceFlush(context.Context) error                       { return nil }
func (r *records) Shutdown(context.Context) error                         { return nil }
func (r *records) OnEmit(_ context.Context, record *sdklog.Record) error {
	got := logged{record.InstrumentationScope().Name, record.Body().AsString(), fields{}}
	record.WalkAttributes(func(kv attribute.KeyValue) bool {
		got.Fields[string(kv.Key)] = kv.Value.String()
		return true
	})
	r.all = append(r.all, got)
	return nil
}

func (r *records) last() logged {
	if len(r.all) == 0 {
		return logged{}
	}
	return r.all[len(r.all)-1]
}

func newLoggers() (runlog.Loggers, *records) {
	kept := new(records)
	return runlog.New(sdklog.NewLoggerProvider(sdklog.WithProcessor(kept))), kept
}

func TestLogger(t *testing.T) {
	in := func(infos ...run.Info) func(context.Context) context.Context {
		return func(ctx context.Context) context.Context {
			for _, info := range infos {
				ctx = run.NewContext(ctx, info)
			}
			return ctx
		}
	}
	flow := run.Info{FlowRunID: strings.ToUpper(flowA), FlowRunName: "tapir", FlowName: "orders"}
	task := run.Info{TaskRunID: taskA, TaskRunName: "pack-0", TaskName: "pack"}
	flowLogged := logged{"prefect.flow_runs", "", fields{"flow_run_id": flowA, "flow_run_name": "tapir", "flow_name": "orders"}}
	taskLogged := logged{"prefect.task_runs", "", fields{
		"flow_run_id": flowA, "flow_run_name": "tapir", "flow_name": "orders", "task_run_id": taskA, "task_run_name": "pack-0", "task_name": "pack",
	}}
	nothing := logged{}
	tests := map[string]struct {
		env      fields
		ctx      func(context.Context) context.Context
		attrs    []slog.Attr
		provider *runlog.Loggers
		want     logged
		err      string
	}{
		"in a flow run":                  {ctx: in(flow), want: flowLogged},
		"a task run before its flow run": {ctx: in(flow, task), want: taskLogged},
		"an override by a context of its own": {
			ctx: in(flow, task, run.Info{FlowRunID: flowB}), want: logged{"prefect.flow_runs", "", fields{"flow_run_id": flowB, "flow_run_name": "<unknown>", "flow_name": "<unknown>"}},
		},
		"in the run of the environment": {
			env: fields{"PREFECT__FLOW_RUN_ID": flowA, "PREFECT__FLOW_NAME": "orders"}, want: logged{"prefect.flow_runs", "", fields{"flow_run_id": flowA, "flow_run_name": "<unknown>", "flow_name": "orders"}},
		},
		"in the task run of the environment": {
			env: fields{"PREFECT__FLOW_RUN_ID": flowA, "PREFECT__TASK_RUN_ID": taskA}, want: logged{"prefect.task_runs", "", fields{
				"flow_run_id": flowA, "flow_run_name": "<unknown>", "flow_name": "<unknown>", "task_run_id": taskA, "task_run_name": "<unknown>", "task_name": "<unknown>",
			}},
		},
		"attributes of the logger win over its fields": {
			ctx: in(flow), attrs: []slog.Attr{slog.String("flow_name", "mine"), slog.Int("n", 1)},
			want: logged{"prefect.flow_runs", "", fields{"flow_run_id": flowA, "flow_run_name": "tapir", "flow_name": "mine", "n": "1"}},
		},
		"outside of any run":                                     {err: run.ErrNoRun.Error()},
		"a task run without a flow run is none":                  {ctx: in(task), err: run.ErrNoRun.Error()},
		"an environment that cannot be read":                     {env: fields{"PREFECT__FLOW_RUN_ID": "x"}, err: "PREFECT__FLOW_RUN_ID"},
		"disabled, in a run":                                     {ctx: func(ctx context.Context) context.Context { return runlog.Disable(in(flow)(ctx)) }, want: nothing},
		"disabled, outside of any run":                           {ctx: runlog.Disable, want: nothing},
		"outside of any run, and nothing is taken":               {provider: new(runlog.New(noop.NewLoggerProvider())), want: nothing},
		"outside of any run, and there is no exporter":           {provider: new(runlog.New(sdklog.NewLoggerProvider())), want: nothing},
		"nothing is taken in an environment that cannot be read": {env: fields{"PREFECT__FLOW_RUN_ID": "x"}, provider: new(runlog.New(noop.NewLoggerProvider())), want: nothing},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"PREFECT__FLOW_RUN_ID", "PREFECT__TASK_RUN_ID", "PREFECT__FLOW_NAME", "PREFECT__DEPLOYMENT_NAME"} {
				t.Setenv(variable, tt.env[variable])
			}
			loggers, kept := newLoggers()
			if tt.provider != nil {
				loggers = *tt.provider
			}
			ctx := t.Context()
			if tt.ctx != nil {
				ctx = tt.ctx(ctx)
			}
			logger, err := loggers.Logger(ctx, tt.attrs...)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || (tt.err == run.ErrNoRun.Error()) != errors.Is(err, run.ErrNoRun) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			logger.InfoContext(run.NewContext(t.Context(), run.Info{FlowRunID: flowB, TaskRunID: taskB}), "")
			if diff := cmp.Diff(tt.want, kept.last()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAttributesOfACallWinOverThoseOfTheLogger(t *testing.T) {
	loggers, kept := newLoggers()
	logger, err := loggers.TaskRunLogger(run.Info{FlowRunID: flowA, TaskRunID: taskA}, slog.String("k", "logger"), slog.String("task_name", "logger"))
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("m", "k", "call", "flow_run_id", flowB, "task_name", "call")
	want := logged{"prefect.task_runs", "m", fields{
		"k": "call", "flow_run_id": flowB, "flow_run_name": "<unknown>", "flow_name": "<unknown>", "task_run_id": taskA, "task_run_name": "<unknown>", "task_name": "call",
	}}
	if diff := cmp.Diff(want, kept.last()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	logger.With("k", "with").Info("m")
	if got := kept.last().Fields["k"]; got != "with" {
		t.Errorf("With gives %q", got)
	}
	logger.Info("m")
	if got := kept.last().Fields["k"]; got != "logger" {
		t.Errorf("a later call has %q", got)
	}
}

func TestLoggersOfRunsThatAreNone(t *testing.T) {
	loggers, kept := newLoggers()
	for name, tt := range map[string]struct {
		info       run.Info
		flow, task string // in the errors; "": no error
	}{
		"nothing":                     {run.Info{}, run.ErrNoRun.Error(), run.ErrNoRun.Error()},
		"no UUIDs":                    {run.Info{FlowRunID: "secret", TaskRunID: "secret"}, "the flow run id is not a UUID", "the task run id is not a UUID"},
		"the nil UUID":                {run.Info{FlowRunID: strings.Repeat("0", 32), TaskRunID: strings.Repeat("0", 32)}, run.ErrNoRun.Error(), run.ErrNoRun.Error()},
		"a flow run that is no UUID":  {run.Info{FlowRunID: "secret", TaskRunID: taskA}, "the flow run id is not a UUID", "the flow run id is not a UUID"},
		"a flow run":                  {run.Info{FlowRunID: flowA}, "", run.ErrNoRun.Error()},
		"a task run of some flow run": {run.Info{TaskRunID: taskA}, run.ErrNoRun.Error(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			for kind, made := range map[string]struct {
				want string
				make func(run.Info, ...slog.Attr) (*slog.Logger, error)
			}{"flow": {tt.flow, loggers.FlowRunLogger}, "task": {tt.task, loggers.TaskRunLogger}} {
				logger, err := made.make(tt.info)
				if (err != nil) != (made.want != "") || err != nil && (!strings.Contains(err.Error(), made.want) || strings.Contains(err.Error(), "secret")) {
					t.Errorf("%s: error %v", kind, err)
				}
				if err == nil {
					logger.Info("m")
				}
			}
		})
	}
	for _, got := range kept.all {
		if id, ok := got.Fields["flow_run_id"]; got.Name == "prefect.task_runs" && ok {
			t.Errorf("a task run of some flow run names flow run %q", id)
		}
	}
}
