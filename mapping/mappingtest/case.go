// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mappingtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/mapping"
)

// Record is a log record as every front end can carry it.
type Record struct {
	Timestamp    time.Time
	Observed     time.Time
	Severity     int
	SeverityText string
	EventName    string
	Body         attribute.Value
	Attributes   []attribute.KeyValue
	TraceID      [16]byte
	SpanID       [8]byte

	Scope              string
	ScopeAttributes    []attribute.KeyValue
	ResourceAttributes []attribute.KeyValue
}

// Log is a LogCreate. An empty TaskRunID is null there.
type Log struct {
	Level     int    `json:"level"`
	Timestamp string `json:"timestamp"`
	FlowRunID string `json:"flow_run_id"`
	TaskRunID string `json:"task_run_id"`
	Name      string `json:"name"`
	Message   string `json:"message"`
}

// Encode encodes a record by way of a front end, as [mapping.Encoder.Append] does.
type Encode func(enc *mapping.Encoder, dst []byte, r Record, limit int) ([]byte, mapping.Meta, error)

// Case is a record and what has to come of it.
type Case struct {
	Name   string
	Config mapping.Config
	Limit  int // of a line; 0: 1,000,000
	Record Record
	Want   []Log // more than one where the record is split
	Err    error // why there is no log
}

// Check returns an error that says how what a front end makes of the case differs
// from what has to come of it.
func (c Case) Check(encode Encode) error {
	enc, err := mapping.NewEncoder(c.Config)
	if err != nil {
		return err
	}
	limit := c.Limit
	if limit == 0 {
		limit = 1_000_000
	}
	lines, meta, err := encode(enc, nil, c.Record, limit)
	if !errors.Is(err, c.Err) || (err == nil) != (c.Err == nil) {
		return fmt.Errorf("the error is %v, want %v", err, c.Err)
	}
	if err != nil {
		return nil
	}
	var got []Log
	for line := range mapping.Lines(lines, meta) {
		if len(line) > limit {
			return fmt.Errorf("a line has %d bytes at a limit of %d", len(line), limit)
		}
		var log Log
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&log); err != nil {
			return fmt.Errorf("%w in %s", err, line)
		}
		got = append(got, log)
	}
	if !slices.Equal(got, c.Want) {
		return fmt.Errorf("got  %+v\nwant %+v", got, c.Want)
	}
	return nil
}
