// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/prefectlogs/prefectlogs/collector-component/prefectrunprocessor"
)

func TestTheOrderOfATraceStaysWithinAndAcrossPushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, nil)
		i.flow("t f", flowF)
		logs := plog.NewLogs()
		records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		for _, what := range []string{"t f 1", "t lost 2", "t f 3"} {
			fillLog(records.AppendEmpty(), what)
		}
		if err := i.logs.ConsumeLogs(t.Context(), logs); err != nil {
			t.Fatal(err)
		}
		i.log("t f 4")
		i.flow("u g", flowG)
		i.log("u g 5")
		wait(11 * time.Second)
		if diff := cmp.Diff([]string{"1 F/", "5 G/", "2 F/", "3 F/", "4 F/"}, i.sink.take()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		i.shutdown()
	})
}

// While the next component takes nothing, the processor takes nothing, so that a push can be sent again; what had been taken before is kept.
func TestARefusedPushIsRefusedAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, nil)
		i.flow("t f", flowF)
		i.log("u x waits before")
		push := func() error {
			logs := plog.NewLogs()
			records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
			fillLog(records.AppendEmpty(), "t f known")
			fillLog(records.AppendEmpty(), "u x waits")
			return i.logs.ConsumeLogs(t.Context(), logs)
		}
		i.sink.setRefuse(errRefused)
		if err := push(); !errors.Is(err, errRefused) {
			t.Errorf("the push ended with %v", err)
		}
		wait(11 * time.Second) // what waited is to be handed on, and is refused
		if err := push(); !errors.Is(err, errRefused) {
			t.Errorf("the push ended with %v", err)
		}
		i.sink.setRefuse(nil)
		wait(6 * time.Second)
		if err := push(); err != nil {
			t.Error(err)
		}
		i.sink.setRefuse(consumererror.NewPermanent(errRefused))
		if err := push(); !consumererror.IsPermanent(err) { // nobody sends it again: what can wait, waits
			t.Errorf("the push ended with %v", err)
		}
		i.sink.setRefuse(nil)
		wait(11 * time.Second)
		want := []string{"waits before /", "known F/", "waits /", "waits /"}
		if diff := cmp.Diff(want, i.sink.take()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		i.shutdown()
	})
}

// Senders such as contrib's consumerretry send again what they hold, so a push that is refused is left with all its logs.
func TestARefusedPushIsSentAgainWithAllItsLogs(t *testing.T) {
	push := func() plog.Logs {
		logs := plog.NewLogs()
		for _, program := range []string{"p", "q"} {
			resource := logs.ResourceLogs().AppendEmpty()
			resource.Resource().Attributes().PutStr("service.name", program)
			records := resource.ScopeLogs().AppendEmpty().LogRecords()
			for _, what := range []string{"t f known", "u x waits 1", " x plain", "u x waits 2"} {
				fillLog(records.AppendEmpty(), what+" "+program)
			}
		}
		fillLog(logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty(), "u x waits alone")
		return logs
	}
	atOnce := []string{"known p F/", "plain p /", "known q F/", "plain q /"}
	tests := []struct {
		name    string
		refusal error
		again   bool // the sender sends the push again
		atOnce  []string
	}{
		{"as a whole, for now", errRefused, true, atOnce},
		{"for ever: what can wait, waits", consumererror.NewPermanent(errRefused), false, nil},
		{"in part, and the sender sends the rest: what can wait, waits", consumererror.NewLogs(errRefused, plog.NewLogs()), false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newInstance(t, nil)
				i.flow("t f", flowF)
				logs := push()
				i.sink.setRefuse(tt.refusal)
				for range 3 {
					if err := i.logs.ConsumeLogs(t.Context(), logs); err == nil {
						t.Fatal("the push was not refused")
					}
					if !tt.again {
						break
					}
					if n := logs.LogRecordCount(); n != 9 {
						t.Errorf("after the refusal the push has %d logs", n)
					}
				}
				i.sink.setRefuse(nil)
				if tt.again {
					if err := i.logs.ConsumeLogs(t.Context(), logs); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(tt.atOnce, i.sink.take()); diff != "" {
					t.Errorf("at once (-want +got)\n%s", diff)
				}
				wait(11 * time.Second)
				if diff := cmp.Diff([]string{"waits 1 p /", "waits 2 p /", "waits 1 q /", "waits 2 q /", "waits alone /"}, i.sink.take()); diff != "" {
					t.Errorf("after the wait (-want +got)\n%s", diff)
				}
				if t.Failed() {
					t.FailNow()
				}
				last := i.sink.all[len(i.sink.all)-1].ResourceLogs()
				if value, _ := last.At(1).Resource().Attributes().Get("service.name"); value.Str() != "q" || last.Len() != 3 {
					t.Errorf("what waited came in %d parts, the second of %q", last.Len(), value.Str())
				}
				i.shutdown()
			})
		})
	}
}

func TestShutdownHandsOnWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, nil)
		i.flow("t f", flowF)
		i.log("t x 1")
		i.log("u x 2")
		i.shutdown()
		if diff := cmp.Diff([]string{"1 F/", "2 /"}, i.sink.take()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestShutdownSaysWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, nil)
		i.log("u x 1")
		i.log("u x 2")
		i.sink.setRefuse(errRefused)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := i.logs.Shutdown(ctx); !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "2 logs") {
			t.Errorf("the shutdown ended with %v", err)
		}
		if err := i.traces.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestLogsAreGivenUpWhereTheNextComponentTakesNothingForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, nil)
		i.log("u x 1")
		i.sink.setRefuse(errRefused)
		wait(10*time.Second + 70*time.Second)
		i.sink.setRefuse(nil)
		i.log("u x 2")
		wait(11 * time.Second)
		if diff := cmp.Diff([]string{"2 /"}, i.sink.take()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		i.shutdown()
	})
}

func TestWaitingIsBoundedInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstance(t, func(c *prefectrunprocessor.Config) { c.MaxWaitBytes = 2000 })
		i.flow("t f", flowF)
		for n := range 100 {
			i.log(fmt.Sprintf("t x %d", n))
		}
		wait(0)
		var want []string
		for n := range 94 { // six of them take no more than 2,000 bytes
			want = append(want, fmt.Sprintf("%d F/", n))
		}
		if diff := cmp.Diff(want, i.sink.take()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		i.log("t x " + strings.Repeat("long", 1000))
		wait(0)
		if got := i.sink.take(); len(got) != 7 || !strings.HasPrefix(got[6], "long") {
			t.Errorf("%.100q", got)
		}
		i.shutdown()
	})
}

func TestACrowdIsHandedOnInPushesThatAQueueHasRoomFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const room = 5000 // records, as of a queue with sizer: items
		var got, largest atomic.Int64
		f := prefectrunprocessor.NewFactory()
		config := f.CreateDefaultConfig().(*prefectrunprocessor.Config)
		logs, err := f.CreateLogs(t.Context(), settings(), config, consumerOf(t, func(_ context.Context, logs plog.Logs) error {
			n := int64(logs.LogRecordCount())
			largest.Store(max(largest.Load(), n))
			if n > room {
				return errors.New("element size too large")
			}
			got.Add(n)
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		if err := logs.Start(t.Context(), componenttest.NewNopHost()); err != nil {
			t.Fatal(err)
		}
		const pushes, each = 60, 100
		for i := range pushes {
			all := plog.NewLogs()
			records := all.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
			for j := range each {
				fillLog(records.AppendEmpty(), fmt.Sprintf("t x %d-%d", i, j))
			}
			if err := logs.ConsumeLogs(t.Context(), all); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Minute)
		if got.Load() != pushes*each {
			t.Errorf("%d of %d logs were handed on; the largest push had %d", got.Load(), pushes*each, largest.Load())
		}
		if err := logs.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestLogsThatWaitedGoOnWithNobodyElsesMetadata(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var takes atomic.Bool
		f := prefectrunprocessor.NewFactory()
		config := f.CreateDefaultConfig().(*prefectrunprocessor.Config)
		logs, err := f.CreateLogs(t.Context(), settings(), config, consumerOf(t, func(ctx context.Context, logs plog.Logs) error {
			if !takes.Load() {
				return errors.New("refused for now")
			}
			for _, r := range logs.ResourceLogs().All() {
				body := r.ScopeLogs().At(0).LogRecords().At(0).Body().Str()
				tenant := client.FromContext(ctx).Metadata.Get("tenant")
				if body == "of-a" && len(tenant) > 0 && tenant[0] != "a" {
					t.Errorf("the log of tenant a goes on as tenant %q", tenant)
				}
			}
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		if err := logs.Start(t.Context(), componenttest.NewNopHost()); err != nil {
			t.Fatal(err)
		}
		as := func(tenant string) context.Context {
			return client.NewContext(t.Context(), client.Info{Metadata: client.NewMetadata(map[string][]string{"tenant": {tenant}})})
		}
		if err := logs.ConsumeLogs(as("a"), oneLog("t x of-a")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Second)
		takes.Store(true)
		if err := logs.ConsumeLogs(as("b"), oneLog("u y of-b")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := logs.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func consumerOf(t *testing.T, consume consumer.ConsumeLogsFunc) consumer.Logs {
	t.Helper()
	next, err := consumer.NewLogs(consume)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func oneLog(what string) plog.Logs {
	logs := plog.NewLogs()
	fillLog(logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty(), what)
	return logs
}

// The next component does as an exporter whose queue is full and blocks, or that has no queue and tries again for ever.
func TestAPushEndsWithItsContextWhileTheNextComponentBlocks(t *testing.T) {
	f := prefectrunprocessor.NewFactory()
	config := f.CreateDefaultConfig().(*prefectrunprocessor.Config)
	config.MaxWait = 0 // the log is handed on by the outbox at once
	blocked := make(chan struct{}, 10)
	logs, err := f.CreateLogs(t.Context(), settings(), config, consumerOf(t, func(ctx context.Context, _ plog.Logs) error {
		blocked <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := logs.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	if err := logs.ConsumeLogs(t.Context(), oneLog("t x waits")); err != nil {
		t.Fatal(err)
	}
	<-blocked
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // its sender has left
	ended := make(chan error, 1)
	go func() { ended <- logs.ConsumeLogs(ctx, oneLog("u y later")) }()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the push ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("a minute after its sender has left, the push still hangs")
	}
	_ = logs.Shutdown(ctx) // tells that logs are lost
}
