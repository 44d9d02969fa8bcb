// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
)

// smallDisk is a disk of one MiB. Where it may not be mounted the test is skipped: package spool
// has the same with a disk in memory.
func smallDisk(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "size=1m,mode=700")
	if errors.Is(err, syscall.EPERM) {
		t.Skip("it takes root to mount a disk")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestADiskThatFillsUpCostsNothingThatIsInMemory(t *testing.T) {
	disk := smallDisk(t)
	synctest.Test(t, func(t *testing.T) {
		const records = 20_000
		dir := filepath.Join(disk, "spool")
		r := newRig(t, nil, processor.WithSpool(dir))
		r.server.FaultAlways(prefecttest.Status(503))
		emit := func(from, to int) {
			for i := from; i < to; i++ {
				r.emit(inRun(t.Context()), otellog.SeverityInfo, fmt.Sprintf("%06d %s", i, strings.Repeat("x", 200)))
				time.Sleep(time.Microsecond)
			}
			r.balance()
		}
		emit(0, records)
		s := r.batch.Stats()
		if s.Unspooled == 0 || s.Unspooled > records-2000 || s.Dropped.Total() != 0 {
			t.Errorf("while the disk is full: %v", s)
		}
		told := r.saidSoFar()
		full := 0
		for _, text := range told {
			if strings.Contains(text, "memory alone") {
				full++
				if !strings.Contains(text, "no space left") {
					t.Errorf("it does not say why: %s", text)
				}
			}
		}
		if full != 1 {
			t.Errorf("it was said %d times that the disk is full: %q", full, told)
		}
		r.server.ClearFaults()
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(11 * time.Second) // it has room again, and is tried again
		before := r.batch.Stats().Unspooled
		emit(records, records+100)
		if after := r.batch.Stats().Unspooled; after != before {
			t.Errorf("%d records are in no file although there is room", after-before)
		}
		r.shutdown()
		r.wantStored(records + 100)
		r.wantOnceInOrder(records + 100)
		if !strings.Contains(strings.Join(r.saidSoFar(), "\n"), "used again") {
			t.Errorf("said %q", r.saidSoFar())
		}
	})
	if entries, err := os.ReadDir(filepath.Join(disk, "spool")); err != nil || len(entries) > 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}

// A program that is killed on a full disk leaves what fitted on it.
func TestWhatIsOnAFullDiskIsAdopted(t *testing.T) {
	disk := smallDisk(t)
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(disk, "spool")
		first := newRig(t, nil, processor.WithSpool(dir))
		first.server.FaultAlways(prefecttest.Status(503))
		for i := range 5000 {
			first.emit(inRun(t.Context()), otellog.SeverityInfo, fmt.Sprintf("%06d %s", i, strings.Repeat("x", 200)))
			time.Sleep(time.Microsecond)
		}
		first.kill()
		s := first.batch.Stats()
		first.server.ClearFaults()
		second := newRigOn(t, first.server, nil, processor.WithSpool(dir))
		second.shutdown()
		got := second.batch.Stats()
		if got.Adopted != s.Spooled || got.Adopted+s.Unspooled != 5000 || got.Adopted != got.Stored {
			t.Errorf("left %v, adopted %v", s, got)
		}
		second.wantStored(int(got.Adopted))
		second.wantOnceInOrder(5000)
	})
}

func TestADiskThatCannotBeWrittenToIsSaidAndCounted(t *testing.T) {
	disk := smallDisk(t)
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, processor.WithSpool(disk))
		r.info(10)
		r.shutdown()
		r.wantStored(10)
		if s := r.batch.Stats(); s.Unspooled != 10 {
			t.Errorf("%v", s)
		}
		if told := strings.Join(r.saidSoFar(), "\n"); !strings.Contains(told, "read-only file system") || strings.Count(told, "memory alone") != 1 {
			t.Errorf("said %q", told)
		}
	})
}
