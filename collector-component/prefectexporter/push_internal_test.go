// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// restOf returns what an error asks the helper to send again; ok is false where that is the whole push.
func restOf(err error) (rest plog.Logs, ok bool) {
	partial, ok := errors.AsType[consumererror.Logs](err)
	if !ok {
		return plog.Logs{}, false
	}
	return partial.Data(), true
}

func TestAPushIsSplitByRecordsAndBytes(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := []struct {
		name     string
		config   func(*Config)
		messages []string
		posts    []string
	}{
		{"in one request", nil, numbers(200), []string{"200 201"}},
		{"by records", func(c *Config) { c.BatchRecords = 4 }, numbers(9), []string{"4 201", "4 201", "1 201"}},
		{"by bytes", func(c *Config) { c.BatchSize = 1200 }, []string{long, long, long, "s", "s"}, []string{"2 201", "3 201"}},
		{"larger than a page", func(c *Config) { c.MaxLogSize = 900_000 }, []string{strings.Repeat("y", 800_000), "s", strings.Repeat("z", 800_000)}, []string{"3 201"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, test.config)
				if err := b.push(t.Context(), logs(test.messages...)); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.posts, b.posts()); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(test.messages, b.messages()); diff != "" {
					t.Error(diff)
				}
				for _, r := range b.server.Requests() {
					if limit := b.bytes; len(r.Body) > limit {
						t.Errorf("a request of %d bytes at a limit of %d", len(r.Body), limit)
					}
				}
				if n := b.count(t, "stored_logs", ""); n != len(test.messages) {
					t.Errorf("%d are counted as stored", n)
				}
			})
		})
	}
}

func TestALineFillsARequestToTheByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		if err := b.push(t.Context(), logs("a", "b")); err != nil {
			t.Fatal(err)
		}
		exact := len(b.server.Requests()[0].Body)
		for _, size := range []int{exact, exact - 1} {
			// The limit of the configuration has a least value; here it is the arithmetic that matters.
			b.bytes = size
			b.server.Reset()
			if err := b.push(t.Context(), logs("a", "b")); err != nil {
				t.Fatal(err)
			}
			if got, want := len(b.posts()), 1+exact-size; got != want {
				t.Errorf("%d bytes at a limit of %d: %d requests, want %d", exact, size, got, want)
			}
		}
	})
}

func TestRefusedRecordsAreCutAndTheRestIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.server.Fault(prefecttest.Refuse(1))
		if err := b.push(t.Context(), logs("0", "1", "2")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"0", "2"}, b.messages()); diff != "" {
			t.Error(diff)
		}
		if n := b.count(t, "refused_logs", "invalid"); n != 1 {
			t.Errorf("%d are counted as refused", n)
		}
		b.server.FaultAlways(prefecttest.Refuse(0))
		if err := b.push(t.Context(), logs("bad")); !consumererror.IsPermanent(err) {
			t.Errorf("nothing of the push was stored, and the error is %v", err)
		}
	})
}

func TestOnlyTheUnsentRestComesAgainAsItWouldHaveBeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.BatchRecords = 2 })
		all := logs("0", "1", "2", "3", "4", "5")
		for _, record := range records(all) { // all of one time: their stamps hang on each other
			record.SetTimestamp(records(all)[0].Timestamp())
		}
		records(all)[3].Attributes().PutBool("send_to_api", false)
		whole := newBench(t, nil)
		if err := whole.push(t.Context(), all); err != nil {
			t.Fatal(err)
		}

		b.server.FaultAlways(prefecttest.Status(429).RetryAfter("7"))
		b.server.Fault(prefecttest.Delay(0)) // the first request passes
		err := b.push(t.Context(), all)
		rest, ok := restOf(err)
		if !ok {
			t.Fatalf("no rest comes with %v", err)
		}
		if diff := cmp.Diff([]string{"2", "4", "5"}, textsOf(rest)); diff != "" {
			t.Error(diff)
		}
		if !strings.Contains(err.Error(), "Throttle (7") {
			t.Errorf("the helper is not told when: %v", err)
		}
		b.server.ClearFaults()
		if err := b.push(t.Context(), rest); err != nil {
			t.Fatal(err)
		}
		ignoreIDs := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".ID" }, cmp.Ignore())
		if diff := cmp.Diff(whole.server.Logs(), b.server.Logs(), ignoreIDs); diff != "" {
			t.Errorf("sent in pieces, records differ: %s", diff)
		}
		for i, log := range whole.server.Logs()[1:] {
			if !log.Timestamp.After(whole.server.Logs()[i].Timestamp) {
				t.Errorf("log %d has no time of its own", i+1)
			}
		}
		if n := b.count(t, "skipped_log_records", "opted_out"); n != 1 {
			t.Errorf("%d are counted as opted out", n)
		}
	})
}

