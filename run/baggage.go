// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/baggage"
)

// The names under which baggage, attributes of logs and attributes of spans carry a run.
const (
	FlowRunIDKey = "prefect.flow_run.id"
	TaskRunIDKey = "prefect.task_run.id"
)

// The names under which baggage may carry the ids, the first one first, and those that
// mean a run to package mapping besides. Its tests hold them against its table.
var (
	flowRunIDNames = []string{FlowRunIDKey, "prefect.flow_run_id", "flow_run_id"}
	taskRunIDNames = []string{TaskRunIDKey, "prefect.task_run_id", "task_run_id"}
	otherNames     = []string{
		"prefect.run.id", "prefect.run.type",
		"k8s.pod.label.prefect.io/flow-run-id", "k8s.pod.labels.prefect.io/flow-run-id",
		"container.label.prefect.io/flow-run-id", "container.label.io.prefect.flow-run-id", "prefect.io/flow-run-id",
		"cicd.pipeline.run.id", "cicd.pipeline.task.run.id",
	}
)

// What the W3C's specification lets receivers take at most; OpenTelemetry drops all
// of the baggage that is longer.
const maxMembers, maxBytes = 64, 8192

// trustKey is the key under which a context says that its baggage may name runs.
type trustKey struct{}

// TrustBaggage returns a context, and so all that are made from it, whose baggage
// may say which run a log belongs to. Baggage comes with requests, from whoever
// sends them: without this mark it is never looked at, or a stranger could write
// into any run's page. Call it where requests come from services of your own alone.
func TrustBaggage(ctx context.Context) context.Context {
	return context.WithValue(ctx, trustKey{}, true)
}

// TrustBaggageHandler returns a handler whose requests may say, by the W3C header
// Baggage, which run their logs belong to: [TrustBaggage] for each of them. The header
// is read here, unless something before it has put baggage into the context already. What
// cannot be read of it is left out.
//
// It trusts whoever can send a request to the handler. Put it around handlers that
// only services of your own reach, and outside of one that begins the request's span,
// such as otelhttp's: a span gets its run when it starts.
func TrustBaggageHandler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if baggage.FromContext(ctx).Len() == 0 {
			// Not by the propagator: it tells OpenTelemetry's error handler what is wrong, and that logs.
			bag, _ := baggage.Parse(strings.Join(r.Header.Values("Baggage"), ","))
			ctx = baggage.ContextWithBaggage(ctx, bag)
		}
		next.ServeHTTP(w, r.WithContext(TrustBaggage(ctx)))
	})
}

// TrustedBaggage returns the names and values in the baggage of ctx, or nil where
// there is none or [TrustBaggage] was not called. It does not allocate where it returns nil.
func TrustedBaggage(ctx context.Context) iter.Seq2[string, string] {
	if ctx.Value(trustKey{}) == nil {
		return nil
	}
	bag := baggage.FromContext(ctx)
	if bag.Len() == 0 {
		return nil
	}
	return func(yield func(string, string) bool) {
		for _, member := range bag.Members() {
			if !yield(member.Key(), member.Value()) {
				return
			}
		}
	}
}

// IDsFromBaggage returns the ids that trusted baggage in ctx names, as [Current] takes
// them from it; they are zero where it names none or [TrustBaggage] was not called. It
// does not allocate.
func IDsFromBaggage(ctx context.Context) IDs {
	if ctx.Value(trustKey{}) == nil {
		return IDs{}
	}
	bag := baggage.FromContext(ctx)
	first := func(names []string) ID {
		for _, name := range names {
			if id, err := ParseID(bag.Member(name).Value()); err == nil {
				return id
			}
		}
		return ID{}
	}
	return IDs{Flow: first(flowRunIDNames), Task: first(taskRunIDNames)}
}

// fromBaggage is [IDsFromBaggage] as what is known of a run.
func fromBaggage(ctx context.Context) Info {
	ids := IDsFromBaggage(ctx)
	return Info{FlowRunID: canonical(ids.Flow), TaskRunID: canonical(ids.Task)}
}

// ContextWithBaggage returns a context whose baggage names the run of ctx
// ([Current]) and no other, so that a propagator of baggage carries it along with a
// request made with that context. Its names are [FlowRunIDKey] and [TaskRunIDKey], and
// nothing but ids is put there: baggage reaches whoever the request goes to.
//
// Where ctx has no run, what baggage says of runs is taken out as by
// [StripBaggage], unless it is trusted. The error says that the baggage has no room
// left, or which variable of the environment cannot be read; the context is then
// stripped alike.
func ContextWithBaggage(ctx context.Context) (context.Context, error) {
	info, err := current(ctx)
	stripped := StripBaggage(ctx)
	if err != nil {
		return stripped, err
	}
	bag := baggage.FromContext(stripped)
	for _, member := range []struct{ name, id string }{{FlowRunIDKey, info.FlowRunID}, {TaskRunIDKey, info.TaskRunID}} {
		if member.id == "" {
			continue
		}
		m, err := baggage.NewMember(member.name, member.id)
		if err == nil {
			bag, err = bag.SetMember(m)
		}
		if err != nil {
			return stripped, fmt.Errorf("run: putting the run into the baggage: %w", err)
		}
	}
	if bag.Len() > maxMembers || len(bag.String()) > maxBytes {
		return stripped, fmt.Errorf("run: with the run in it the baggage has %d members and %d bytes, and services take %d and %d: put less into it", bag.Len(), len(bag.String()), maxMembers, maxBytes)
	}
	return baggage.ContextWithBaggage(stripped, bag), nil
}

// StripBaggage returns a context whose baggage names no run, under any of the names
// of package mapping's default table. A service that strangers reach and that calls
// services which trust its baggage calls this first: a propagator hands baggage on as it came.
func StripBaggage(ctx context.Context) context.Context {
	bag := baggage.FromContext(ctx)
	before := bag.Len()
	for _, name := range slices.Concat(flowRunIDNames, taskRunIDNames, otherNames) {
		bag = bag.DeleteMember(name)
	}
	if bag.Len() == before {
		return ctx
	}
	return baggage.ContextWithBaggage(ctx, bag)
}
