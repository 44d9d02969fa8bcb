// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/prefectlogs/prefectlogs/run"
)

// A task run within a flow run: what a context knows of the flow run stays.
func ExampleNewContext() {
	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555", FlowName: "orders"})
	ctx = run.NewContext(ctx, run.Info{TaskRunID: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", TaskName: "pack"}) // within the flow run

	info, _ := run.FromContext(ctx)
	fmt.Println(info.FlowName, info.FlowRunID)
	fmt.Println(info.TaskName, info.TaskRunID)
	// Output:
	// orders 11111111-2222-3333-4444-555555555555
	// pack aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
}

// The run that work belongs to: that of the context, else of trusted baggage, else of the environment.
func ExampleCurrent() {
	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"})
	info, err := run.Current(ctx)
	fmt.Println(info.FlowRunID, err)

	_, err = run.Current(context.Background())
	fmt.Println(errors.Is(err, run.ErrNoRun))
	// Output:
	// 11111111-2222-3333-4444-555555555555 <nil>
	// true
}

// A child process belongs to the run of its parent.
func ExampleEnviron() {
	ctx := run.NewContext(context.Background(), run.Info{
		FlowRunID: "11111111-2222-3333-4444-555555555555", TaskRunID: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
	})
	cmd := exec.CommandContext(ctx, "env")
	cmd.Env = append(os.Environ(), run.Environ(ctx)...)
	out, _ := cmd.Output()
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "PREFECT__FLOW_RUN_ID=") || strings.HasPrefix(line, "PREFECT__TASK_RUN_ID=") {
			fmt.Print(line)
		}
	}
	// Unordered output:
	// PREFECT__FLOW_RUN_ID=11111111-2222-3333-4444-555555555555
	// PREFECT__TASK_RUN_ID=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
}

// A request carries the run of the context it is made with to a service that trusts its callers.
// A service logs into the run of the request, by a propagator of baggage.
func ExampleContextWithBaggage() {
	ctx := run.NewContext(context.Background(), run.Info{
		FlowRunID: "11111111-2222-3333-4444-555555555555", TaskRunID: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
	})
	ctx, err := run.ContextWithBaggage(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://stock.internal/", nil)
	propagation.Baggage{}.Inject(ctx, propagation.HeaderCarrier(request.Header)) // as otelhttp does

	service := run.TrustBaggageHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		info, _ := run.Current(r.Context())
		fmt.Println(info.FlowRunID, info.TaskRunID)
	}))
	service.ServeHTTP(httptest.NewRecorder(), request)
	// Output: 11111111-2222-3333-4444-555555555555 aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
}

// What a request says of runs counts for nothing until its baggage is trusted.
// Baggage comes from whoever sends a request, and steers nothing until it is trusted.
func ExampleTrustBaggage() {
	member, _ := baggage.NewMember(run.FlowRunIDKey, "11111111-2222-3333-4444-555555555555")
	bag, _ := baggage.New(member)
	ctx := baggage.ContextWithBaggage(context.Background(), bag)

	_, err := run.Current(ctx)
	fmt.Println(errors.Is(err, run.ErrNoRun))
	info, _ := run.Current(run.TrustBaggage(ctx))
	fmt.Println(info.FlowRunID)
	// Output:
	// true
	// 11111111-2222-3333-4444-555555555555
}

// Spans of the program under the span of the flow run.
func ExampleJoinTrace() {
	// An exporter.Exporter asks Prefect; Pipeline.JoinTrace does all of this.
	prefect := traceOf{"11111111-2222-3333-4444-555555555555": "00-0102030405060708090a0b0c0d0e0f10-0102030405060708-01"}

	ctx := run.NewContext(context.Background(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"})
	ctx, err := run.JoinTrace(ctx, prefect)
	fmt.Println(trace.SpanContextFromContext(ctx).TraceID(), err)
	// Output: 0102030405060708090a0b0c0d0e0f10 <nil>
}

// traceOf knows the traces of flow runs, by id.
type traceOf map[string]string

func (t traceOf) TraceParent(_ context.Context, flowRun run.ID) (string, error) {
	return t[flowRun.String()], nil
}
