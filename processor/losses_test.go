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

	otellog "go.opentelemetry.io/otel/log"

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
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithQueueSize(2*mib))
		r.server.FaultAlways(prefecttest.Hang())
		a, b := inRun(t.Context()), run.NewContext(t.Context(), run.Info{FlowRunID: flowB})
		for i := range 6000 {
			r.emit(a, otellog.SeverityInfo, strings.Repeat("x", 500))
			if i%3 == 0 {
				r.emit(b, otellog.SeverityInfo, strings.Repeat("x", 500))
			}
		}
		r.server.ClearFaults()
		if err := r.batch.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.balance()
		lostA, lostB := r.lostByNotices(flowA), r.lostByNotices(flowB)
		if dropped := r.batch.Stats().Dropped.QueueFull; dropped == 0 || lostA+lostB != dropped || lostA < lostB || lostB == 0 {
			t.Errorf("%d and %d told, %d dropped", lostA, lostB, dropped)
		}
		if got := uint64(len(r.stored())) + lostA + lostB; got != 8000 {
			t.Errorf("%d records stored or told", got)
		}
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
		if err := r.batch.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
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
