// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
)

var noticeForm = regexp.MustCompile(`^(\d+) log records of this run were lost, of (\S+) to (\S+): (\d+) because the queue was full$`)

// lostByNotices sums what the notices of a run tell.
func (r *rig) lostByNotices(flow string) (n uint64) {
	r.t.Helper()
	for _, notice := range r.notices() {
		if notice.FlowRunID != flow {
			continue
		}
		match := noticeForm.FindStringSubmatch(notice.Message)
		if match == nil || match[1] != match[4] || match[2] > match[3] || notice.Level != 30 || notice.TaskRunID != "" {
			r.t.Fatalf("notice %+v", notice)
		}
		told, err := strconv.ParseUint(match[1], 10, 64)
		if err != nil {
			r.t.Fatal(err)
		}
		n += told
	}
	return n
}

func TestARunIsToldWhatItHasLost(t *testing.T) {
	for policy, name := range [...]string{processor.DropOldest: "oldest", processor.DropNewest: "newest", processor.Block: "blocked in vain"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil, processor.WithQueueSize(2*mib), processor.WithOverflow(processor.Overflow(policy)))
				r.server.FaultAlways(prefecttest.Hang())
				a, b := inRun(t.Context()), run.NewContext(t.Context(), run.Info{FlowRunID: flowB})
				for i := range 6000 {
					r.emit(a, otellog.SeverityInfo, strings.Repeat("x", 500))
					if i%3 == 0 {
						r.emit(b, otellog.SeverityInfo, strings.Repeat("x", 500))
					}
				}
				r.balance()
				r.server.ClearFaults()
				r.shutdown()
				lostA, lostB := r.lostByNotices(flowA), r.lostByNotices(flowB)
				if dropped := r.batch.Stats().Dropped.QueueFull; dropped == 0 || lostA+lostB != dropped || lostA < lostB || lostB == 0 {
					t.Errorf("%d and %d told, %d dropped", lostA, lostB, dropped)
				}
				if got := uint64(len(r.stored())) + lostA + lostB; got != 8000 {
					t.Errorf("%d records stored or told", got)
				}
			})
		})
	}
}

func TestARunIsToldOfARecordThatIsTooLongAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, []exporter.Option{exporter.WithMaxLogSize(1000), exporter.WithOversize(mapping.DropOversize)})
		at := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
		r.emit(inRun(t.Context()), otellog.SeverityError, strings.Repeat("x", 2000))
		synctest.Wait() // nothing else wakes the worker
		want := "1 log records of this run were lost, of " + at + " to " + at + ": 1 because they are longer than a log may be"
		if got := r.notices(); len(got) != 1 || got[0].FlowRunID != flowA || got[0].Message != want {
			t.Errorf("notices %+v, want %q", got, want)
		}
		if got := r.batch.Stats().Dropped; got != (processor.Dropped{TooLarge: 1}) {
			t.Errorf("dropped %+v", got)
		}
		if err := r.batch.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.emit(inRun(t.Context()), otellog.SeverityError, strings.Repeat("x", 2000)) // of which nobody can be told
		if got := r.batch.Stats().Dropped; got != (processor.Dropped{TooLarge: 1, Shutdown: 1}) {
			t.Errorf("dropped %+v", got)
		}
		r.balance()
	})
}

// What has no run, or is not for Prefect, is lost by policy and not for want of room: there is nobody to tell.
func TestARecordThatFindsNoRoomIsCountedByWhatItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithQueueSize(2*mib), processor.WithOverflow(processor.DropNewest))
		r.fillUp()
		before := r.batch.Stats().Dropped.QueueFull
		r.emit(t.Context(), otellog.SeverityInfo, "no run")
		var record otellog.Record
		record.SetBody(attribute.StringValue("not for Prefect"))
		record.AddAttributes(attribute.Bool("send_to_api", false))
		r.logger.Emit(inRun(t.Context()), record)
		if s := r.batch.Stats(); s.Dropped.QueueFull != before || s.Skipped != (processor.Skipped{NoRun: 1, OptedOut: 1}) {
			t.Errorf("dropped %+v, skipped %+v", s.Dropped, s.Skipped)
		}
		r.balance()
	})
}

func TestLossesAreToldEveryTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithBatchInterval(time.Second))
		lose := func() {
			r.server.Fault(prefecttest.Refuse(0))
			r.info(2)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		lose()
		if got := r.notices(); len(got) != 1 || !strings.HasSuffix(got[0].Message, "1 because the server refused them") {
			t.Fatalf("notices %+v", got)
		}
		lose()
		lose()
		if got := len(r.notices()); got != 1 {
			t.Errorf("%d notices after 3 s", got)
		}
		time.Sleep(8 * time.Second)
		synctest.Wait()
		if got := r.notices(); len(got) != 2 || !strings.HasPrefix(got[1].Message, "2 log records") {
			t.Errorf("notices %+v", got)
		}
		r.balance()
	})
}

func TestARefusedNoticeIsNotALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.server.FaultAlways(prefecttest.Refuse(0))
		r.info(1)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := r.batch.Stats(); got.Refused != 2 || got.Requests > 4 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestANoticeThatCannotBeDeliveredIsToldLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.server.Fault(prefecttest.Refuse(0), prefecttest.Status(503), prefecttest.Status(500))
		r.info(1)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := r.notices(); len(got) != 1 {
			t.Errorf("notices %+v", got)
		}
		r.balance()
	})
}

func TestLossesOfManyRunsFitTheLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithQueueSize(2*mib), processor.WithBatchRecords(50))
		r.server.FaultAlways(prefecttest.Hang())
		for i := range 6000 {
			ctx := run.NewContext(context.Background(), run.Info{FlowRunID: fmt.Sprintf("11111111-2222-3333-4444-%012d", i%500)})
			r.emit(ctx, otellog.SeverityInfo, strings.Repeat("x", 500))
		}
		r.server.ClearFaults()
		r.shutdown()
		var told uint64
		for i := range 500 {
			told += r.lostByNotices(fmt.Sprintf("11111111-2222-3333-4444-%012d", i))
		}
		if dropped := r.batch.Stats().Dropped.QueueFull; told != dropped {
			t.Errorf("%d told, %d dropped", told, dropped)
		}
		r.balance()
	})
}
