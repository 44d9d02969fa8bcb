// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
)

// kill ends a batch as far as a test can: what is under way is cut off, and nothing is sent
// any more. Its files stay, as if the process had been killed.
func (r *rig) kill() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = r.batch.Shutdown(ctx) // says what was not delivered
	r.balance()
}

// shutdown ends a batch well, whatever is wrong with the server for a while.
func (r *rig) shutdown() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := r.batch.Shutdown(ctx); err != nil {
		r.t.Errorf("shutdown: %v", err)
	}
	r.balance()
}

// wantEmpty checks that nothing is left in a spool.
func wantEmpty(t testing.TB, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "0*"))
	if err != nil || len(files) > 0 {
		t.Errorf("%d files are left: %v", len(files), err)
	}
}

func TestWhatAProcessLeavesIsSentByTheNextOne(t *testing.T) {
	for name, faults := range map[string][]prefecttest.Fault{
		"before it was sent":                 {prefecttest.Hang()},
		"between the commit and the answer":  {prefecttest.Hang().Stored()},
		"before the server has committed it": {prefecttest.CommitLater(3 * time.Second)},
	} {
		t.Run("it ended "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "spool")
				first := newRig(t, nil, processor.WithSpool(dir))
				first.server.Fault(faults...)
				first.info(10)
				first.batch.Flush()
				synctest.Wait()
				first.info(5)
				first.kill()
				if s := first.batch.Stats(); s.Spooled != 15 || s.Unknown+s.Dropped.Total() != 0 {
					t.Errorf("the first process: %v", s)
				}
				// What still ran is cut off with the connections of that process.
				second := newRigOn(t, first.server, nil, processor.WithSpool(dir))
				time.Sleep(time.Millisecond) // else its record is like one of the first process
				second.info(1)
				second.shutdown()
				if s := second.batch.Stats(); s.Adopted != 15 || s.Stored != 16 || s.Duplicated != 0 {
					t.Errorf("the second process: %v", s)
				}
				second.wantStored(16)
				wantEmpty(t, dir)
			})
		})
	}
}

func TestWhatFindsNoRoomInMemoryWaitsInFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const records = 5000
		dir := t.TempDir()
		r := newRig(t, nil, processor.WithSpool(dir), processor.WithQueueSize(256<<10), processor.WithMaxLogSize(4096))
		r.server.FaultAlways(prefecttest.Status(503))
		for i := range records {
			severity := otellog.SeverityInfo
			if i%50 == 0 {
				severity = otellog.SeverityError
			}
			r.emit(inRun(t.Context()), severity, fmt.Sprintf("%06d %s", i, strings.Repeat("x", i%400)))
			time.Sleep(time.Microsecond)
		}
		s := r.batch.Stats()
		if s.Spooled == 0 || s.Dropped.Total() != 0 || s.QueuedBytes > 256<<10 {
			t.Errorf("while the server fails: %v", s)
		}
		r.balance()
		r.server.ClearFaults()
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Error(err)
		}
		r.balance()
		r.wantStored(records)
		r.wantOnceInOrder(records)
		if s := r.batch.Stats(); s.Stored != records || s.QueuedBytes > 256<<10 || s.Spooled != 0 {
			t.Errorf("at the end: %v", s)
		}
		synctest.Wait()
		wantEmpty(t, dir)
	})
}

func TestAFullSpoolDropsAsThePolicySays(t *testing.T) {
	for policy, want := range map[processor.Overflow]string{
		processor.DropOldest: "the newest", processor.DropNewest: "the oldest", processor.Block: "the oldest",
	} {
		t.Run(want+" stay", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const records = 3000
				dir := t.TempDir()
				r := newRig(t, nil, processor.WithSpool(dir), processor.WithSpoolSize(256<<10), processor.WithQueueSize(128<<10),
					processor.WithMaxLogSize(2048), processor.WithOverflow(policy), processor.WithBlockTimeout(time.Second))
				r.server.FaultAlways(prefecttest.Status(503))
				for i := range records {
					r.emit(inRun(t.Context()), otellog.SeverityInfo, fmt.Sprintf("%06d %s", i, strings.Repeat("x", 200)))
				}
				s := r.batch.Stats()
				if s.Dropped.QueueFull == 0 || s.Spooled == 0 || s.Dropped.Total() != s.Dropped.QueueFull {
					t.Errorf("while the server fails: %v", s)
				}
				if got := diskUsage(t, dir); got > 256<<10 {
					t.Errorf("the files take %d bytes", got)
				}
				r.server.ClearFaults()
				r.shutdown()
				stored := r.stored()
				if uint64(len(stored))+s.Dropped.QueueFull != records {
					t.Errorf("%d stored, %d dropped of %d", len(stored), s.Dropped.QueueFull, records)
				}
				has := func(i int) bool {
					for _, m := range stored {
						if strings.HasPrefix(m, fmt.Sprintf("%06d ", i)) {
							return true
						}
					}
					return false
				}
				if newest := policy == processor.DropOldest; has(records-1) != newest {
					t.Errorf("the newest is stored: %v", !newest)
				}
				lost := 0
				for _, notice := range r.notices() {
					var n int
					if _, err := fmt.Sscan(notice.Message, &n); err != nil {
						t.Error(err)
					}
					lost += n
				}
				if uint64(lost) != s.Dropped.QueueFull {
					t.Errorf("the run was told that %d records are lost, and %d are", lost, s.Dropped.QueueFull)
				}
				wantEmpty(t, dir)
			})
		})
	}
}

