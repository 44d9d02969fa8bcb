// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// reason says why a record was lost.
type reason uint8

const (
	queueFull reason = iota
	refused
	spoolFull
	tooLong
	reasons
)

// reasonTexts are the reasons in the words of the notice.
var reasonTexts = [reasons]string{
	queueFull: "the queue was full", refused: "the server refused them", spoolFull: "the spool was full",
	tooLong: "they are longer than a log may be",
}

// What a notice looks like on the run's page, and how often a run can get one.
const (
	noticeLevel  = 30
	noticeLogger = "prefectlogs"
	noticeEvery  = 10 * time.Second
)

// maxLosingRuns bounds the runs whose losses are remembered one by one.
const maxLosingRuns = 1000

// loss is what one run has lost since it was last told.
type loss struct {
	counts      [reasons]uint64
	first, last []byte // stamps, as in a line: their order is that of time
}

func (l *loss) add(counts [reasons]uint64, first, last []byte) {
	for i, n := range counts {
		l.counts[i] += n
	}
	if l.first == nil || bytes.Compare(first, l.first) < 0 {
		l.first = append(l.first[:0], first...)
	}
	if bytes.Compare(last, l.last) > 0 {
		l.last = append(l.last[:0], last...)
	}
}

// message tells the loss to the readers of the run's page.
func (l *loss) message() string {
	var total uint64
	var why []string
	for i, n := range l.counts {
		total += n
		if n > 0 {
			why = append(why, fmt.Sprintf("%d because %s", n, reasonTexts[i]))
		}
	}
	return fmt.Sprintf("%d log records of this run were lost, of %s to %s: %s", total, l.first, l.last, strings.Join(why, ", "))
}

// losses remembers what runs have lost, so that each run is told. It is not safe
// for concurrent use: the lock of the Batch guards it.
type losses struct {
	untold  map[string]*loss // by flow run id
	telling map[string]*loss // in the request under way
	notices []payload.Lines  // of those
}

// add notes that lines were lost.
func (l *losses) add(lines payload.Lines, why reason) {
	for line := range lines.All() {
		l.addLine(line, why)
	}
}

// addLine notes that a line was lost, unless it is a notice itself.
func (l *losses) addLine(line []byte, why reason) {
	if slices.ContainsFunc(l.notices, func(notice payload.Lines) bool { return notice.Contains(line) }) {
		return
	}
	known := l.untold[string(payload.FlowRunID(line))]
	if known == nil {
		if len(l.untold) == maxLosingRuns {
			return
		}
		if l.untold == nil {
			l.untold = make(map[string]*loss)
		}
		known = new(loss)
		l.untold[string(payload.FlowRunID(line))] = known
	}
	var counts [reasons]uint64
	counts[why] = 1
	known.add(counts, payload.Stamp(line), payload.Stamp(line))
}

// headOf appends to dst what [losses.addLine] looks at in the line of a record that has none.
func headOf(dst []byte, meta mapping.Meta) []byte {
	var flow [36]byte
	return payload.AppendHead(dst, meta.Level, meta.Micros, meta.Run.Flow.AppendTo(flow[:0]), nil)
}

// tell puts notices of what is untold into an empty request, as far as half of
// the limits leaves room; the rest is told with the next one. It returns
// how many there are.
func (l *losses) tell(request *payload.Request, limits payload.Limits, now time.Time) (told int) {
	limits.Records = max(limits.Records/2, 1)
	limits.Bytes = max(limits.Bytes/2, limits.LogBytes+payload.Overhead)
	l.telling = make(map[string]*loss)
	for _, flow := range slices.Sorted(maps.Keys(l.untold)) {
		untold := l.untold[flow]
		line := payload.AppendHead(nil, noticeLevel, now.UnixMicro(), []byte(flow), nil)
		line = fmt.Appendf(line, `%s","message":"%s"}`, noticeLogger, untold.message())
		page := payload.NewPage(len(line))
		page.Append(line)
		notice := page.Lines()
		if request.Add(notice, limits).Records() > 0 {
			break
		}
		delete(l.untold, flow)
		l.telling[flow] = untold
		l.notices = append(l.notices, notice)
		told++
	}
	return told
}

// told ends the request under way. What could not be told is told later.
func (l *losses) told(ok bool) {
	if !ok {
		for flow, untold := range l.telling {
			if newer := l.untold[flow]; newer != nil {
				untold.add(newer.counts, newer.first, newer.last)
			}
			l.untold[flow] = untold
		}
	}
	l.telling, l.notices = nil, nil
}
