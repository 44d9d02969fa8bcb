// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unsafe"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/run"
)

// The logger names of records that name none, as in Prefect.
const (
	flowRunLogger = "prefect.flow_runs"
	taskRunLogger = "prefect.task_runs"
)

// Encoder turns entries into lines. It is safe for concurrent use.
type Encoder struct {
	config  Config // checked
	table   *table
	secrets *secrets
}

// NewEncoder returns an encoder. All that is wrong with the config, such as an
// unknown format, is returned in one joined error.
func NewEncoder(config Config) (*Encoder, error) {
	config, err := config.check()
	table, tableErr := newTable(config)
	if err := errors.Join(err, tableErr); err != nil {
		return nil, err
	}
	enc := &Encoder{config: config, table: table, secrets: newSecrets(config.Secrets)}
	enc.config.Secrets = nil // so that they do not show where an encoder is printed
	return enc, nil
}

// MissingRun returns the policy for records without a run.
func (enc *Encoder) MissingRun() MissingRun {
	return enc.config.MissingRun
}

// exceptionParts are type, message and stack trace, in the order of their meanings.
const exceptionParts = 3

// scratch is what encoding one entry needs beside the line. It stays with the entry.
type scratch struct {
	enc       *Encoder    // whose keys and source are remembered
	known     []cachedKey // keys of the record before: many records have the same, in the same order
	unknown   meaning     // of a key that is not among them
	find      finder
	shown     []shown // the attributes for the message
	exception [exceptionParts]string
	logger    string
	level     int
	micros    int64 // of the stamp
	optedOut  bool
	named     bool                  // the event's name stands in place of the body
	plain     []byte                // what is appended next
	value     []byte                // a value on its way to plain
	key       []byte                // the name of a map and its member
	last      map[attribute.Key]int // of the records with very many attributes
	clock     payload.Clock
	source    source
	parsed    [RunType - FlowRunID + 1]parsed // of the attributes that name a run
	flow      [36]byte
	task      [36]byte
	hex       [32]byte

	whole []byte // of a message that is split
	head  []byte // of its lines
	ends  []int  // of its parts
}

// shown is an attribute that goes into the message.
type shown struct {
	at   int    // its index
	pair string // see meaning
}

// Bounds of the memory that a scratch holds on to.
const (
	maxKeptBytes = 64 << 10
	maxKeptShown = 1024
	maxKnown     = 64 // keys
)

// begin returns the entry's scratch for another encoding by enc.
func (e *Entry) begin(enc *Encoder) *scratch {
	s := e.scratch
	if s == nil {
		s = new(scratch)
		e.scratch = s
	}
	s.reset()
	if s.enc != enc {
		s.enc, s.known, s.source = enc, nil, source{}
	}
	return s
}

// reset forgets the entry, of whose texts it then holds none but the logger's name.
func (s *scratch) reset() {
	s.find = finder{}
	s.shown = s.shown[:0]
	if cap(s.shown) > maxKeptShown {
		s.shown = nil
	}
	s.exception = [exceptionParts]string{}
	s.logger = ""
	s.level = 0
	s.optedOut = false
	s.named = false
	if cap(s.plain)+cap(s.value)+cap(s.key)+cap(s.whole) > maxKeptBytes {
		s.plain, s.value, s.key, s.whole = nil, nil, nil, nil
	}
	s.last = nil
}

const afterName, afterMessage = `","message":"`, `"}`

// Append appends the line of e to dst. The line is at most limit bytes long; a
// limit below [MinLimit] counts as MinLimit. What does not fit is cut from the end of
// the message, at the border of a character, and marked. With [SplitOversize]
// it becomes further lines instead, each at most limit bytes long, which
// [Lines] returns; with [DropOversize] the error is [ErrTooLarge].
//
// Where e has no line, the error is that, [ErrNoRun], [ErrOptedOut] or
// [ErrDisabled], and dst is returned as it was. With [ErrTooLarge] the Meta is that
// of the record all the same.
func (enc *Encoder) Append(dst []byte, e *Entry, limit int) ([]byte, Meta, error) {
	s := e.begin(enc)
	meta, err := enc.identify(s, e)
	if err != nil {
		return dst, meta, err
	}
	ids := meta.Run
	s.micros = meta.Micros

	begin := len(dst)
	end := begin + max(limit, MinLimit) - len(afterMessage)
	dst = s.clock.AppendHead(dst, meta.Level, meta.Micros)
	dst = enc.appendSource(dst, s, ids, loggerName(s, e, ids), end)
	message := text{buf: dst, start: len(dst), limit: end, keepANSI: enc.config.KeepANSI}
	enc.appendMessage(&message, s, e)
	if message.cut && enc.config.Oversize != TruncateOversize {
		if enc.config.Oversize == DropOversize {
			return message.buf[:begin], meta, ErrTooLarge
		}
		dst, meta = enc.split(message.buf, begin, message.start, end, s, e, meta)
		return dst, meta, nil
	}
	enc.secrets.mask(&message)
	meta.Truncated = message.cut
	return append(message.buf, afterMessage...), meta, nil
}