func TestAPushOfWhichNothingWasSentComesAgainWhole(t *testing.T) {
	for _, fault := range []prefecttest.Fault{
		prefecttest.Status(401), prefecttest.Status(404), prefecttest.Status(429), prefecttest.Status(503).RetryAfter("1"), prefecttest.CutBefore(),
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil)
			b.server.FaultAlways(fault)
			all := logs(numbers(300)...)
			err := b.push(t.Context(), all)
			if _, ok := restOf(err); err == nil || ok || consumererror.IsPermanent(err) {
				t.Errorf("%v", err)
			}
			b.server.ClearFaults()
			if err := b.push(t.Context(), all); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(numbers(300), b.messages()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatMayHaveBeenStoredIsLookedForWithinThePush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.server.Fault(prefecttest.CutAfterCommit())
		if err := b.push(t.Context(), logs("0", "1")); err != nil {
			t.Error(err)
		}
		b.server.Fault(prefecttest.CommitLater(3 * time.Second))
		if err := b.push(t.Context(), logs("2", "3")); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(numbers(4), b.messages()); diff != "" {
			t.Error(diff)
		}
		if n := b.count(t, "resolved_logs", ""); n != 4 {
			t.Errorf("%d are counted as resolved", n)
		}
	})
}

func TestWhatCouldNotBeAskedForIsRememberedAcrossPushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.BatchRecords = 2 })
		all := logs("0", "1", "2", "3")
		b.server.FaultAlways(prefecttest.Status(503).RetryAfter("1").On("POST", "/logs/filter"))
		b.server.Fault(prefecttest.Delay(0), prefecttest.CutAfterCommit())
		err := b.push(t.Context(), all)
		rest, ok := restOf(err)
		if !ok || len(records(rest)) != 2 {
			t.Fatalf("%v", err)
		}
		b.server.ClearFaults()
		if err := b.push(t.Context(), rest); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(numbers(4), b.messages()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRecordsOlderThanTheProcessAreLookedForFirst(t *testing.T) {
	tests := []struct {
		name   string
		lookUp LookUp
		age    time.Duration // of the records, at the start of the process
		looks  bool
	}{
		{"older", LookUpOld, time.Second, true},
		{"as new as a clock that is ahead makes them", LookUpOld, -aheadClocks + time.Second, true},
		{"newer", LookUpOld, -2 * aheadClocks, false},
		{"newer, and always looked for", LookUpAlways, -2 * aheadClocks, true},
		{"older, and never looked for", LookUpNever, time.Second, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				b.lookUp = test.lookUp // old holds with a storage only
				all := logs("0", "1", "2")
				setTimes(all, b.began.Add(-test.age))
				if err := b.client.PostLogs(t.Context(), requestOf(b, all)); err != nil { // as an earlier process did
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				more := logs("0", "1", "2", "3", "4")
				setTimes(more, b.began.Add(-test.age))
				if err := b.push(t.Context(), more); err != nil {
					t.Fatal(err)
				}
				want := numbers(5)
				if !test.looks {
					want = []string{"0", "1", "2", "0", "1", "2", "3", "4"}
				}
				if diff := cmp.Diff(want, b.messages()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// setTimes gives the records of a push times from one on.
func setTimes(all plog.Logs, from time.Time) {
	for i, record := range records(all) {
		record.SetTimestamp(stamp(from.Add(time.Duration(i) * time.Microsecond)))
		record.SetObservedTimestamp(record.Timestamp())
	}
}

// requestOf encodes a push as the exporter does.
func requestOf(b *bench, all plog.Logs) *payload.Request {
	p := b.pushes.Get().(*push)
	p.reader.Resource(all.ResourceLogs().At(0).Resource())
	p.reader.Scope(all.ResourceLogs().At(0).ScopeLogs().At(0).Scope())
	page := payload.NewPage(pageSize)
	for _, record := range records(all) {
		line, _, _ := p.reader.Append(nil, record, 1000)
		page.Append(line)
	}
	var request payload.Request
	request.Add(page.Lines(), payload.Limits{Bytes: pageSize, Records: 1000})
	return &request
}

func TestRecordsWithoutARun(t *testing.T) {
	without := func() plog.Logs {
		all := logs("0", "1", "2")
		all.ResourceLogs().At(0).Resource().Attributes().Clear()
		records(all)[1].Attributes().PutStr("flow_run_id", other)
		return all
	}
	tests := []struct {
		name      string
		config    func(*Config)
		stored    []string
		skipped   int
		permanent bool
	}{
		{"are dropped and counted", nil, []string{"1"}, 2, false},
		{"are refused, and the others stored", func(c *Config) { c.MissingRun = RefuseMissingRun }, []string{"1"}, 2, true},
		{"are of the default run", func(c *Config) { c.DefaultRun.FlowRunID = flowRun }, []string{"0", "1", "2"}, 0, false},
		{"name it under a key of one's own", func(c *Config) { c.RunKeys.FlowRunID = []string{"mine"} }, []string{"1"}, 2, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, test.config)
				if err := b.push(t.Context(), without()); consumererror.IsPermanent(err) != test.permanent || (err != nil) != test.permanent {
					t.Errorf("the error is %v", err)
				}
				if diff := cmp.Diff(test.stored, b.messages()); diff != "" {
					t.Error(diff)
				}
				if n := b.count(t, "skipped_log_records", "no_run"); n != test.skipped {
					t.Errorf("%d are counted", n)
				}
			})
		})
	}
}

func TestRunsOfLabelsOfKubernetesAndContainers(t *testing.T) {
	for _, key := range []string{
		"k8s.pod.label.prefect.io/flow-run-id", "k8s.pod.labels.prefect.io/flow-run-id", "container.label.prefect.io/flow-run-id",
		"container.label.io.prefect.flow-run-id", "own.key",
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, func(c *Config) { c.RunKeys.FlowRunID = []string{"own.key"} })
			all := logs("x")
			attributes := all.ResourceLogs().At(0).Resource().Attributes()
			attributes.Clear()
			attributes.PutStr(key, other)
			if err := b.push(t.Context(), all); err != nil {
				t.Fatal(err)
			}
			if got := b.server.Logs(); len(got) != 1 || got[0].FlowRunID != other {
				t.Errorf("%s: %+v", key, got)
			}
		})
	}
}

func TestStatusAndRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.server.FaultAlways(prefecttest.Status(401))
		for range 3 {
			err := b.push(t.Context(), logs("x"))
			if err == nil || !strings.Contains(err.Error(), "Throttle (10s)") {
				t.Errorf("%v", err)
			}
		}
		b.server.ClearFaults()
		for range 2 {
			if err := b.push(t.Context(), logs("x")); err != nil {
				t.Error(err)
			}
		}
		events := b.host.reported()
		if len(events) != 2 || !strings.HasPrefix(events[0], "StatusRecoverableError: posting logs to ") || events[1] != "StatusOK" {
			t.Errorf("%q", events)
		}
		if n := b.count(t, "requests", "no_access"); n != 3 {
			t.Errorf("%d are counted as without access", n)
		}
	})
}

func TestAShutdownCutsOffWhatTheServerDoesNotTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.server.FaultAlways(prefecttest.Hang())
		ended := make(chan error)
		go func() { ended <- b.push(t.Context(), logs("x")) }()
		synctest.Wait()
		began := time.Now()
		go b.endWhenIdle(t.Context(), make(chan struct{}))
		err := <-ended
		if took := time.Since(began); took != grace || !errors.Is(err, errStopped) {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func TestTheContextOfAPushEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.server.FaultAlways(prefecttest.Hang())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.push(ctx, logs("x")); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestRecordsWithoutATimeGetThatOfTheirComing(t *testing.T) {
	all := logs("0", "1")
	records(all)[0].SetObservedTimestamp(0)
	now := stamp(day.Add(time.Hour))
	setObserved(all, now)
	if got := records(all); got[0].ObservedTimestamp() != now || got[1].ObservedTimestamp() == now {
		t.Errorf("%v, %v", got[0].ObservedTimestamp(), got[1].ObservedTimestamp())
	}
}
