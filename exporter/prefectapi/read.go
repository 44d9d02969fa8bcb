// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Bounds of reading back. A server gives at most 200 logs at once
// (PREFECT_SERVER_API_DEFAULT_LIMIT); more than the pages hold share one microsecond
// of one run only if somebody tries.
const (
	pageSize = 200
	maxPages = 25
	maxPage  = 8 << 20 // bytes; a log has 1,000,000 by default
)

// Log is a stored log, as far as a client determines it.
type Log struct {
	FlowRunID string // a UUID
	Timestamp time.Time
	Name      string
	Level     int
	Message   string
}

// CountLogs returns how many logs equal to log the server has stored. Their
// messages can be long, so they are compared as they come in. An error is an
// [*Error]; an answer that cannot be read is one of KindAccess.
func (c *Client) CountLogs(ctx context.Context, log Log) (int, error) {
	filter := logFilter{Limit: pageSize, Sort: "TIMESTAMP_ASC"}
	filter.Logs = &logConditions{}
	filter.Logs.FlowRunID.Any = []string{log.FlowRunID}
	filter.Logs.Timestamp.After, filter.Logs.Timestamp.Before = log.Timestamp.UTC(), log.Timestamp.UTC()
	count := 0
	for range maxPages {
		rows := 0
		err := c.filterLogs(ctx, filter, func(row storedLog) {
			rows++
			if row.equals(log) {
				count++
			}
		})
		if err != nil {
			return 0, err
		}
		if rows < pageSize {
			return count, nil
		}
		filter.Offset += pageSize
	}
	return 0, &Error{Kind: KindAccess, Err: errTooMany, host: c.api.Host, reading: "logs"}
}

// FindLogs hands found every stored log of the runs whose time is within from and to,
// both included. It returns false where there are more than it reads, 5,000, or 200 in 8 MiB; found
// has then got some of them. An error is an [*Error], as of CountLogs.
func (c *Client) FindLogs(ctx context.Context, flowRunIDs []string, from, to time.Time, found func(Log)) (all bool, err error) {
	filter := logFilter{Limit: pageSize, Sort: "TIMESTAMP_ASC"}
	filter.Logs = &logConditions{}
	filter.Logs.FlowRunID.Any = flowRunIDs
	filter.Logs.Timestamp.After, filter.Logs.Timestamp.Before = from.UTC(), to.UTC()
	for range maxPages {
		rows := 0
		err := c.filterLogs(ctx, filter, func(row storedLog) {
			rows++
			found(Log(row))
		})
		if errors.Is(err, errLongAnswer) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if rows < pageSize {
			return true, nil
		}
		filter.Offset += pageSize
	}
	return false, nil
}

// Check returns nil if the API is well: it reads one log, whichever.
func (c *Client) Check(ctx context.Context) error {
	return c.filterLogs(ctx, logFilter{Limit: 1, Sort: "TIMESTAMP_ASC"}, func(storedLog) {})
}

// logFilter is the body of POST /logs/filter.
type logFilter struct {
	Logs   *logConditions `json:"logs,omitempty"`
	Limit  int            `json:"limit"`
	Offset int            `json:"offset"`
	Sort   string         `json:"sort"`
}

// logConditions has inclusive bounds.
type logConditions struct {
	FlowRunID struct {
		Any []string `json:"any_"`
	} `json:"flow_run_id"`
	Timestamp struct {
		After  time.Time `json:"after_"`
		Before time.Time `json:"before_"`
	} `json:"timestamp"`
}

// storedLog is a [Log] as the API gives it back.
type storedLog struct {
	FlowRunID string    `json:"flow_run_id"`
	Timestamp time.Time `json:"timestamp"`
	Name      string    `json:"name"`
	Level     int       `json:"level"`
	Message   string    `json:"message"`
}

func (l storedLog) equals(log Log) bool {
	return l.Level == log.Level && l.Name == log.Name && l.Message == log.Message && l.Timestamp.Equal(log.Timestamp)
}

// filterLogs hands each log of the answer to found.
func (c *Client) filterLogs(ctx context.Context, filter logFilter, found func(storedLog)) error {
	body, err := json.Marshal(filter)
	if err != nil { // a time stamp of a year that JSON has no form for
		return &Error{Kind: KindRequest, Err: errBrokenAnswer, host: c.api.Host}
	}
	err = c.post(ctx, "/logs/filter", jsonBody(body), func(answer io.Reader) error {
		limited := &io.LimitedReader{R: answer, N: maxPage}
		source := &source{from: limited}
		switch {
		case decodeLogs(source, found):
			return nil
		case source.err != nil:
			return source.err
		case limited.N == 0:
			return errLongAnswer
		}
		return errBrokenAnswer
	})
	if failed, ok := errors.AsType[*Error](err); ok {
		failed.reading = "logs"
		failed.Ambiguous, failed.Ended = false, false // reading stores nothing
		if errors.Is(failed.Err, errBrokenAnswer) {
			failed.Kind = KindAccess
		}
	}
	return err
}

// errTooMany: more than maxPages*pageSize logs have the same time stamp.
var errTooMany = errors.New("too many logs of one run share a time stamp to find one of them")

// errBrokenAnswer: what came back to a question for logs is no list of logs.
var errBrokenAnswer = errors.New("the answer to a question for logs is no list of logs")

// errLongAnswer: it may be a list of logs, which is longer than is read.
var errLongAnswer = fmt.Errorf("%w as far as it was read, 8 MiB", errBrokenAnswer)

// decodeLogs reports whether the text is a list of logs.
func decodeLogs(text io.Reader, found func(storedLog)) bool { return decodeList(text, found) }

// decodeList reports whether the text is a list of what it hands to found.
func decodeList[T any](text io.Reader, found func(T)) bool {
	decoder, ok := enter(text, '[')
	if !ok {
		return false
	}
	for decoder.More() {
		var row T
		if decoder.Decode(&row) != nil {
			return false
		}
		found(row)
	}
	token, err := decoder.Token()
	return err == nil && token == json.Delim(']')
}

// enter returns a decoder of JSON behind the opening bracket of the whole. The text
// has to begin with it: a decoder would read one of nothing but blanks to its end.
func enter(text io.Reader, bracket byte) (*json.Decoder, bool) {
	start := make([]byte, 1)
	if _, err := io.ReadFull(text, start); err != nil || start[0] != bracket {
		return nil, false
	}
	decoder := json.NewDecoder(io.MultiReader(bytes.NewReader(start), text))
	_, err := decoder.Token()
	return decoder, err == nil
}

// source remembers why reading ended, which a decoder of JSON does not tell.
type source struct {
	from io.Reader
	err  error // nil at the regular end
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// jsonBody is a body that is no list of records.
type jsonBody []byte

func (b jsonBody) Size() int           { return len(b) }
func (b jsonBody) Records() int        { return 0 }
func (b jsonBody) Body() io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }
