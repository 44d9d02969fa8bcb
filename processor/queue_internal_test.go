// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

// Emptied pages count when memory is asked for that they cannot give.
func TestEmptiedPagesAndFullOnesStayWithinTheQueueSize(t *testing.T) {
	q := &queue{maxBytes: 16 << 10, pageSize: 1 << 10}
	put := func(size int) {
		t.Helper()
		if q.put([]byte(strings.Repeat("x", size)), normal, run.ID{1}, time.Now) == nil {
			t.Fatalf("no room for %d bytes beside %d", size, q.bytes)
		}
		if got := q.bytes + len(q.free)*q.pageSize; got > q.maxBytes {
			t.Fatalf("%d bytes of memory, the queue has %d", got, q.maxBytes)
		}
	}
	for range 64 {
		put(200)
	}
	for q.records > 0 {
		var request payload.Request
		q.take(&request, payload.Limits{LogBytes: 1 << 20, Bytes: 1 << 20, Records: 1000})
		q.land()
	}
	free := len(q.free)
	if free < 12 {
		t.Fatalf("%d pages are kept for use again, want all that were filled", free)
	}
	put(200)
	if got := len(q.free); got != free-1 {
		t.Errorf("%d emptied pages, had %d", got, free)
	}
	put(5000)
	put(9000)
}

// What is under way cannot be dropped: it leaves room for errors.
func TestARequestTakesNoMoreThanHalfOfTheQueue(t *testing.T) {
	q := &queue{maxBytes: 64 << 10, pageSize: 1 << 10}
	long := []byte(strings.Repeat("x", 5000))
	for q.put(long, normal, run.ID{1}, time.Now) != nil {
	}
	var request payload.Request
	q.take(&request, payload.Limits{LogBytes: 1 << 20, Bytes: 1 << 20, Records: 1000})
	if n := request.Records(); n != 6 { // of 13
		t.Errorf("%d records are under way", n)
	}
	for range 6 {
		for q.put(long, urgent, run.ID{1}, time.Now) == nil {
			if q.evict(urgent, func(*queuedPage) {}) == 0 {
				t.Fatal("there is no room for an error")
			}
		}
	}
}

// fillAndEmpty fills pages with lines and drops them.
func fillAndEmpty(t *testing.T, q *queue, line []byte) {
	for range 64 {
		if q.put(line, normal, run.ID{1}, time.Now) == nil {
			t.Fatal("no room")
		}
	}
	for q.evict(normal, func(*queuedPage) {}) > 0 {
	}
}

// A long line gets a page of no more than its own size.
func TestALongLineHasAPageOfItsSize(t *testing.T) {
	q := &queue{maxBytes: 16 << 10, pageSize: 1 << 10}
	fillAndEmpty(t, q, []byte(strings.Repeat("x", 200)))
	long := []byte(strings.Repeat("y", 5000))
	page := q.put(long, normal, run.ID{1}, time.Now)
	if page == nil || q.bytes != len(long) || page.page.Cap() != len(long) {
		t.Fatalf("%d bytes for %d", q.bytes, len(long))
	}
	clear(long) // the page has a copy
	var request payload.Request
	q.take(&request, payload.Limits{LogBytes: 1 << 20, Bytes: 1 << 20, Records: 1000})
	if got := request.Line(0); request.Records() != 1 || string(got) != strings.Repeat("y", 5000) {
		t.Errorf("%d records, the first has %d bytes", request.Records(), len(got))
	}
	q.land()
	if q.bytes != 0 || q.records != 0 || q.inFlight != 0 {
		t.Errorf("%d bytes, %d records are left", q.bytes, q.records)
	}
}

// stores stores everything.
type stores struct {
	encoder *mapping.Encoder
	takes   time.Duration // for a request
}

func (s stores) Encoder() *mapping.Encoder { return s.encoder }

func (stores) Limits() payload.Limits {
	return payload.Limits{LogBytes: 1_000_000, Bytes: 4_000_000, Records: 200}
}
func (stores) Interval() time.Duration { return 2 * time.Second }
func (s stores) Send(_ context.Context, request payload.Request, _ <-chan struct{}) payload.Outcome {
	<-time.After(s.takes)
	return payload.Outcome{Stored: request.Records()}
}
func (stores) Shutdown(context.Context) error { return nil }

func TestAnIdleProgramKeepsFewPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		encoder, err := mapping.NewEncoder(mapping.Config{Default: run.IDs{Flow: run.ID{1}}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewBatch(stores{encoder: encoder})
		if err != nil {
			t.Fatal(err)
		}
		logger := sdklog.NewLoggerProvider(sdklog.WithProcessor(b)).Logger("test")
		var record otellog.Record
		record.SetBody(attribute.StringValue(strings.Repeat("x", 10_000)))
		for range 150 { // fewer than a request has
			logger.Emit(t.Context(), record)
		}
		free := func() int {
			b.mu.Lock()
			defer b.mu.Unlock()
			return len(b.queue.free)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if free() <= maxIdlePages {
			t.Fatalf("%d emptied pages right after a request", free())
		}
		if err := b.ForceFlush(t.Context()); err != nil { // which wakes the worker for nothing
			t.Error(err)
		}
		time.Sleep(2*time.Second - 1)
		synctest.Wait()
		if free() <= maxIdlePages {
			t.Fatalf("%d emptied pages a moment after a request", free())
		}
		time.Sleep(1)
		synctest.Wait()
		if got := free(); got > maxIdlePages {
			t.Errorf("%d emptied pages where nothing was logged for a while, want at most %d", got, maxIdlePages)
		}
		if err := b.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Of very many callers that wait for room only those are woken that find some: each record is encoded once to find out that it has
// to wait, and once more in its turn.
func TestManyBlockedCallersAreLetInByAndBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const goroutines, each = 5000, 4
		var encoded atomic.Int64
		encoder, err := mapping.NewEncoder(mapping.Config{
			Default: run.IDs{Flow: run.ID{1}},
			BadID:   func(string) { encoded.Add(1) }, // which each record has
		})
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewBatch(stores{encoder, time.Second}, WithQueueSize(2<<20), WithOverflow(Block), WithBlockTimeout(time.Hour), WithBatchRecords(200))
		if err != nil {
			t.Fatal(err)
		}
		logger := sdklog.NewLoggerProvider(sdklog.WithProcessor(b)).Logger("test")
		var record otellog.Record
		record.SetBody(attribute.StringValue(strings.Repeat("x", 300)))
		record.AddAttributes(attribute.String("flow_run_id", "none"))
		var group sync.WaitGroup
		for range goroutines {
			group.Go(func() {
				for range each {
					logger.Emit(t.Context(), record)
				}
			})
		}
		group.Wait()
		if err := b.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if stored := b.Stats().Stored; stored != goroutines*each {
			t.Errorf("%d records stored, of %d", stored, goroutines*each)
		}
		if got := encoded.Load(); got > 5*goroutines*each/2 {
			t.Errorf("%d records were encoded %d times", goroutines*each, got)
		}
	})
}