// Identify returns what [Encoder.Append] tells of e beside its line: the run, the level and the
// time, or why it has no line. It makes none and costs a fraction of that. Where the message is too
// long, it does not see that.
func (enc *Encoder) Identify(e *Entry) (Meta, error) { return enc.identify(e.begin(enc), e) }

func (enc *Encoder) identify(s *scratch, e *Entry) (Meta, error) {
	if enc.config.Disabled {
		return Meta{}, ErrDisabled
	}
	enc.read(s, e)
	if s.optedOut {
		return Meta{}, ErrOptedOut
	}
	ids := enc.resolve(s.find.run(), e)
	if ids.Flow.IsZero() {
		return Meta{}, ErrNoRun
	}
	meta := Meta{Level: s.level, Run: ids, Micros: micros(e), Parts: 1, ExactTime: enc.config.ExactTime}
	if meta.Level == 0 {
		meta.Level = LevelOf(e.Severity, e.SeverityText)
	}
	return meta, nil
}

// source is what stands in a line between its stamp and its message, as the entry's
// last record had it: most records have it from the one before.
type source struct {
	ids  run.IDs
	name []byte
	line []byte
}

// maxKeptName bounds the names in a source, escaped: within any limit they have room.
const maxKeptName = 64

// appendSource writes the run of a record and its logger's name, and begins the message.
func (enc *Encoder) appendSource(dst []byte, s *scratch, ids run.IDs, logger string, end int) []byte {
	known := &s.source
	if known.ids == ids && string(known.name) == logger {
		return append(dst, known.line...)
	}
	begin := len(dst)
	task := s.task[:0]
	if !ids.Task.IsZero() {
		task = ids.Task.AppendTo(task)
	}
	dst = payload.AppendRun(dst, ids.Flow.AppendTo(s.flow[:0]), task)
	name := text{buf: dst, start: len(dst), limit: len(dst) + (end-len(dst)-len(afterName))/2, keepANSI: enc.config.KeepANSI}
	name.append(logger)
	enc.secrets.mask(&name)
	dst = append(name.buf, afterName...)
	if len(logger) <= maxKeptName && len(name.buf)-name.start <= maxKeptName && !name.cut {
		known.ids = ids
		known.name = append(known.name[:0], logger...)
		known.line = append(known.line[:0], dst[begin:]...)
	}
	return dst
}

// read sorts the attributes of e by what they mean.
func (enc *Encoder) read(s *scratch, e *Entry) {
	if !enc.readAll(s, e, false) {
		s.reset()
		enc.readAll(s, e, true)
	}
}

// readAll is read where no key stands twice and no id is bad. It returns false where that is
// not sure, and then has said nothing; carefully, it is sure.
func (enc *Encoder) readAll(s *scratch, e *Entry, carefully bool) bool {
	var seen uint64 // bits of keys
	var loggerRank uint16
	named := false // there are names of runs among those shown
	for i := range e.Attributes {
		kv := &e.Attributes[i]
		m := s.meaningOf(i, string(kv.Key))
		switch {
		case !carefully:
			if m.bit == 0 || seen&m.bit != 0 {
				return false
			}
			seen |= m.bit
		case s.overridden(e.Attributes, i):
			continue
		}
		switch m.field {
		case fieldNone, ServiceName:
			s.shown = append(s.shown, shown{i, m.pair})
		case fieldDenied, fieldSkipped:
		case FlowRunID, TaskRunID, TypedID, RunType:
			if !s.find.offer(m, &kv.Value, &s.parsed[m.field-FlowRunID]) {
				if !carefully {
					return false
				}
				enc.badID(string(kv.Key))
			}
		case RunName:
			s.shown, named = append(s.shown, shown{i, m.pair}), true
		case Level:
			if level := levelOf(kv.Value); level != 0 {
				s.level = level
			} else {
				s.shown = append(s.shown, shown{i, m.pair})
			}
		case Logger:
			if text := kv.Value.AsString(); text != "" && (loggerRank == 0 || m.rank < loggerRank) {
				s.logger, loggerRank = text, m.rank
			}
		case SendToAPI:
			s.optedOut = s.optedOut || isFalse(kv.Value)
		case ExceptionType, ExceptionMessage, ExceptionStacktrace:
			s.exception[m.field-ExceptionType] = kv.Value.String()
		}
	}
	if named && s.find.run() != (run.IDs{}) {
		s.shown = slices.DeleteFunc(s.shown, func(one shown) bool {
			return enc.table.lookup(string(e.Attributes[one.at].Key)).field == RunName
		})
	}
	return true
}

