// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package payload

import "time"

// Where the parts of a line stand.
const (
	levelAt = len(LineStart)
	stampAt = levelAt + 2 + len(`,"timestamp":"`)
	flowAt  = stampAt + stampLen + len(`","flow_run_id":"`)
	taskAt  = flowAt + idLen + len(`","task_run_id":`)

	stampLen = len("2006-01-02T15:04:05.000000Z")
	idLen    = 36
)

// separator stands between two lines.
const separator = ",\n"

// LineStart is how every line begins, and nothing else in one: text has its quotes
// escaped.
const LineStart = `{"level":`

// The stamps that every server can store and read back: the years 1 to 9998,
// in microseconds since 1970. PostgreSQL stores the year 9999 too, but then
// every later read of that run fails.
var (
	minMicros = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	maxMicros = time.Date(9998, 12, 31, 23, 59, 59, 999_999_000, time.UTC).UnixMicro()
)

// AppendHead appends the fixed part of a line, up to and with `"name":"`.
// The level is clamped to 10..59, since Prefect's pages paint a log by the first
// of two digits; the stamp to the years 1 to 9998. flow is a canonical
// UUID of 36 bytes, task one or empty.
func AppendHead(dst []byte, level int, micros int64, flow, task []byte) []byte {
	level = min(max(level, 10), 59)
	dst = append(dst, `{"level":`...)
	dst = append(dst, byte('0'+level/10), byte('0'+level%10))
	dst = append(dst, `,"timestamp":"`...)
	dst = appendStamp(dst, micros)
	dst = append(dst, `","flow_run_id":"`...)
	dst = append(dst, flow...)
	if len(task) == 0 {
		return append(dst, `","task_run_id":null,"name":"`...)
	}
	dst = append(dst, `","task_run_id":"`...)
	dst = append(dst, task...)
	return append(dst, `","name":"`...)
}

// SetStamp overwrites the stamp of a line, in microseconds since 1970, UTC.
func SetStamp(line []byte, micros int64) {
	appendStamp(line[stampAt:stampAt], micros)
}

// Level returns the level of a line.
func Level(line []byte) int {
	return int(line[levelAt]-'0')*10 + int(line[levelAt+1]-'0')
}

// Stamp returns the 27 bytes of a line's timestamp.
func Stamp(line []byte) []byte { return line[stampAt : stampAt+stampLen] }

// FlowRunID returns the 36 bytes of a line's flow run id.
func FlowRunID(line []byte) []byte { return line[flowAt : flowAt+idLen] }

// TaskRunID returns the 36 bytes of a line's task run id, or nil.
func TaskRunID(line []byte) []byte {
	if line[taskAt] != '"' {
		return nil
	}
	return line[taskAt+1 : taskAt+1+idLen]
}

// appendStamp writes the fixed-width form that every server version reads.
func appendStamp(dst []byte, micros int64) []byte {
	micros = min(max(micros, minMicros), maxMicros)
	t := time.UnixMicro(micros).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	fraction := t.Nanosecond() / 1000
	return append(dst,
		byte('0'+year/1000), byte('0'+year/100%10), byte('0'+year/10%10), byte('0'+year%10), '-',
		byte('0'+month/10), byte('0'+month%10), '-',
		byte('0'+day/10), byte('0'+day%10), 'T',
		byte('0'+hour/10), byte('0'+hour%10), ':',
		byte('0'+minute/10), byte('0'+minute%10), ':',
		byte('0'+second/10), byte('0'+second%10), '.',
		byte('0'+fraction/100_000), byte('0'+fraction/10_000%10), byte('0'+fraction/1000%10),
		byte('0'+fraction/100%10), byte('0'+fraction/10%10), byte('0'+fraction%10), 'Z')
}
