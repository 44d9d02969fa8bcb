// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/pdatarecord"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// setObserved gives records that have no time of observation the present one, as OpenTelemetry asks of collectors. So the stamp
// of a record that has no time at all is the same whenever it is sent again.
func setObserved(logs plog.Logs, now pcommon.Timestamp) {
	for _, resource := range logs.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				if record.ObservedTimestamp() == 0 {
					record.SetObservedTimestamp(now)
				}
			}
		}
	}
}

// times gives records of a run that share a microsecond times of their own before they are queued. The queue puts pushes
// together, and after a restart it does so in another way: stamps that were given behind it would be others then, and what an
// earlier process has sent would not be found. It is safe for concurrent use.
type times struct {
	mu        sync.Mutex // guards what follows
	reader    *pdatarecord.Reader
	sequencer mapping.Sequencer
	line      []byte
}

// set sets the times of records, each of which may become lines of at most limit bytes. repeated: the same records may come
// in again, and then get the same times; else no record gets the time of one that came before.
func (t *times) set(logs plog.Logs, limit int, repeated bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if repeated {
		t.sequencer = mapping.Sequencer{}
	}
	for _, resource := range logs.ResourceLogs().All() {
		t.reader.Resource(resource.Resource())
		for _, scope := range resource.ScopeLogs().All() {
			t.reader.Scope(scope.Scope())
			for _, record := range scope.LogRecords().All() {
				t.setOne(record, limit)
			}
		}
	}
	t.reader.Reset()
	if cap(t.line) > maxKept {
		t.line = nil
	}
}

func (t *times) setOne(record plog.LogRecord, limit int) {
	line, meta, err := t.reader.Append(t.line[:0], record, limit)
	t.line = line
	if err != nil || meta.ExactTime {
		return // it is not sent, or keeps its time
	}
	first := t.sequencer.Stamp(line, meta) // the stamps of parts follow from it
	if first != meta.Micros {
		record.SetTimestamp(pcommon.NewTimestampFromTime(time.UnixMicro(first)))
	}
}
