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
	return AppendRun(new(Clock).AppendHead(dst, level, micros), flow, task)
}

// AppendRun appends the second half of what [AppendHead] does, from the ids on. It is
// the same for all records of a run.
func AppendRun(dst []byte, flow, task []byte) []byte {
	dst = append(dst, `","flow_run_id":"`...)
	dst = append(dst, flow...)
	if len(task) == 0 {
		return append(dst, `","task_run_id":null,"name":"`...)
	}
	dst = append(dst, `","task_run_id":"`...)
	dst = append(dst, task...)
	return append(dst, `","name":"`...)
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
