// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"context"
	"slices"
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

// settle puts those records of a request to the rest that have lines among the unsent.
func (p *push) settle(request, unsent payload.Request) {
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

// copyRest copies the rest out of the push, each record with the stamp that it was given: the same lines come of it again,
// although what stood before them is gone.
func (p *push) copyRest(logs plog.Logs) plog.Logs {
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
