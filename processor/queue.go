// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"slices"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/run"
)

// The lanes of a queue, in the order in which they are sent; in the opposite one
// they are dropped.
const (
	urgent = iota // ERROR and above, of each run its share
	flood         // ERROR and above, beyond that
	normal
	lanes
)

// urgentLevel is the level from which a record goes by the urgent lane.
const urgentLevel = 40

// What a run may have in the urgent lane: a run that logs errors by the thousand
// lets the error of another one pass. The first record always finds its place.
const (
	shareRecords = 10
	shareBytes   = 64 << 10
)

// share is what a run has put into the urgent lane since that was last empty.
type share struct{ records, bytes int }

// maxIdlePages bounds the emptied pages that are kept where nothing was sent for a while.
const maxIdlePages = 4

// queue holds pages of encoded records, bounded in bytes of memory. It is not safe
// for concurrent use: the lock of the Batch guards it.
type queue struct {
	maxBytes int
	pageSize int

	lanes   [lanes]lane
	shares  map[run.ID]share // of the urgent lane
	flying  []*queuedPage    // with lines in the request under way
	free    []*payload.Page  // to be used again; with them, too, memory is within the bound
	headers []*queuedPage    // of pages that are gone, to be used again

	bytes    int // memory of all pages in lanes and under way
	records  int // waiting in memory
	length   int // bytes of the waiting lines and what joins them, about
	inFlight int // records

	files // where there is a spool
}

type lane struct {
	pages    []*queuedPage // the last one is open unless sealed
	accepted uint64        // records ever put into the lane
}

// queuedPage is a page on its way through the queue.
type queuedPage struct {
	page   *payload.Page // nil: it waits in its file alone
	lane   int
	first  uint64        // position in the lane of its first record
	since  time.Time     // when its first record came
	sealed bool          // takes no more records
	rest   payload.Lines // once sealed: what is not yet taken
	flying int           // records in the request under way
	landed int           // records that are settled, before those

	filed // where there is a spool
}

func (p *queuedPage) waiting() payload.Lines {
	if p.page == nil || p.sealed {
		return p.rest
	}
	return p.page.Lines()
}

func (p *queuedPage) seal() {
	if !p.sealed {
		p.rest, p.sealed = p.page.Lines(), true
	}
}

// laneFor returns the lane for a record of a level and a run.
func (q *queue) laneFor(level int, flow run.ID) int {
	if level < urgentLevel {
		return normal
	}
	switch of := q.shares[flow]; {
	case of.records >= shareRecords || of.bytes >= shareBytes:
		return flood
	default:
		return urgent
	}
}

// put copies a line of a run to the open page of its lane, which it returns, or nil where the
// queue has no room for another page.
func (q *queue) put(line []byte, laneIndex int, flow run.ID, now func() time.Time) *queuedPage {
	if !q.fits(line) {
		return nil
	}
	l := &q.lanes[laneIndex]
	var open *queuedPage
	if n := len(l.pages); n > 0 && !l.pages[n-1].sealed {
		open = l.pages[n-1]
	}
	if open == nil || open.page.Append(line) == nil {
		page := q.newPage(line)
		if page == nil {
			return nil
		}
		if open != nil {
			open.seal()
		}
		open = q.header()
		*open = queuedPage{page: page, lane: laneIndex, first: l.accepted, since: now()}
		q.giveFile(open)
		l.pages = append(l.pages, open)
	}
	q.countLine(open, line)
	if laneIndex == urgent {
		if q.shares == nil {
			q.shares = make(map[run.ID]share)
		}
		of := q.shares[flow]
		q.shares[flow] = share{of.records + 1, of.bytes + len(line)}
	}
	l.accepted++
	q.records++
	q.length += len(line) + 2
	return open
}

// newPage returns a page with a line, or nil where there is no room. A
// long line gets a page of its own size: it would leave too much of a
// standard one unused.
func (q *queue) newPage(line []byte) *payload.Page {
	size := q.pageSize
	if len(line) > size/4 {
		size = len(line)
	}
	if !q.makeRoom(size, nil) {
		return nil
	}
	q.bytes += size
	var page *payload.Page
	switch n := len(q.free); {
	case size == q.pageSize && n > 0:
		page = q.free[n-1]
		q.free = q.free[:n-1]
	case size == q.pageSize:
		q.trim((q.maxBytes - q.bytes) / q.pageSize)
		page = payload.NewPage(size)
	default:
		q.trim((q.maxBytes - q.bytes) / q.pageSize)
		return payload.NewPageOf(line)
	}
	page.Append(line)
	return page
}

// header returns what becomes the header of a page: one that is to be used again, if there is one.
func (q *queue) header() *queuedPage {
	if n := len(q.headers); n > 0 {
		page := q.headers[n-1]
		q.headers = q.headers[:n-1]
		return page
	}
	return new(queuedPage)
}

// evict drops the oldest page of the lowest lane down to the given one. lost sees
// it before its memory and its file are used again; evict returns how many records it
// has, 0 where there is nothing to drop.
func (q *queue) evict(downTo int, lost func(*queuedPage)) (records int) {
	for i := lanes - 1; i >= downTo; i-- {
		l := &q.lanes[i]
		at := slices.IndexFunc(l.pages, func(p *queuedPage) bool { return p.flying == 0 && !p.loading })
		if at < 0 {
			continue
		}
		page := l.pages[at]
		l.pages = slices.Delete(l.pages, at, at+1)
		lost(page)
		lines := page.waiting()
		records = lines.Records() + page.alone
		q.records -= lines.Records()
		q.alone -= page.alone
		q.length -= lines.Size()
		q.release(page)
		return records
	}
	return 0
}

