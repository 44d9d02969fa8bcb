// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/internal/spool"
	"github.com/prefectlogs/prefectlogs/run"
)

// newSpooledQueue returns a queue of 16 pages of a kilobyte, each of which holds four of the lines
// that add puts into it.
func newSpooledQueue(t *testing.T) (q *queue, add func(lane int) *queuedPage) {
	s, err := spool.Open(spool.Config{Dir: t.TempDir(), Wait: time.Hour, MaxPage: 1 << 20, Say: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	q = &queue{maxBytes: 16 << 10, pageSize: 1 << 10, files: files{spool: s, maxDisk: 1 << 20}}
	line := bytes.Repeat([]byte("x"), 250)
	return q, func(lane int) *queuedPage {
		page := q.put(line, lane, run.ID{}, time.Now)
		if page != nil && !page.file.Append(line) {
			t.Fatal("the line is in no file")
		}
		return page
	}
}

func TestOnlyAPageOfWhichNothingIsTakenWaitsInItsFileAlone(t *testing.T) {
	q, add := newSpooledQueue(t)
	for range 8 {
		add(normal)
	}
	var request payload.Request
	q.take(&request, payload.Limits{LogBytes: 1 << 10, Bytes: 1 << 20, Records: 6}) // a page and a half
	if q.makeRoom(q.maxBytes, nil) {
		t.Error("there is room for all of the memory although a request is under way")
	}
	if q.alone != 0 || q.records != 2 {
		t.Errorf("%d records wait in files alone, %d in memory", q.alone, q.records)
	}
	q.land()
	if q.makeRoom(q.maxBytes, nil) || q.alone != 0 {
		t.Errorf("%d records wait in files alone, of a page that is half stored", q.alone)
	}
}

func TestTheNewestPageWaitsInItsFileFirst(t *testing.T) {
	q, add := newSpooledQueue(t)
	var pages []*queuedPage
	for range 16 * 4 {
		if page := add(normal); len(pages) == 0 || pages[len(pages)-1] != page {
			pages = append(pages, page)
		}
	}
	add(urgent)
	for i, page := range pages {
		if alone := page.page == nil; alone != (i == len(pages)-1) {
			t.Errorf("page %d of %d waits in its file: %v", i, len(pages), alone)
		}
	}
	if q.bytes > q.maxBytes || q.alone != 4 || q.records != 61 {
		t.Errorf("%d bytes, %d records in files alone, %d in memory", q.bytes, q.alone, q.records)
	}
	if page := q.toLoad(1000); page != nil {
		t.Errorf("page of lane %d is read back although older ones fill the memory", page.lane)
	}
	if n := q.evict(normal, func(*queuedPage) {}); n != 4 || q.toLoad(1000) != pages[15] {
		t.Errorf("the last page is not read back once there is room, behind %d records", n)
	}
}
