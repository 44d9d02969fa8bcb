// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/baggage"

	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

// withBaggage puts baggage, names and values in turns, into a context.
func withBaggage(ctx context.Context, members ...string) context.Context {
	bag := baggage.FromContext(ctx)
	for i := 0; i < len(members); i += 2 {
		member, err := baggage.NewMemberRaw(members[i], members[i+1])
		if err != nil {
			panic(err)
		}
		if bag, err = bag.SetMember(member); err != nil {
			panic(err)
		}
	}
	return baggage.ContextWithBaggage(ctx, bag)
}

func baggageOf(ctx context.Context) vars {
	got := vars{}
	for _, member := range baggage.FromContext(ctx).Members() {
		got[member.Key()] = member.Value()
	}
	return got
}

func TestContextWithBaggage(t *testing.T) {
	flow := func(ctx context.Context) context.Context {
		return run.NewContext(ctx, run.Info{FlowRunID: flowA, FlowName: "secret"})
	}
	task := func(ctx context.Context) context.Context {
		return run.NewContext(ctx, run.Info{FlowRunID: flowA, TaskRunID: taskA, TaskName: "secret"})
	}
	strangers := func(ctx context.Context) context.Context {
		return withBaggage(ctx, "user", "4711", "prefect.flow_run.id", flowB, "task_run_id", taskB)
	}
	tests := map[string]struct {
		env  vars
		ctx  []func(context.Context) context.Context
		want vars
		err  string
	}{
		"no run":                        {want: vars{}},
		"a flow run":                    {ctx: []func(context.Context) context.Context{flow}, want: vars{"prefect.flow_run.id": flowA}},
		"a task run":                    {ctx: []func(context.Context) context.Context{task}, want: vars{"prefect.flow_run.id": flowA, "prefect.task_run.id": taskA}},
		"the environment's":             {env: vars{"PREFECT__FLOW_RUN_ID": flowB}, want: vars{"prefect.flow_run.id": flowB}},
		"a stranger's goes out":         {ctx: []func(context.Context) context.Context{strangers, flow}, want: vars{"user": "4711", "prefect.flow_run.id": flowA}},
		"and where there is none":       {ctx: []func(context.Context) context.Context{strangers}, want: vars{"user": "4711"}},
		"and where there is no telling": {env: vars{"PREFECT__FLOW_RUN_ID": "x"}, ctx: []func(context.Context) context.Context{strangers}, want: vars{"user": "4711"}, err: "PREFECT__FLOW_RUN_ID"},
		"trusted baggage goes on": {
			ctx:  []func(context.Context) context.Context{strangers, run.TrustBaggage},
			want: vars{"user": "4711", "prefect.flow_run.id": flowB, "prefect.task_run.id": taskB},
		},
		"baggage that is full": {
			ctx: []func(context.Context) context.Context{flow, func(ctx context.Context) context.Context {
				return withBaggage(ctx, "user", strings.Repeat("x", 8180))
			}},
			want: vars{"user": strings.Repeat("x", 8180)}, err: "put less into it",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, tt.env)
			ctx := t.Context()
			for _, f := range tt.ctx {
				ctx = f(ctx)
			}
			got, err := run.ContextWithBaggage(ctx)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v", err)
			}
			if diff := cmp.Diff(tt.want, baggageOf(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestARunHasRoomInTheBaggageThatServicesTake(t *testing.T) {
	setEnvironment(t, nil)
	ctx := run.NewContext(t.Context(), run.Info{FlowRunID: flowA, TaskRunID: taskA})
	for i := range 62 {
		ctx = withBaggage(ctx, fmt.Sprint("member-", i), "x")
	}
	if _, err := run.ContextWithBaggage(ctx); err != nil {
		t.Error(err)
	}
	if _, err := run.ContextWithBaggage(withBaggage(ctx, "one", "more")); err == nil {
		t.Error("65 members, of which a service takes none")
	}
}

// Baggage and records have one table of names.
func TestBaggageNamesRunsAsTheMappingDoes(t *testing.T) {
	setEnvironment(t, nil)
	for _, key := range mapping.DefaultKeys().WithCICD() {
		meansARun := key.Meaning == mapping.FlowRunID || key.Meaning == mapping.TaskRunID || key.Meaning == mapping.TypedID || key.Meaning == mapping.RunType
		ctx := withBaggage(t.Context(), key.Name, flowA)
		if left := len(baggageOf(run.StripBaggage(ctx))); (left == 0) != meansARun {
			t.Errorf("StripBaggage leaves %d of %s", left, key.Name)
		}
		info, _ := run.Current(run.TrustBaggage(ctx))
		read := info.FlowRunID == flowA && key.Meaning == mapping.FlowRunID || info.TaskRunID == flowA && key.Meaning == mapping.TaskRunID
		plain := strings.HasSuffix(key.Name, "_run.id") || strings.HasSuffix(key.Name, "_run_id")
		if read != plain {
			t.Errorf("baggage %s names %+v", key.Name, info)
		}
	}
}

func TestTrustBaggageHandler(t *testing.T) {
	setEnvironment(t, nil)
	header := run.FlowRunIDKey + "=" + flowA + "," + run.TaskRunIDKey + "=" + taskA
	tests := map[string]struct {
		header string
		before func(http.Handler) http.Handler
		want   run.Info
	}{
		"a request that names a run":   {header: header, want: run.Info{FlowRunID: flowA, TaskRunID: taskA}},
		"a request without baggage":    {},
		"a header that cannot be read": {header: "= , ;"},
		"ids that are none":            {header: run.FlowRunIDKey + "=none"},
		"what stands before it decides": {header: header, before: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(withBaggage(r.Context(), run.FlowRunIDKey, flowB)))
			})
		}, want: run.Info{FlowRunID: flowB}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got run.Info
			handler := run.TrustBaggageHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got, _ = run.Current(r.Context())
			}))
			if tt.before != nil {
				handler = tt.before(handler)
			}
			request := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
			request.Header.Set("Baggage", tt.header)
			handler.ServeHTTP(httptest.NewRecorder(), request)
			if got != tt.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestStripBaggageLeavesTheRest(t *testing.T) {
	ctx := withBaggage(t.Context(), "user", "4711", "flow_run_id", flowA)
	if diff := cmp.Diff(vars{"user": "4711"}, maps.Clone(baggageOf(run.StripBaggage(ctx)))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := baggageOf(ctx); len(got) != 2 {
		t.Errorf("the context itself has changed: %v", got)
	}
}
