// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Log is one stored log record.
type Log struct {
	ID        string    `json:"id"`   // given by the server
	Name      string    `json:"name"` // of the logger
	Level     int       `json:"level"`
	Message   string    `json:"message"`
	Timestamp time.Time `json:"timestamp"`   // UTC, microseconds
	FlowRunID string    `json:"flow_run_id"` // "" for none
	TaskRunID string    `json:"task_run_id"` // "" for none
}

// transaction is how many records the server writes in one transaction: what of a request lies beyond is written, or
// fails, on its own. (32767 parameters of a statement by 9 columns; since 2.6.0.)
const transaction = 32767 / 9

// row is a stored record.
type row struct {
	Log
	created time.Time
	shuffle uint64 // orders rows of one time stamp where the database does not
}

// store holds the log records. Its methods are called under the server's lock.
type store struct {
	generation Generation
	database   Database
	epoch      int    // counts resets
	rows       []*row // in the order of storing
	sorted     []*row // by time stamp, then by the order of storing; nil when out of date
	shuffled   []*row // by time stamp, then in no order; nil when out of date or unused
}

func (s *store) init(c config) { s.generation, s.database = c.generation, c.database }

func (s *store) reset() { s.rows, s.sorted, s.epoch = nil, nil, s.epoch+1 }

func (s *store) logs() []Log {
	logs := make([]Log, len(s.rows))
	for i, r := range s.rows {
		logs[i] = r.Log
	}
	return logs
}

// add stores records, one transaction after the other, and reports whether all of them were taken. Transactions before
// the one that fails stay.
func (s *store) add(records []record) bool {
	now := time.Now().UTC()
	for chunk := range slices.Chunk(records, transaction) {
		rows := make([]*row, len(chunk))
		for i, r := range chunk {
			if !s.sanitize(&r) {
				return false
			}
			rows[i] = &row{created: now, shuffle: rand.Uint64(), Log: Log{
				ID: newID(), Name: r.name, Level: int(r.level.Int64()), Message: r.message, Timestamp: r.timestamp,
				FlowRunID: r.flowRunID, TaskRunID: r.taskRunID,
			}}
		}
		s.rows, s.sorted = append(s.rows, rows...), nil
	}
	return true
}

var maxSmallint, minSmallint = big.NewInt(1<<15 - 1), big.NewInt(-1 << 15)

// sanitize reports whether the database takes r, after what the server does to it.
func (s *store) sanitize(r *record) bool {
	if s.generation.modern() { // since 3.6.18
		r.name, r.message = strings.ReplaceAll(r.name, "\x00", ""), strings.ReplaceAll(r.message, "\x00", "")
	}
	for _, text := range []string{r.name, r.message} {
		if !utf8.ValidString(text) { // lone surrogates
			return false
		}
		if s.database == PostgreSQL && strings.Contains(text, "\x00") {
			return false
		}
	}
	if s.database == PostgreSQL && (r.level.Cmp(maxSmallint) > 0 || r.level.Cmp(minSmallint) < 0) {
		return false
	}
	if !r.level.IsInt64() || !inRange(r.timestamp) {
		return false
	}
	if s.database == PostgreSQL {
		r.timestamp = asPostgreSQL(r.timestamp)
	}
	return true
}

// createLogs is POST /logs/.
func (s *Server) createLogs(r *http.Request, body []byte) answer {
	v, refused := s.decode(r, body)
	if refused != nil {
		return *refused
	}
	check := validator{generation: s.generation, database: s.database}
	records := check.records(v)
	if len(check.details) > 0 {
		return refusal(s.generation, check.details, v)
	}
	if check.absent {
		return conflict()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if wait, ok := s.window.take(len(records), s.perMinute); !ok {
		return plain(http.StatusTooManyRequests, "Too many log records, try again later.").
			with("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
	if !s.store.add(records) {
		return dataError(s.generation, s.database)
	}
	return answer{status: http.StatusCreated, body: []byte("null")}
}

// conflict is the answer to a constraint of the database that was hurt.
func conflict() answer {
	return plain(http.StatusConflict, "Data integrity conflict. This usually means a unique or foreign key constraint was violated. See server logs for details.")
}

// decode reads a body as JSON, or returns the answer to one that is none.
func (s *Server) decode(r *http.Request, body []byte) (value, *answer) {
	refuse := func(a answer) (value, *answer) { return value{}, &a }
	if len(body) == 0 {
		return refuse(refusal(s.generation, []detail{{problem: missing}}, value{}))
	}
	if contentType := r.Header.Get("Content-Type"); !isJSON(contentType) || // 3.x fills in a type where there is a length
		contentType == "" && r.ContentLength < 0 && s.generation.modern() {
		raw := value{kind: text, text: strings.ToValidUTF8(string(body), "\ufffd")}
		return refuse(refusal(s.generation, []detail{{problem: textForList("bytes"), input: raw}}, raw))
	}
	v, err := decodeJSON(body)
	if syntax, ok := errors.AsType[*syntaxError](err); ok {
		return refuse(syntaxRefusal(s.generation, syntax, body))
	}
	if err != nil {
		return refuse(plain(http.StatusBadRequest, "There was an error parsing the body"))
	}
	return v, nil
}

// isJSON reports whether a body of this type is read as JSON; one without a type is.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	media = strings.TrimSpace(media)
	return media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}

// rateWindow counts the records of one minute.
type rateWindow struct {
	begin time.Time
	used  int
}

// take counts n records, or says how long to wait for the next minute.
func (w *rateWindow) take(n, perMinute int) (time.Duration, bool) {
	if perMinute == 0 {
		return 0, true
	}
	now := time.Now()
	if now.Sub(w.begin) >= time.Minute {
		w.begin, w.used = now, 0
	}
	if w.used > 0 && w.used+n > perMinute {
		return w.begin.Add(time.Minute).Sub(now), false
	}
	w.used += n
	return 0, true
}
