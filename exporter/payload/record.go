// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
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
