// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"
	"unsafe"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/run"
)

// Why an entry has no line.
var (
	// ErrNoRun: no source names a flow run.
	ErrNoRun = errors.New("mapping: the record names no flow run")
	// ErrOptedOut: the record says send_to_api=false.
	ErrOptedOut = errors.New("mapping: the record is not for Prefect")
	// ErrDisabled: nothing goes to the API, by PREFECT_LOGGING_TO_API_ENABLED.
	ErrDisabled = errors.New("mapping: logging to the API is disabled")
)

// MissingRun is what becomes of a record that names no run, beside not being
// sent: PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW.
type MissingRun string

// The policies for records without a run.
const (
	WarnMissingRun   MissingRun = "warn"   // said once for each logger, with a count; the default
	ErrorMissingRun  MissingRun = "error"  // said for each record
	IgnoreMissingRun MissingRun = "ignore" // never said
)

// MinLimit is the smallest limit of a log, in bytes: room for the ids, the
// stamp, a name and the beginning of a message.
const MinLimit = 512

// The logger names of records that name none, as in Prefect.
const (
	flowRunLogger = "prefect.flow_runs"
	taskRunLogger = "prefect.task_runs"
)

// Config says how an [Encoder] maps. The zero Config is usable.
type Config struct {
	// Default is the run of records that no other source names one for, as
	// the environment of a flow run's process does.
	Default run.IDs

	// MissingRun is what the callers of the encoder do about [ErrNoRun];
	// "" is WarnMissingRun.
	MissingRun MissingRun

	// Disabled makes every record [ErrDisabled].
	Disabled bool

	// BadID is called with the key of an attribute that should hold a run id
	// and holds no UUID. It may be called concurrently and for every such
	// record. nil: nobody is told.
	BadID func(key string)
}

// Encoder turns entries into lines. It is safe for concurrent use.
type Encoder struct {
	config Config
	keys   keyCache
	pool   sync.Pool // of *scratch
}

// NewEncoder returns an encoder.
func NewEncoder(config Config) *Encoder {
	enc := &Encoder{config: config}
	enc.pool.New = func() any { return new(scratch) }
	return enc
}

// MissingRun returns the policy for records without a run.
func (enc *Encoder) MissingRun() MissingRun {
	return cmp.Or(enc.config.MissingRun, WarnMissingRun)
}

// scratch is what encoding one entry needs beside the line.
type scratch struct {
	find      finder
	shown     []int // indexes of the attributes for the message
	exception [exceptionParts]string
	logger    string
	level     int
	optedOut  bool
	plain     []byte
	last      map[attribute.Key]int // of the records with very many attributes
	flow      [36]byte
	task      [36]byte
}

// maxPooledPlain bounds the memory that a pooled scratch holds on to.
const maxPooledPlain = 64 << 10

func (s *scratch) reset() {
	s.find = finder{}
	s.shown = s.shown[:0]
	s.exception = [exceptionParts]string{}
	s.logger = ""
	s.level = 0
	s.optedOut = false
	if cap(s.plain) > maxPooledPlain {
		s.plain = nil
	}
	if len(s.last) > 0 {
		s.last = nil
	}
}

// Append appends the line of e to dst. The line is at most limit bytes long:
// what does not fit is cut from the end of the message, at the border of a
// character, and marked. A limit below [MinLimit] counts as MinLimit.
// Where e has no line, the error is [ErrNoRun], [ErrOptedOut] or [ErrDisabled]
// and dst is returned as it was.
func (enc *Encoder) Append(dst []byte, e *Entry, limit int) ([]byte, Meta, error) {
	if enc.config.Disabled {
		return dst, Meta{}, ErrDisabled
	}
	s := enc.pool.Get().(*scratch)
	defer enc.pool.Put(s)
	defer s.reset()

	enc.read(s, e)
	if s.optedOut {
		return dst, Meta{}, ErrOptedOut
	}
	ids := resolve(s.find.run(), e.Context, e.Scope.Run, e.Resource.Run, enc.config.Default)
	if ids.Flow.IsZero() {
		return dst, Meta{}, ErrNoRun
	}
	meta := Meta{Level: s.level, Run: ids, Micros: micros(e)}
	if meta.Level == 0 {
		meta.Level = LevelOf(e.Severity, e.SeverityText)
	}

	begin := len(dst)
	end := begin + max(limit, MinLimit)
	task := s.task[:0]
	if !ids.Task.IsZero() {
		task = ids.Task.AppendTo(task)
	}
	dst = payload.AppendHead(dst, meta.Level, meta.Micros, ids.Flow.AppendTo(s.flow[:0]), task)

	const afterName, afterMessage = `","message":"`, `"}`
	end -= len(afterMessage)
	name := text{buf: dst, start: len(dst), limit: len(dst) + (end-len(dst)-len(afterName))/2}
	name.append(loggerName(s, e, ids))
	message := text{buf: append(name.buf, afterName...), limit: end}
	message.start = len(message.buf)
	s.appendMessage(&message, e)
	return append(message.buf, afterMessage...), meta, nil
}

// read sorts the attributes of e by what they mean.
func (enc *Encoder) read(s *scratch, e *Entry) {
	var loggerRank uint8
	for i := range e.Attributes {
		kv := &e.Attributes[i]
		if s.overridden(e.Attributes, i) {
			continue
		}
		switch m := enc.keys.lookup(string(kv.Key)); m.field {
		case fieldNone, fieldServiceName:
			s.shown = append(s.shown, i)
		case fieldDenied:
		case fieldFlowRun, fieldTaskRun, fieldRunID, fieldRunType:
			if !s.find.offer(m, kv.Value) {
				enc.badID(string(kv.Key))
			}
		case fieldLevel:
			if n := kv.Value.AsInt64(); kv.Value.Type() == attribute.INT64 && n >= 10 && n <= 59 {
				s.level = int(n)
			} else {
				s.shown = append(s.shown, i)
			}
		case fieldLogger:
			if loggerRank == 0 || m.rank < loggerRank {
				s.logger, loggerRank = kv.Value.AsString(), m.rank
			}
		case fieldSendToAPI:
			s.optedOut = s.optedOut || kv.Value.Type() == attribute.BOOL && !kv.Value.AsBool()
		case fieldException:
			s.exception[m.rank] = kv.Value.String()
		}
	}
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
		return e.Timestamp.UnixMicro()
	case !e.Observed.IsZero():
		return e.Observed.UnixMicro()
	default:
		return time.Now().UnixMicro()
	}
}

// stringOf views bytes that nobody changes meanwhile as a string.
func stringOf(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
