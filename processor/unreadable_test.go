// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
)

// hide puts a folder in the place of every file of a spool, so that none can be read, until restore is called.
func hide(t *testing.T, dir string) (restore func()) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "0*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if err := errors.Join(os.Rename(file, file+".hidden"), os.Mkdir(file, 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for _, file := range files {
			err := os.Remove(file)
			if errors.Is(err, fs.ErrNotExist) { // it was in memory too, and is delivered
				err = os.Remove(file + ".hidden")
			} else if err == nil {
				err = os.Rename(file+".hidden", file)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestWhatCannotBeReadNowStaysInTheSpool(t *testing.T) {
	for name, ends := range map[string]bool{"and goes on": false, "and ends": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const records = 3000
				dir := t.TempDir()
				opts := []processor.Option{processor.WithSpool(dir), processor.WithQueueSize(256 << 10), processor.WithMaxLogSize(4096)}
				r := newRig(t, nil, opts...)
				r.server.FaultAlways(prefecttest.Status(503))
				for i := range records {
					r.emit(inRun(context.Background()), otellog.SeverityInfo, fmt.Sprintf("%06d %s", i, strings.Repeat("x", i%400)))
					time.Sleep(time.Microsecond)
				}
				restore := hide(t, dir)
				r.server.ClearFaults()
				time.Sleep(time.Minute)
				if s := r.batch.Stats(); s.Dropped.Total() != 0 || s.Spooled == 0 {
					t.Errorf("while no file can be read: %v, dropped %+v", s, s.Dropped)
				}
				if ends {
					if err := r.batch.Shutdown(t.Context()); err == nil || !strings.Contains(err.Error(), "in the spool") {
						t.Errorf("the shutdown says %v", err)
					}
				}
				restore()
				if ends {
					r = newRigOn(t, r.server, nil, opts...)
				}
				time.Sleep(time.Minute)
				r.shutdown()
				if s := r.batch.Stats(); s.Dropped.Total() != 0 || s.Spooled != 0 {
					t.Errorf("at the end: %v, dropped %+v", s, s.Dropped)
				}
				r.wantStored(records)
				r.wantOnceInOrder(records)
				wantEmpty(t, dir)
			})
		})
	}
}
