// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package watch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/join"
	"github.com/prefectlogs/prefectlogs/collector-component/internal/watch"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/run"
)

const (
	flowID = "11111111-1111-1111-1111-111111111111"
	taskID = "22222222-2222-2222-2222-222222222222"
	parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03"
)

// api answers what answer says, the n-th time from 0.
type api struct {
	answer func(n int) ([]prefectapi.TracedRun, error)
	takes  time.Duration
	asked  []time.Duration // when, since it began
	began  time.Time
}

func (a *api) TracedRuns(ctx context.Context, _ int, found func(prefectapi.TracedRun)) (bool, error) {
	n := len(a.asked)
	a.asked = append(a.asked, time.Since(a.began))
	<-time.After(a.takes)
	runs, err := a.answer(n)
	for _, r := range runs {
		found(r)
	}
	return true, err
}

// watched runs a watch for a while.
func watched(t *testing.T, a *api, config watch.Config, span time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a.began = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), span)
		defer cancel()
		if config.Learn == nil {
			config.Learn = func([]join.Label) {}
		}
		if config.Tell == nil {
			config.Tell = func(error, bool) {}
		}
		watch.Run(ctx, a, config)
	})
}

func TestWhatIsFoundIsLearnt(t *testing.T) {
	a := &api{answer: func(int) ([]prefectapi.TracedRun, error) {
		return []prefectapi.TracedRun{
			{ID: flowID, TraceParent: parent, Sub: true},
			{ID: taskID, TaskRun: true, FlowRunID: flowID, TraceParent: parent},
			{ID: taskID, TaskRun: true, TraceParent: parent},
			{ID: "none", TraceParent: parent},
			{ID: flowID, TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"},
			{ID: flowID, TraceParent: "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-03"},
			{ID: flowID, TraceParent: "00-0af7651916cd43dd8448eb211c80319x-b7ad6b7169203331-03"},
			{ID: flowID, TraceParent: "00-00000000000000000000000000000000-b7ad6b7169203331-03"},
			{ID: flowID, TraceParent: "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-03"},
		}, nil
	}}
	var got []join.Label
	watched(t, a, watch.Config{Interval: time.Second, Learn: func(l []join.Label) { got = l }}, time.Millisecond)
	flow, _ := run.ParseID(flowID)
	task, _ := run.ParseID(taskID)
	trace := join.TraceID{0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c}
	span := join.SpanID{0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31}
	want := []join.Label{
		{Trace: trace, Span: span, Run: run.IDs{Flow: flow}, Sub: true},
		{Trace: trace, Span: span, Run: run.IDs{Flow: flow, Task: task}},
		{Trace: trace, Span: span, Run: run.IDs{Task: task}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatCameBeforeAFailureIsLearnt(t *testing.T) {
	a := &api{answer: func(int) ([]prefectapi.TracedRun, error) {
		return []prefectapi.TracedRun{{ID: flowID, TraceParent: parent}}, errors.New("broken")
	}}
	learnt, told := 0, error(nil)
	watched(t, a, watch.Config{
		Interval: time.Second,
		Learn:    func(l []join.Label) { learnt += len(l) },
		Tell:     func(err error, _ bool) { told = err },
	}, time.Millisecond)
	if learnt != 1 || told == nil {
		t.Errorf("learnt %d, told %v", learnt, told)
	}
}

func TestTheServerIsNotAskedTooOften(t *testing.T) {
	well := func(int) ([]prefectapi.TracedRun, error) { return nil, nil }
	failing := func(int) ([]prefectapi.TracedRun, error) { return nil, errors.New("broken") }
	for name, tt := range map[string]struct {
		answer      func(int) ([]prefectapi.TracedRun, error)
		takes       time.Duration
		least, most int // times within ten minutes
	}{
		"every interval while it is well": {well, 0, 300, 376},
		"seldom where asking takes long":  {well, time.Second, 60, 74},
		"less and less while it fails":    {failing, 0, 14, 19},
		"when it says so": {func(int) ([]prefectapi.TracedRun, error) {
			return nil, &prefectapi.Error{RetryAfter: 4 * time.Minute}
		}, 0, 3, 4},
		"as before once it is well again": {func(n int) ([]prefectapi.TracedRun, error) {
			if n == 3 {
				return nil, errors.New("broken")
			}
			return nil, nil
		}, 0, 298, 375},
	} {
		a := &api{answer: tt.answer, takes: tt.takes}
		watched(t, a, watch.Config{Interval: 2 * time.Second, Limit: 1000}, 10*time.Minute)
		if n := len(a.asked); n < tt.least || n > tt.most {
			t.Errorf("%s: asked %d times, want %d to %d", name, n, tt.least, tt.most)
		}
	}
}
