// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/pdatarecord"
	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// push is the sending of one push: its records are encoded one after the other, and sent as soon as they fill a request. It
// belongs to one goroutine and is used again.
type push struct {
	target    *target
	reader    *pdatarecord.Reader
	sequencer mapping.Sequencer // of this push alone, so that its stamps follow from it; unused where the target is timed
	line      []byte

	// The request that is being filled.
	pages     []*payload.Page
	of        []int32 // the record of each line
	size      int     // of the lines and what joins them, in bytes
	records   int     // how many it may carry
	old       bool    // an earlier process may have sent some of it
	truncated int

	parts map[int32]*parts // records that became more lines than one

	// What became of the records.
	stored, refused int // logs
	skipped         map[string]int
	failed          error // why the rest is not sent
	rest            []returned
}

// joint is what stands between two lines.
const joint = len(",\n")

// pageSize is the memory of a page. Longer lines get pages of their own.
const pageSize = 256 << 10

var pages = sync.Pool{New: func() any { return payload.NewPage(pageSize) }}

// maxKept bounds the scratch memory that is kept between pushes.
const maxKept = 256 << 10

// reset makes the push ready for the next one.
func (p *push) reset() {
	for _, page := range p.pages {
		release(page)
	}
	*p = push{
		target: p.target, reader: p.reader, line: p.line[:0], pages: p.pages[:0], of: p.of[:0], rest: p.rest[:0],
	}
	p.reader.Reset()
	if cap(p.line) > maxKept {
		p.line = nil
	}
}

// release gives a page back.
func release(page *payload.Page) {
	if page.Cap() == pageSize {
		page.Reset()
		pages.Put(page)
	}
}

// send sends the records and returns what the helper has to know.
func (p *push) send(ctx context.Context, logs plog.Logs) error {
	i := int32(-1)
	for _, resource := range logs.ResourceLogs().All() {
		p.reader.Resource(resource.Resource())
		for _, scope := range resource.ScopeLogs().All() {
			p.reader.Scope(scope.Scope())
			for _, record := range scope.LogRecords().All() {
				i++
				p.add(ctx, i, record)
				if p.failed != nil && p.untouched() {
					return p.result(ctx, logs) // all of it comes again, as it is
				}
			}
		}
	}
	p.flush(ctx)
	return p.result(ctx, logs)
}

// untouched reports whether nothing has become of any record.
func (p *push) untouched() bool { return p.stored == 0 && p.refused == 0 && len(p.skipped) == 0 }

// add encodes a record and puts it into the request, which is sent before if there is no room. Behind a failure the record is
// only put to the rest.
func (p *push) add(ctx context.Context, i int32, record plog.LogRecord) {
	line, meta, err := p.reader.Append(p.line[:0], record, p.target.logBytes)
	p.line = line
	if err != nil {
		p.skip(err)
		return
	}
	if !p.target.timed {
		p.sequencer.Stamp(line, meta)
	}
	if p.failed != nil {
		p.giveBack(i, line)
		return
	}
	old := p.target.isOld(record)
	if meta.Parts > 1 {
		p.addParts(ctx, i, line, meta, old)
		return
	}
	if !p.fits(len(line)) {
		if p.flush(ctx); p.failed != nil {
			p.giveBack(i, line)
			return
		}
	}
	p.put(i, line, old)
	if meta.Truncated {
		p.truncated++
	}
}

func (p *push) skip(err error) {
	if p.skipped == nil {
		p.skipped = map[string]int{}
	}
	p.skipped[reasonFor(err)]++
}

// fits reports whether a line has room in the request.
func (p *push) fits(n int) bool {
	return len(p.of) == 0 || len(p.of) < p.records && p.size+joint+n <= p.target.bytes-payload.Overhead
}

// put puts a line into the request.
func (p *push) put(i int32, line []byte, old bool) {
	if len(p.of) > 0 {
		p.size += joint
	} else {
		p.records = max(p.target.pace.Size(), p.target.unsent.take(line))
	}
	p.size += len(line)
	p.of = append(p.of, i)
	p.old = p.old || old
	if n := len(p.pages); n > 0 && p.pages[n-1].Append(line) != nil {
		return
	}
	page := pages.Get().(*payload.Page)
	if len(line) > page.Cap() {
		pages.Put(page)
		page = payload.NewPage(len(line))
	}
	page.Append(line)
	p.pages = append(p.pages, page)
}

// flush sends the request. What of it is not settled goes to the rest.
func (p *push) flush(ctx context.Context) {
	if len(p.of) == 0 {
		return
	}
	var request payload.Request
	for _, page := range p.pages {
		// The limits hold already: a line that had no room is not in the pages.
		request.Add(page.Lines(), payload.Limits{Bytes: p.size + payload.Overhead, Records: len(p.of)})
	}
	outcome := p.target.deliver(ctx, request, p.old)
	p.stored += outcome.Stored
	p.refused += len(outcome.Refused)
	if outcome.Stored > 0 {
		p.target.telemetry.truncated(ctx, p.truncated)
	}
	p.failed = outcome.Err
	p.target.unsent.add(outcome.Unsent)
	p.settle(request, outcome.Unsent)
	for _, page := range p.pages {
		release(page)
	}
	clear(p.pages)
	p.pages, p.of, p.size, p.old, p.truncated = p.pages[:0], p.of[:0], 0, false, 0
}

// result counts, tells, and returns what the helper has to know.
func (p *push) result(ctx context.Context, logs plog.Logs) error {
	t := p.target
	if p.failed != nil {
		p.remember()
	}
	for reason, n := range p.skipped {
		t.telemetry.skipped(ctx, reason, n)
	}
	noRun := p.skipped[reasonNoRun]
	if noRun > 0 {
		t.said.warn(reasonNoRun, "Log records name no flow run and are not sent. Set default_run, or an attribute that names their run.",
			zap.Int("records", noRun), zap.String("next", "said again after an hour; otelcol_exporter_prefect_skipped_log_records counts them"))
	}
	switch {
	case p.failed != nil && p.untouched():
		return again(p.failed)
	case p.failed != nil:
		return consumererror.NewLogs(again(p.failed), p.copyRest(logs))
	case t.refuse && noRun > 0:
		return consumererror.NewPermanent(fmt.Errorf("%d log records name no flow run and are refused, as missing_run says; the others are sent", noRun))
	case p.refused > 0 && p.stored == 0:
		return consumererror.NewPermanent(fmt.Errorf("the server refuses all %d logs of a push, and they are lost; otelcol_exporter_prefect_refused_logs counts them by reason", p.refused))
	}
	return nil
}

// stampOf returns the stamp of a line.
func stampOf(line []byte) (time.Time, bool) {
	stamp, err := time.Parse("2006-01-02T15:04:05.000000Z", string(payload.Stamp(line)))
	return stamp, err == nil
}
