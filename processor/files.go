// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/internal/spool"
)

// pageOverhead is what a page counts in the spool beyond its lines: its header, and that a disk
// counts in blocks.
const pageOverhead = 4096

// maxLoading bounds the pages that are read back at a time.
const maxLoading = 4

// files is the part of a queue that waits on the disk. A page in memory has a file too, which
// gets its lines behind the lock of the queue; once it has all of them, its memory can be used
// for something else.
type files struct {
	spool    *spool.Spool // nil: there is none
	maxDisk  int
	disk     int // bytes of all files, with their overhead; and of those taken over
	alone    int // records that wait in files alone
	kept     int // records left in files for the next process
	loading  int // pages that are read back
	pageless int // pages in files alone
}

// filed is the part of a queued page that is on the disk.
type filed struct {
	file    *spool.File // nil: there is no spool
	records int         // ever put into the page
	size    int         // bytes that its file counts
	alone   int         // records that wait in the file alone
	memory  int         // bytes that it took before
	loading bool        // it is read back
	leave   bool        // the file stays for the next process
}

// fits reports whether the spool, if there is one, has room for a line.
func (q *queue) fits(line []byte) bool {
	return q.spool == nil || q.disk+len(line)+2+pageOverhead <= q.maxDisk
}

// takesPage reports whether there is room for another page of the usual size.
func (q *queue) takesPage() bool {
	if q.spool != nil && q.disk+q.pageSize+pageOverhead > q.maxDisk {
		return false
	}
	return q.bytes+q.pageSize <= q.maxBytes || q.newestInFile(nil) != nil
}

// room is how many more bytes the queue takes in new pages, about; 0 where it takes none.
func (q *queue) room() int {
	if q.spool == nil {
		return q.maxBytes - q.bytes - (q.maxBytes-q.bytes)%q.pageSize
	}
	return max(q.maxDisk-q.disk-pageOverhead, 0) // pages in memory make room by waiting in their files
}

// giveFile gives a new page its file.
func (q *queue) giveFile(page *queuedPage) {
	if q.spool != nil {
		page.file = q.spool.NewFile()
		page.size = pageOverhead
		q.disk += pageOverhead
	}
}

// countLine counts a line that was put into a page.
func (q *queue) countLine(page *queuedPage, line []byte) {
	if page.file != nil {
		page.records++
		page.size += len(line) + 2
		q.disk += len(line) + 2
	}
}

// dropFile removes the file of a page, unless it is for the next process.
func (q *queue) dropFile(page *queuedPage) {
	if page.file == nil {
		return
	}
	q.disk -= page.size
	if !page.leave {
		page.file.Remove()
	}
}

// inFile reports whether the file has all lines of the page.
func (p *queuedPage) inFile() bool { return p.file != nil && p.file.Lines() == p.records }

// keep leaves the file of a page for the next process, with so many records that are not settled. It returns
// how many of these are in the file for certain.
func (q *queue) keep(page *queuedPage, unsettled int) (kept int) {
	if page.file == nil || unsettled == 0 {
		return 0
	}
	missing := max(page.records-page.file.Lines(), 0) // nobody knows whether of those settled or of these
	page.leave = missing < page.records
	kept = max(unsettled-missing, 0)
	q.kept += kept
	return kept
}

// makeRoom lets pages wait in their files alone until there is room for a page in memory. It
// returns false where there is none. Pages before the given one are left alone.
func (q *queue) makeRoom(size int, before *queuedPage) bool {
	for q.bytes+size > q.maxBytes {
		page := q.newestInFile(before)
		if page == nil {
			return false
		}
		page.seal()
		page.memory = page.page.Cap()
		page.alone = page.records
		q.alone += page.alone
		q.records -= page.alone
		q.length -= page.rest.Size()
		page.rest = payload.Lines{}
		q.giveBack(page)
		q.pageless++
	}
	return true
}

// newestInFile returns the newest page of the lowest lane that is not needed in memory, back
// to the given one; nil if there is none.
func (q *queue) newestInFile(before *queuedPage) *queuedPage {
	if q.spool == nil {
		return nil
	}
	for i := lanes - 1; i >= 0; i-- {
		pages := q.lanes[i].pages
		for at := len(pages) - 1; at >= 0; at-- {
			page := pages[at]
			if page == before {
				return nil
			}
			if page.page != nil && page.flying == 0 && page.waiting().Records() == page.records && page.inFile() {
				return page
			}
		}
	}
	return nil
}

// toLoad returns the next page to be read back, and makes room for it: so that there are enough
// records in memory for the next requests, the oldest first. It returns nil where there is none.
func (q *queue) toLoad(enough int) *queuedPage {
	if q.pageless == 0 || q.loading >= maxLoading {
		return nil
	}
	for i := range q.lanes {
		inMemory := 0 // records before the page
		for _, page := range q.lanes[i].pages {
			if page.page != nil || page.loading {
				inMemory += page.waiting().Records() + page.alone
				continue
			}
			if inMemory >= enough || !q.makeRoom(page.memory, page) {
				return nil
			}
			page.loading = true
			q.loading++
			q.bytes += page.memory
			return page
		}
	}
	return nil
}

// notLoaded leaves a page in its file that could not be read back now.
func (q *queue) notLoaded(page *queuedPage) {
	page.loading = false
	q.loading--
	q.bytes -= page.memory
}

// loaded puts a page that was read back in its place, or removes it where it has none. It
// returns how many records are lost.
func (q *queue) loaded(page *queuedPage, lines *payload.Page) (lost int) {
	page.loading = false
	q.loading--
	q.bytes -= page.memory
	if page.leave { // the queue was left meanwhile
		return 0
	}
	q.alone -= page.alone
	lost, page.alone = page.alone, 0
	if lines == nil {
		q.removePage(page)
		return lost
	}
	q.pageless--
	page.page, page.rest = lines, lines.Lines()
	q.bytes += lines.Cap()
	q.records += page.rest.Records()
	q.length += page.rest.Size()
	lost -= page.rest.Records()
	page.records = page.rest.Records()
	return lost
}

func (q *queue) removePage(page *queuedPage) {
	l := &q.lanes[page.lane]
	for i, other := range l.pages {
		if other == page {
			l.pages = append(l.pages[:i], l.pages[i+1:]...)
			break
		}
	}
	q.release(page)
}

// leaveUnsent keeps the files of pages under way that have records which were not sent, and
// returns how many records those are.
func (q *queue) leaveUnsent(unsent payload.Request) (kept int) {
	if unsent.Records() == 0 || q.spool == nil {
		return 0
	}
	owners := map[*byte]*queuedPage{}
	for _, page := range q.flying {
		if page.file != nil {
			for line := range page.page.Lines().All() {
				owners[&line[0]] = page
			}
		}
	}
	counts := map[*queuedPage]int{}
	for _, line := range unsent.All() {
		if page := owners[&line[0]]; page != nil {
			counts[page]++
		}
	}
	for page, n := range counts {
		kept += q.keep(page, n)
	}
	return kept
}