// meaningOf returns what the key of the i-th attribute means, until it is called again.
func (s *scratch) meaningOf(i int, key string) *meaning {
	if i < len(s.known) && s.known[i].key == key {
		return &s.known[i].meaning
	}
	m := s.enc.table.lookup(key)
	if m.bit == 0 || i > len(s.known) || i >= maxKnown {
		s.unknown = m
		return &s.unknown
	}
	if i == len(s.known) {
		s.known = append(s.known, cachedKey{})
	}
	s.known[i] = cachedKey{key, m}
	return &s.known[i].meaning
}

// levelOf returns the level that an attribute holds, 0 where it holds none that Prefect's pages paint.
func levelOf(v attribute.Value) int {
	var n int64
	switch v.Type() {
	case attribute.INT64:
		n = v.AsInt64()
	case attribute.FLOAT64: // of records that came by way of JSON
		if f := v.AsFloat64(); f >= minLevel && f <= maxLevel {
			n = int64(f)
		}
	}
	if n < minLevel || n > maxLevel {
		return 0
	}
	return int(n)
}

// isFalse reports whether a value is false in Python, or is its name.
func isFalse(v attribute.Value) bool {
	switch v.Type() {
	case attribute.BOOL:
		return !v.AsBool()
	case attribute.STRING:
		text := v.AsString()
		return text == "" || strings.EqualFold(text, "false")
	case attribute.INT64:
		return v.AsInt64() == 0
	case attribute.FLOAT64:
		return v.AsFloat64() == 0
	case attribute.EMPTY:
		return true
	}
	return false
}

// fewAttributes is up to how many attributes comparing each with each is
// cheaper than a map.
const fewAttributes = 32

// overridden reports whether a later attribute has the key of the i-th one.
func (s *scratch) overridden(attributes []attribute.KeyValue, i int) bool {
	if len(attributes) <= fewAttributes {
		return slices.ContainsFunc(attributes[i+1:], func(later attribute.KeyValue) bool {
			return later.Key == attributes[i].Key
		})
	}
	if len(s.last) == 0 {
		s.last = make(map[attribute.Key]int, len(attributes))
		for j := range attributes {
			s.last[attributes[j].Key] = j
		}
	}
	return s.last[attributes[i].Key] != i
}

func (enc *Encoder) badID(key string) {
	if enc.config.BadID != nil {
		enc.config.BadID(key)
	}
}

// loggerName returns the name under which the log stands on the page.
func loggerName(s *scratch, e *Entry, ids run.IDs) string {
	switch {
	case e.ScopeName != "":
		return e.ScopeName
	case s.logger != "":
		return s.logger
	case e.Resource.ServiceName != "":
		return e.Resource.ServiceName
	case !ids.Task.IsZero():
		return taskRunLogger
	default:
		return flowRunLogger
	}
}

// micros returns the time of the entry in microseconds since 1970, UTC.
func micros(e *Entry) int64 {
	switch {
	case !e.Timestamp.IsZero():
		return unixMicro(e.Timestamp)
	case !e.Observed.IsZero():
		return unixMicro(e.Observed)
	default:
		return time.Now().UnixMicro()
	}
}

// unixMicro is [time.Time.UnixMicro] for every time: what an int64 does not hold stays before or behind all years
// that a log can be of.
func unixMicro(t time.Time) int64 {
	const far = 1 << 42 // seconds, 139,000 years
	if s := t.Unix(); s < -far || s > far {
		return min(max(s, -far), far) * 1e6
	}
	return t.UnixMicro()
}

// stringOf views bytes that nobody changes meanwhile as a string.
func stringOf(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