func diskUsage(t testing.TB, dir string) (bytes int64) {
	t.Helper()
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return bytes
}

func TestEarlierProcessesLeaveRoomForTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		server := prefecttest.NewServer(t)
		server.FaultAlways(prefecttest.Status(503))
		opts := []processor.Option{processor.WithSpool(dir), processor.WithSpoolSize(256 << 10), processor.WithQueueSize(128 << 10), processor.WithMaxLogSize(2048)}
		emitted := 0
		var dropped uint64
		for range 5 { // processes that crash one after the other
			r := newRigOn(t, server, nil, opts...)
			synctest.Wait()
			for range 300 {
				r.emit(inRun(t.Context()), otellog.SeverityInfo, fmt.Sprintf("%06d %s", emitted, strings.Repeat("x", 200)))
				emitted++
			}
			r.kill()
			s := r.batch.Stats()
			dropped += s.Dropped.SpoolFull + s.Dropped.QueueFull
			if s.Unspooled != 0 || s.Dropped.Shutdown > s.Emitted-300 { // notices of losses, which are in no file
				t.Errorf("a process that crashed: %+v", s)
			}
			if got := diskUsage(t, dir); got > 256<<10 {
				t.Errorf("the files take %d bytes", got)
			}
		}
		server.ClearFaults()
		last := newRigOn(t, server, nil, opts...)
		last.shutdown()
		dropped += last.batch.Stats().Dropped.SpoolFull
		if stored := uint64(len(last.stored())); dropped == 0 || stored+dropped != uint64(emitted) {
			t.Errorf("%d stored, %d dropped of %d", stored, dropped, emitted)
		}
		wantEmpty(t, dir)
	})
}

func TestNewRecordsDoNotWaitForOldOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		server := prefecttest.NewServer(t)
		server.FaultAlways(prefecttest.Status(503))
		opts := []processor.Option{processor.WithSpool(dir), processor.WithBatchRecords(10)}
		first := newRigOn(t, server, nil, opts...)
		first.info(2000)
		first.kill()
		server.ClearFaults()
		server.FaultAlways(prefecttest.DelayAnswer(100 * time.Millisecond)) // 200 requests of old records are 20 s
		second := newRigOn(t, server, nil, opts...)
		time.Sleep(6 * time.Second) // they are under way now
		started := time.Now()
		second.emit(inRun(t.Context()), otellog.SeverityError, "new")
		if err := second.batch.ForceFlush(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(started); took > time.Second {
			t.Errorf("a new record took %v", took)
		}
		if s := second.batch.Stats(); s.Spooled == 0 {
			t.Errorf("the old ones were not under way: %v", s)
		}
		// Nor do old ones wait for ever while new ones come all the time.
		before := second.batch.Stats()
		for range 100 {
			second.info(10)
			if err := second.batch.ForceFlush(t.Context()); err != nil {
				t.Error(err)
			}
		}
		after := second.batch.Stats()
		if old := (after.Stored - before.Stored) - 1000; old < 250 {
			t.Errorf("only %d old records were stored beside 1,000 new ones", old)
		}
		second.shutdown()
		second.wantStored(3001)
		wantEmpty(t, dir)
	})
}

func TestAShutdownLeavesOldRecordsThatCannotBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		first := newRig(t, nil, processor.WithSpool(dir))
		first.server.FaultAlways(prefecttest.Status(503).RetryAfter("1"))
		first.info(5)
		first.kill()
		began := time.Now()
		second := newRigOn(t, first.server, nil, processor.WithSpool(dir))
		second.shutdown()
		if s, took := second.batch.Stats(), time.Since(began); s.Adopted != 5 || s.Spooled != 5 || took < 5*time.Second || took > 30*time.Second { // three tries, behind each of which it is looked for
			t.Errorf("after %v: %v", took, s)
		}
		first.server.ClearFaults()
		third := newRigOn(t, first.server, nil, processor.WithSpool(dir))
		third.shutdown()
		third.wantStored(5)
		wantEmpty(t, dir)
	})
}

