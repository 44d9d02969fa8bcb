// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Record is a line, decoded: what a server tells of it when it is read back.
type Record struct {
	Level     int       `json:"level"`
	Timestamp time.Time `json:"timestamp"`
	FlowRunID string    `json:"flow_run_id"`
	TaskRunID string    `json:"task_run_id"` // "" for none
	Name      string    `json:"name"`
	Message   string    `json:"message"`
}

// Valid reports whether the bytes are a line, whole and in the fixed form: what was
// written by a process that ended meanwhile may not be.
func Valid(line []byte) bool {
	const least = `null,"name":"","message":""}`
	if len(line) < taskAt+len(least) || bytes.IndexByte(line, '\n') >= 0 || !json.Valid(line) {
		return false
	}
	var task []byte
	if line[taskAt] == '"' {
		if len(line) < taskAt+idLen+len(least) {
			return false
		}
		task = TaskRunID(line)
	}
	stamp, err := time.Parse("2006-01-02T15:04:05.000000Z", string(Stamp(line)))
	if err != nil || !isID(FlowRunID(line)) || task != nil && !isID(task) {
		return false
	}
	return bytes.HasPrefix(line, AppendHead(nil, Level(line), stamp.UnixMicro(), FlowRunID(line), task))
}

func isID(id []byte) bool {
	for i, c := range id {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

// Decode reads a line. It is slow beside everything else here, and meant for the
// rare case that a record has to be found again. The error says at which byte the
// line is wrong and nothing of its text.
func Decode(line []byte) (Record, error) {
	var record Record
	err := json.Unmarshal(line, &record)
	if err == nil {
		return record, nil
	}
	if failed, ok := errors.AsType[*json.SyntaxError](err); ok {
		return Record{}, fmt.Errorf("payload: the line is no JSON at byte %d", failed.Offset)
	}
	if failed, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return Record{}, fmt.Errorf("payload: the line's %q is no %s", failed.Field, failed.Type)
	}
	return Record{}, errors.New("payload: the line's timestamp cannot be read")
}