// evictAll drops everything that waits, but for what waits in a file: that is kept for the
// next process.
func (q *queue) evictAll() (lost int) {
	for i := range q.lanes {
		for _, page := range q.lanes[i].pages {
			waits := page.waiting().Records() + page.alone
			lost += waits - q.keep(page, waits)
			q.alone -= page.alone
			page.alone = 0
			page.rest, page.sealed = payload.Lines{}, true
			if page.flying == 0 {
				q.release(page)
			}
		}
		q.lanes[i].pages = nil
	}
	q.records, q.length = 0, 0
	return lost
}

// take adds what waits in memory to a request under the limits, the urgent lane first.
func (q *queue) take(request *payload.Request, limits payload.Limits) {
	flying := 0
	for i := range q.lanes {
		l := &q.lanes[i]
		taken := func(page *queuedPage) bool {
			if flying += page.page.Cap(); len(q.flying) > 0 && flying > q.maxBytes/2 {
				return false // a page under way makes no room for others
			}
			return q.takePage(page, request, limits)
		}
		if full := deleteWhile(l, taken); full {
			return
		}
		if i == urgent {
			clear(q.shares)
		}
	}
	q.length = 0 // the count of separators is approximate; nothing waits now
}

// deleteWhile removes the pages of which nothing is left, and passes over those that wait in
// their file. It returns true at the first one of which something is left.
func deleteWhile(l *lane, taken func(*queuedPage) bool) (full bool) {
	left := l.pages[:0]
	for _, page := range l.pages {
		if page.page == nil {
			left = append(left, page)
			continue
		}
		if full = full || !taken(page); full {
			left = append(left, page)
		}
	}
	clear(l.pages[len(left):])
	l.pages = left
	return full
}

// takePage adds what waits of a page to a request. It returns true if that is all of it.
func (q *queue) takePage(page *queuedPage, request *payload.Request, limits payload.Limits) bool {
	page.seal()
	before := page.rest
	page.rest = request.Add(page.rest, limits)
	if taken := before.Records() - page.rest.Records(); taken > 0 {
		page.flying = taken
		q.flying = append(q.flying, page)
		q.records -= taken
		q.length -= before.Size() - page.rest.Size()
		q.inFlight += taken
	}
	return page.rest.Records() == 0
}

// land ends the request under way: its pages are given back, except for those
// with records that still wait.
func (q *queue) land() {
	for i, page := range q.flying {
		page.landed += page.flying
		page.flying = 0
		if page.rest.Records() == 0 {
			q.release(page)
		}
		q.flying[i] = nil
	}
	q.flying = q.flying[:0]
	q.inFlight = 0
}

// release gives back the memory of a page, and its file.
func (q *queue) release(page *queuedPage) {
	q.dropFile(page)
	if page.page != nil {
		q.giveBack(page)
	} else {
		q.pageless--
	}
	if q.spool == nil && len(q.headers) <= q.maxBytes/q.pageSize { // the spool's goroutines may still know one
		*page = queuedPage{}
		q.headers = append(q.headers, page)
	}
}

// giveBack gives back the memory of a page.
func (q *queue) giveBack(page *queuedPage) {
	q.bytes -= page.page.Cap()
	if page.page.Cap() == q.pageSize {
		page.page.Reset()
		q.free = append(q.free, page.page)
	}
	page.page = nil
}

// trim lets go of the emptied pages beyond n.
func (q *queue) trim(n int) {
	if n = max(n, 0); len(q.free) > n {
		clear(q.free[n:])
		q.free = q.free[:n]
	}
}

// fills reports whether there will soon be no room: what waits is not to wait longer then.
func (q *queue) fills() bool { return q.bytes > q.maxBytes/2 }

// oldest returns when the record that has waited longest in a lane came, about.
func (q *queue) oldest(laneIndex int) (since time.Time, ok bool) {
	pages := q.lanes[laneIndex].pages
	if len(pages) == 0 {
		return time.Time{}, false
	}
	return pages[0].since, true
}

// hasUrgent reports whether records of ERROR or above wait.
func (q *queue) hasUrgent() bool {
	return len(q.lanes[urgent].pages)+len(q.lanes[flood].pages) > 0
}

// marker names the records that are in the queue at one moment, by lane.
type marker [lanes]uint64

// mark names what is in the queue now.
func (q *queue) mark() (m marker) {
	for i := range q.lanes {
		m[i] = q.lanes[i].accepted
	}
	return m
}

// passed reports whether all records that m names have left the queue.
func (q *queue) passed(m marker) bool {
	for i := range q.lanes {
		if pages := q.lanes[i].pages; len(pages) > 0 && pages[0].first+uint64(pages[0].landed+pages[0].flying) < m[i] {
			return false
		}
	}
	return !slices.ContainsFunc(q.flying, func(p *queuedPage) bool { return p.first+uint64(p.landed) < m[p.lane] })
}