func TestWhatIsTooLongForThisProcessIsDroppedAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		first := newRig(t, nil, processor.WithSpool(dir))
		first.server.FaultAlways(prefecttest.Status(503))
		first.emit(inRun(t.Context()), otellog.SeverityInfo, strings.Repeat("x", 3000))
		first.info(1)
		first.kill()
		first.server.ClearFaults()
		second := newRigOn(t, first.server, nil, processor.WithSpool(dir), processor.WithMaxLogSize(1000))
		second.shutdown()
		second.wantStored(1)
		if s := second.batch.Stats(); s.Adopted != 2 || s.Dropped.TooLarge != 1 || len(second.notices()) != 1 {
			t.Errorf("%v, %d notices", s, len(second.notices()))
		}
		wantEmpty(t, dir)
	})
}

func TestWhoIsToldOfTheSpoolMayLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		size := processor.WithQueueSize(256 << 10)
		first := newRig(t, nil, processor.WithSpool(dir), size, processor.WithMaxLogSize(4096))
		first.server.FaultAlways(prefecttest.Status(503))
		first.info(200)
		first.kill()
		first.server.ClearFaults()
		pages, err := filepath.Glob(filepath.Join(dir, "*", "0*"))
		if err != nil || len(pages) < 2 {
			t.Fatalf("pages %v, %v", pages, err)
		}
		if err := os.Truncate(pages[len(pages)-1], 300<<10); err != nil { // more than a page can have
			t.Fatal(err)
		}

		var second *rig
		var took atomic.Int64
		ready := make(chan struct{})
		second = newRigOn(t, first.server, nil, processor.WithSpool(dir), size, processor.WithMaxLogSize(4096),
			processor.WithErrorHandler(func(err error) {
				<-ready
				second.tell(err)
				began := time.Now()
				second.emit(inRun(context.Background()), otellog.SeverityInfo, "told")
				took.Add(int64(time.Since(began)))
			}))
		close(ready)
		time.Sleep(time.Minute)
		if told := strings.Join(second.saidSoFar(), "\n"); !strings.Contains(told, "pages that are left") || strings.Contains(told, "has not answered") {
			t.Errorf("said %q", told)
		}
		if took := time.Duration(took.Load()); took > 0 {
			t.Errorf("the log call waited for %v", took)
		}
		second.shutdown()
	})
}

func TestASpoolForAnotherServerIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		first := newRigOn(t, prefecttest.NewServer(t, prefecttest.WithHost("other.example")), nil, processor.WithSpool(dir))
		first.server.FaultAlways(prefecttest.Status(503))
		first.info(3)
		first.kill()
		second := newRig(t, nil, processor.WithSpool(dir))
		second.info(1)
		second.shutdown()
		second.wantStored(1)
		if told := strings.Join(second.saidSoFar(), "\n"); !strings.Contains(told, first.server.URL()) {
			t.Errorf("said %q", told)
		}
		if diskUsage(t, dir) == 0 {
			t.Error("its files are gone")
		}
	})
}

func TestASpoolThatVanishesCostsNothingThatIsInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "spool")
		r := newRig(t, nil, processor.WithSpool(dir), processor.WithQueueSize(256<<10), processor.WithMaxLogSize(4096))
		r.server.FaultAlways(prefecttest.Status(503))
		emit := func(n int) {
			for i := range n {
				r.emit(inRun(t.Context()), otellog.SeverityInfo, fmt.Sprintf("%06d %s", i, strings.Repeat("x", 200)))
			}
		}
		emit(2000)
		alone := r.batch.Stats().Spooled
		if alone == 0 {
			t.Fatal("nothing waits in files alone")
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		emit(200)
		r.balance()
		r.server.ClearFaults()
		r.shutdown()
		s := r.batch.Stats()
		// A page of 45 records leaves the memory before it is noticed.
		if s.Dropped.SpoolLost == 0 || s.Dropped.SpoolLost > alone+64 || s.Unspooled == 0 || s.Stored+s.Dropped.Total() != s.Emitted {
			t.Errorf("%d waited in files alone; %+v", alone, s)
		}
		told := strings.Join(r.saidSoFar(), "\n")
		if strings.Count(told, "memory alone") != 1 || !strings.Contains(told, "cannot be read back") {
			t.Errorf("said %q", told)
		}
	})
}

func TestSpoolOptionsAreChecked(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	sender := nullSender{}
	for name, test := range map[string]struct {
		sender processor.Sender
		opts   []processor.Option
		want   string
	}{
		"an empty folder":      {sender, []processor.Option{processor.WithSpool("")}, "folder of the spool is empty"},
		"a link":               {resumer{}, []processor.Option{processor.WithSpool(link)}, "symbolic link"},
		"no size":              {sender, []processor.Option{processor.WithSpoolSize(0)}, "must be positive"},
		"too small":            {resumer{}, []processor.Option{processor.WithSpool(t.TempDir()), processor.WithSpoolSize(4 << 20)}, "eight times"},
		"a negative interval":  {sender, []processor.Option{processor.WithSpoolSync(-1)}, "0 or more"},
		"a sender that cannot": {sender, []processor.Option{processor.WithSpool(t.TempDir())}, "cannot resume"},
	} {
		if _, err := processor.NewBatch(test.sender, test.opts...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}
