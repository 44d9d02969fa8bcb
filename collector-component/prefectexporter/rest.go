// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// returned is a record that goes back to the helper.
type returned struct {
	at    int32     // its position in the push
	stamp time.Time // that it was given; zero: it keeps its own
}

// giveBack puts a record to the rest, with the stamp of its first line.
func (p *push) giveBack(i int32, line []byte) {
	if n := len(p.rest); n > 0 && p.rest[n-1].at == i {
		return
	}
	stamp, _ := stampOf(line) // the encoder made it
	if record := p.parts[i]; record != nil {
		stamp = record.stamp
	}
	p.rest = append(p.rest, returned{at: i, stamp: stamp})
}

// parted puts those records of a request to the rest that have lines among the unsent.
func (p *push) parted(request, unsent payload.Request) {
	if unsent.Records() == 0 && len(p.parts) == 0 {
		return
	}
	left := make(map[*byte]bool, unsent.Records())
	for _, line := range unsent.All() {
		left[&line[0]] = true
	}
	for k, line := range request.All() {
		if left[&line[0]] {
			p.giveBack(p.of[k], line)
		} else if record := p.parts[p.of[k]]; record != nil {
			record.settled = append(record.settled, p.target.settled.hash(line))
		}
	}
}

// parts is a record that became more lines than one. They may go in several requests, so that some can be settled and
// others not.
type parts struct {
	stamp   time.Time // of the first one
	settled []uint64  // hashes of those that are
}

// addParts adds a record of more lines than one, but for those that an earlier try has settled.
func (p *push) addParts(ctx context.Context, i int32, line []byte, meta mapping.Meta, old bool) {
	stamp, _ := stampOf(line) // the encoder made it
	record := &parts{stamp: stamp}
	if p.parts == nil {
		p.parts = map[int32]*parts{}
	}
	p.parts[i] = record
	for part := range mapping.Lines(line, meta) {
		if p.target.settled.take(part) {
			record.settled = append(record.settled, p.target.settled.hash(part))
			continue
		}
		if p.failed == nil && !p.fits(len(part)) {
			p.flush(ctx)
		}
		if p.failed != nil {
			p.giveBack(i, part)
			continue
		}
		p.put(i, part, old)
	}
}

// remember keeps which lines of the records that come again are settled.
func (p *push) remember() {
	for _, record := range p.rest {
		if parts := p.parts[record.at]; parts != nil {
			p.target.settled.add(parts.settled)
		}
	}
}

// returned copies the rest out of the push, each record with the stamp that it was given: the same lines come of it again,
// although what stood before them is gone.
func (p *push) returned(logs plog.Logs) plog.Logs {
	rest := plog.NewLogs()
	left := slices.SortedFunc(slices.Values(p.rest), func(a, b returned) int { return int(a.at) - int(b.at) })
	i := int32(-1)
	for _, resource := range logs.ResourceLogs().All() {
		var toResource plog.ResourceLogs
		begun := false
		for _, scope := range resource.ScopeLogs().All() {
			var to plog.LogRecordSlice
			open := false
			for _, record := range scope.LogRecords().All() {
				if i++; len(left) == 0 || left[0].at != i {
					continue
				}
				stamp := left[0].stamp
				left = left[1:]
				if !begun {
					begun, toResource = true, rest.ResourceLogs().AppendEmpty()
					resource.Resource().CopyTo(toResource.Resource())
					toResource.SetSchemaUrl(resource.SchemaUrl())
				}
				if !open {
					copied := toResource.ScopeLogs().AppendEmpty()
					open, to = true, copied.LogRecords()
					scope.Scope().CopyTo(copied.Scope())
					copied.SetSchemaUrl(scope.SchemaUrl())
				}
				again := to.AppendEmpty()
				record.CopyTo(again)
				if own := again.Timestamp().AsTime().Truncate(time.Microsecond); !stamp.IsZero() && !own.Equal(stamp) {
					again.SetTimestamp(pcommon.NewTimestampFromTime(stamp))
				}
			}
		}
	}
	return rest
}

// unsent remembers of requests that come again how many records they had, by their first lines: package delivery looks for what may
// have been stored in the form in which it was sent, so it must come again in one request. It is bounded, and safe for concurrent use.
type unsent struct {
	seed maphash.Seed
	mu   sync.Mutex // guards all
	all  []unsentRequest
}

type unsentRequest struct {
	first   uint64 // hash of its first line
	records int
}

const maxUnsent = 64

func (u *unsent) add(request payload.Request) {
	if request.Records() == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.all) >= maxUnsent {
		u.all = slices.Delete(u.all, 0, 1)
	}
	u.all = append(u.all, unsentRequest{maphash.Bytes(u.seed, request.Line(0)), request.Records()})
}

// take forgets the request that begins with a line, and returns how many records it had; 0: there was none.
func (u *unsent) take(line []byte) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.all) == 0 {
		return 0
	}
	first := maphash.Bytes(u.seed, line)
	i := slices.IndexFunc(u.all, func(r unsentRequest) bool { return r.first == first })
	if i < 0 {
		return 0
	}
	records := u.all[i].records
	u.all = slices.Delete(u.all, i, i+1)
	return records
}

// settled remembers lines of records that come again although some of their lines are settled. It is bounded, and safe for
// concurrent use.
type settled struct {
	seed  maphash.Seed
	mu    sync.Mutex // guards what follows
	lines map[uint64]struct{}
	order []uint64
}

const maxSettled = 4096

func (s *settled) hash(line []byte) uint64 { return maphash.Bytes(s.seed, line) }

func (s *settled) add(hashes []uint64) {
	if len(hashes) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines == nil {
		s.lines = map[uint64]struct{}{}
	}
	for _, hash := range hashes {
		if _, known := s.lines[hash]; known {
			continue
		}
		if len(s.order) >= maxSettled {
			delete(s.lines, s.order[0])
			s.order = s.order[1:]
		}
		s.lines[hash] = struct{}{}
		s.order = append(s.order, hash)
	}
}

// take forgets a line and reports whether it was remembered.
func (s *settled) take(line []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) == 0 {
		return false
	}
	hash := s.hash(line)
	if _, known := s.lines[hash]; !known {
		return false
	}
	delete(s.lines, hash)
	s.order = slices.DeleteFunc(s.order, func(other uint64) bool { return other == hash })
	return true
}
