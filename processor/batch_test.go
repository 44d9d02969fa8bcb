// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/internal/own"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
)

func TestRecordsGoAfterTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		start := time.Now()
		r.info(1)
		time.Sleep(1 * time.Second)
		r.info(1)
		synctest.Wait()
		r.wantStored(0)
		time.Sleep(time.Second - time.Nanosecond)
		synctest.Wait()
		r.wantStored(0)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		r.wantStored(2)
		if got := time.Since(start); got != 2*time.Second {
			t.Errorf("sent after %v", got)
		}
		// The interval begins anew with the next record, however much later.
		time.Sleep(10 * time.Second)
		r.info(1)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.wantStored(3)
		if got := r.posts(); got != 2 {
			t.Errorf("%d requests, want 2", got)
		}
	})
}

// A worker that looks at the queue by itself is not woken, and is never late for that.
func TestRecordsGoAfterTheIntervalWheneverTheyCome(t *testing.T) {
	for _, pause := range []time.Duration{0, 1, time.Second, 2*time.Second - 1, 2 * time.Second, 2*time.Second + 1, 3 * time.Second, 4 * time.Second, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil)
			for n := 1; n <= 3; n++ {
				r.info(1)
				time.Sleep(2*time.Second - 1)
				synctest.Wait()
				r.wantStored(n - 1)
				time.Sleep(1)
				synctest.Wait()
				r.wantStored(n)
				time.Sleep(pause)
			}
		})
	}
}

func TestAFullBatchDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithBatchRecords(10))
		r.info(9)
		synctest.Wait()
		r.wantStored(0)
		r.info(1)
		synctest.Wait()
		r.wantStored(10)
	})
}

func TestAFullBatchInBytesDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithBatchSize(10_000))
		for range 4 {
			r.emit(inRun(t.Context()), otellog.SeverityInfo, strings.Repeat("x", 3000))
		}
		synctest.Wait()
		if got := len(r.server.Logs()); got < 3 {
			t.Errorf("%d records stored", got)
		}
		for _, request := range r.server.Requests() {
			if request.Length > 10_000 {
				t.Errorf("request of %d bytes", request.Length)
			}
		}
	})
}

func TestErrorsWakeTheSenderAtMostTenTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.info(1)
		r.emit(inRun(t.Context()), otellog.SeverityError, "error 1")
		synctest.Wait()
		if got := r.stored(); len(got) != 2 || got[0] != "error 1" {
			t.Errorf("stored %q", got)
		}
		r.emit(inRun(t.Context()), otellog.SeverityFatal, "error 2")
		time.Sleep(99 * time.Millisecond)
		synctest.Wait()
		r.wantStored(2)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		r.wantStored(3)
	})
}

// Whatever the level of the flood, the error of another run is in the request after the
// one under way.
func TestAFloodDoesNotDelayTheErrorOfAnotherRun(t *testing.T) {
	for _, severity := range []otellog.Severity{otellog.SeverityInfo, otellog.SeverityError} {
		for _, size := range []int{40, 40_000} {
			before, after := min(10_000, 10_000_000/size), min(1000, 1_000_000/size)
			t.Run(fmt.Sprint(severity, " of ", size, " bytes"), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, nil, processor.WithBatchRecords(200))
					flood := func(n int) {
						for range n {
							r.emit(inRun(t.Context()), severity, strings.Repeat("x", size))
						}
					}
					r.server.FaultAlways(prefecttest.Delay(time.Second))
					flood(before)
					time.Sleep(500 * time.Millisecond) // within the request under way
					r.emit(run.NewContext(t.Context(), run.Info{FlowRunID: flowB}), otellog.SeverityError, "of the other run")
					flood(after)
					time.Sleep(1500 * time.Millisecond) // that request and one more
					synctest.Wait()
					if stored := r.stored(); !slices.Contains(stored, "of the other run") {
						t.Errorf("not among the %d records that the first two requests have stored", len(stored))
					}
					r.server.ClearFaults()
					if err := r.batch.ForceFlush(t.Context()); err != nil {
						t.Fatal(err)
					}
					r.wantStored(before + after + 1)
				})
			})
		}
	}
}

func TestFlushSendsWithoutWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.info(3)
		r.batch.Flush()
		synctest.Wait()
		r.wantStored(3)
	})
}

func TestForceFlushReturnsWhenAllBeforeItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithBatchRecords(2))
		r.server.Fault(prefecttest.Status(503), prefecttest.Status(503))
		r.info(7)
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.wantStored(7)
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Errorf("flush of an empty queue: %v", err)
		}
	})
}

func TestForceFlushEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.server.FaultAlways(prefecttest.Hang())
		r.info(3)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := r.batch.ForceFlush(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "3 log records") {
			t.Errorf("error %v", err)
		}
		if got := time.Since(start); got != time.Second {
			t.Errorf("returned after %v", got)
		}
		r.balance()
	})
}

func TestAFlushEndsAWaitBetweenTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.server.Fault(prefecttest.Status(429).RetryAfter("200"))
		r.info(1)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		start := time.Now()
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got > time.Second {
			t.Errorf("flushed after %v", got)
		}
		r.wantStored(1)
	})
}

func TestShutdownDeliversWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithBatchRecords(3))
		r.info(10)
		if err := r.batch.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.wantStored(10)
		if err := r.batch.Shutdown(t.Context()); err != nil {
			t.Errorf("second shutdown: %v", err)
		}
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Errorf("flush after shutdown: %v", err)
		}
		r.info(2)
		if got := r.batch.Stats().Dropped.Shutdown; got != 2 {
			t.Errorf("%d records counted after shutdown", got)
		}
	})
}

func TestShutdownEndsWithItsContextAndSaysWhatIsLost(t *testing.T) {
	for name, tt := range map[string]struct {
		fault prefecttest.Fault
		cause string
	}{
		"no answer":       {prefecttest.Hang(), "context deadline exceeded"},
		"refusing server": {prefecttest.Status(503), "503"},
		"wrong key":       {prefecttest.Status(401), "PREFECT_API_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil, processor.WithBatchRecords(4))
				r.server.FaultAlways(tt.fault)
				r.info(10)
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				start := time.Now()
				err := r.batch.Shutdown(ctx)
				if got := time.Since(start); got != 3*time.Second {
					t.Errorf("returned after %v", got)
				}
				if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "10 log records not delivered") || !strings.Contains(err.Error(), tt.cause) {
					t.Errorf("error %v", err)
				}
				r.balance()
				s := r.batch.Stats()
				if s.Queued+s.InFlight != 0 || s.Dropped.Shutdown+s.Unknown != 10 {
					t.Errorf("stats %v", s)
				}
			})
		})
	}
}

func TestShutdownWithAContextThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.server.FaultAlways(prefecttest.Hang())
		r.info(5)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.batch.Shutdown(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		r.balance()
	})
}

func TestWithNothingLeftToDoAContextThatIsOverIsNoError(t *testing.T) {
	for range 50 { // of two channels that are ready Go chooses by chance
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil)
			r.info(1)
			if err := r.batch.ForceFlush(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := r.batch.ForceFlush(ctx); err != nil {
				t.Fatalf("flush: %v", err)
			}
			if err := r.batch.Shutdown(ctx); err != nil {
				t.Fatalf("shutdown: %v", err)
			}
		})
	}
}

func TestRecordsOfAMomentReadBackInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where the clock stands still
		r := newRig(t, nil, processor.WithBatchRecords(7))
		var want []string
		for i := range 50 {
			severity := otellog.SeverityInfo
			if i%3 == 0 {
				severity = otellog.SeverityError
			}
			body := strings.Repeat("x", i)
			want = append(want, body)
			r.emit(inRun(t.Context()), severity, body)
		}
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		logs := r.server.Logs()
		slices.SortStableFunc(logs, func(a, b prefecttest.Log) int { return a.Timestamp.Compare(b.Timestamp) })
		for i, log := range logs {
			if log.Message != want[i] {
				t.Fatalf("position %d: %d bytes", i, len(log.Message))
			}
			if i > 0 && !log.Timestamp.After(logs[i-1].Timestamp) {
				t.Fatalf("position %d has the stamp of the one before", i)
			}
		}
	})
}

func TestWhatIsNotSentIsCountedByReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.emit(t.Context(), otellog.SeverityInfo, "no run")
		r.emit(t.Context(), otellog.SeverityInfo, "no run again")
		r.emit(own.NewContext(inRun(t.Context())), otellog.SeverityInfo, "own")
		var record otellog.Record
		record.AddAttributes(attribute.Bool("send_to_api", false))
		r.logger.Emit(inRun(t.Context()), record)
		want := processor.Skipped{NoRun: 2, OptedOut: 1, Own: 1}
		if got := r.batch.Stats().Skipped; got != want {
			t.Errorf("skipped %+v, want %+v", got, want)
		}
		if told := r.saidSoFar(); len(told) != 1 || !strings.Contains(told[0], `logger "test"`) {
			t.Errorf("told %q", told)
		}
		if err := r.batch.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if told := r.saidSoFar(); len(told) != 2 || !strings.Contains(told[1], "2 records") {
			t.Errorf("told %q", told)
		}
		r.wantStored(0)
	})
}

func TestMissingRunPolicies(t *testing.T) {
	for policy, want := range map[mapping.MissingRun]int{mapping.WarnMissingRun: 1, mapping.ErrorMissingRun: 3, mapping.IgnoreMissingRun: 0} {
		t.Run(string(policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, []exporter.Option{exporter.WithMissingRun(policy)})
				for range 3 {
					r.emit(t.Context(), otellog.SeverityInfo, "x")
				}
				if got := r.saidSoFar(); len(got) != want {
					t.Errorf("told %q", got)
				}
			})
		})
	}
}

func TestRefusedRecordsDoNotHarmTheirNeighbours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.server.Fault(prefecttest.Refuse(1, 3))
		r.info(5)
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := r.stored(), []string{"info 0", "info 2", "info 4"}; !slices.Equal(got, want) {
			t.Errorf("stored %q", got)
		}
		if got := r.batch.Stats().Refused; got != 2 {
			t.Errorf("%d refused", got)
		}
		if told := r.saidSoFar(); len(told) != 1 || !strings.Contains(told[0], "2 log records were refused") {
			t.Errorf("told %q", told)
		}
	})
}

func TestOptionsAreCheckedAllAtOnce(t *testing.T) {
	r := newRig(t, nil)
	sender, err := exporter.New(t.Context(), exporter.WithEndpoint(r.server.URL()), exporter.WithMaxLogSize(1000), exporter.WithBatchSize(2000))
	if err != nil {
		t.Fatal(err)
	}
	_, err = processor.NewBatch(sender,
		processor.WithMaxLogSize(511), processor.WithMaxLogSize(1001), processor.WithBatchSize(3), processor.WithBatchSize(2001),
		processor.WithBatchRecords(0), processor.WithBatchRecords(1001), processor.WithBatchInterval(0), processor.WithQueueSize(-1), processor.WithQueueSize(1999),
		processor.WithOverflow(9), processor.WithBlockTimeout(-1))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"511", "1001", "is 3 bytes", "2001", "has 0 records", "has 1001 records", "interval is 0s", "is -1 bytes", "1999", "policy 9", "timeout is -1ns"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %q:\n%v", want, err)
		}
	}
}

func TestStatsOfTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.server.Fault(prefecttest.Status(429), prefecttest.Status(429), prefecttest.CutAfterCommit())
		r.info(2)
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		var bytes uint64
		for _, request := range r.server.Requests() {
			if request.Path == "/api/logs/" {
				bytes = uint64(request.Length) // three times the same
			}
		}
		if s := r.batch.Stats(); s.Requests != 1 || s.Retries != 2 || s.Resolved != 2 || s.Resent != 0 || s.Bytes != bytes {
			t.Errorf("stats %+v, the request has %d bytes", s, bytes)
		}
	})
}

// TestStatsTellThemselves pins the line that people read.
func TestStatsTellThemselves(t *testing.T) {
	s := processor.Stats{Emitted: 15, Stored: 1, Refused: 2, Dropped: processor.Dropped{QueueFull: 1, Shutdown: 1}, Skipped: processor.Skipped{NoRun: 3}, Queued: 4, InFlight: 2, Unknown: 1, QueuedBytes: 65536, Resent: 5, Duplicated: 6}
	if got, want := s.String(), "15 emitted: 1 stored, 2 refused, 2 dropped, 3 skipped, 4 queued (65536 bytes), 2 in flight, 1 unknown; 5 resent, 6 duplicated"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
