// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/internal/diag"
	"github.com/prefectlogs/prefectlogs/internal/own"
	"github.com/prefectlogs/prefectlogs/internal/sdkrecord"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

// Compile-time check that Exporter implements the SDK's interfaces.
var (
	_ sdklog.Exporter  = (*Exporter)(nil)
	_ sdklog.Processor = (*Exporter)(nil)
)

// Exporter writes records as lines. All methods may be called concurrently. Get
// one from [New], and end it with Shutdown.
type Exporter struct {
	reader   *sdkrecord.Reader
	layout   layout
	fallback run.Info // the run of records that name none
	secrets  []string // of 4 bytes or more
	reporter *diag.Reporter
	began    time.Time
	lines    sync.Pool // of *[]byte

	mu     sync.Mutex // guards what follows, and is held while a line is written
	out    io.Writer  // nil after Shutdown
	closer io.Closer  // nil: out is not ours
}

// maxLine bounds the message of a line, in bytes of its JSON. What is longer is
// cut and marked.
const maxLine = 1_000_000

// maxPooled bounds the memory that a pooled buffer holds on to.
const maxPooled = 64 << 10

// nobody stands in for the run of records that have none: an encoder wants one.
var nobody = run.ID{'n', 'o', ' ', 'r', 'u', 'n'}

// New returns an exporter. All problems of the options are returned in one joined
// error.
func New(opts ...Option) (*Exporter, error) {
	c := newConfig(opts)
	e := &Exporter{reporter: diag.New(c.onError), began: time.Now(), out: c.writer}
	var errs []error
	if c.run != nil {
		e.fallback = *c.run
	} else {
		info, err := run.FromEnvironment()
		e.fallback = info
		errs = append(errs, err)
	}
	for _, secret := range c.secrets {
		if len(secret) >= 4 {
			e.secrets = append(e.secrets, secret)
		}
	}
	layout, err := newLayout(c.format)
	errs = append(errs, err)
	e.layout = layout
	ids := e.fallback.IDs()
	if ids.Flow.IsZero() {
		ids.Flow = nobody
	}
	format := mapping.FormatText
	if c.format.JSON != "" {
		format = mapping.FormatDefault
	}
	encoder, err := mapping.NewEncoder(mapping.Config{
		Default: ids, MissingRun: mapping.IgnoreMissingRun, Secrets: c.secrets, Allow: c.allow, Deny: c.deny, Format: format, TraceIDs: c.format.JSON != "", ExactTime: true,
		// A record that is not for Prefect is still to be seen.
		Keys: slices.DeleteFunc(mapping.DefaultKeys(), func(k mapping.Key) bool { return k.Meaning == mapping.SendToAPI }),
	})
	errs = append(errs, err)
	if c.path != "" && errors.Join(errs...) == nil {
		err := e.open(c.path, c.truncate)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	e.reader = sdkrecord.NewReader(encoder, nil) // what is wrong with a record is said where it is sent
	if text, ok := e.layout.(*textLayout); ok {
		text.colors = c.colors && isTerminal(e.out) && os.Getenv("NO_COLOR") == ""
	}
	e.lines.New = func() any { return new([]byte) }
	return e, nil
}

func (e *Exporter) open(path string, truncate bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if truncate {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		return fmt.Errorf("console: the file of logs cannot be opened: %w", err)
	}
	e.out, e.closer = file, file
	return nil
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Enabled reports true.
func (e *Exporter) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

// OnEmit writes a record. It always returns nil, for the reason that the batch
// processor's does; what cannot be written is told to the error handler.
func (e *Exporter) OnEmit(ctx context.Context, record *sdklog.Record) error {
	if ctx = own.Given(ctx); !own.Is(ctx) {
		e.write(ctx, record)
	}
	return nil
}

// Export writes records. It always returns nil, as OnEmit does.
func (e *Exporter) Export(ctx context.Context, records []sdklog.Record) error {
	for i := range records {
		_ = e.OnEmit(ctx, &records[i]) // always nil
	}
	return nil
}

// errWritten is told when lines can be written again.
var errWritten = errors.New("console: logs are written again")

// write makes the line of a record and writes it.
func (e *Exporter) write(ctx context.Context, record *sdklog.Record) {
	line := e.lines.Get().(*[]byte)
	defer func() {
		if cap(*line) <= maxPooled {
			e.lines.Put(line)
		}
	}()
	encoded, err := e.reader.Encode(ctx, record, maxLine)
	defer e.reader.Release(encoded)
	if err != nil {
		e.reporter.Failing("console", fmt.Errorf("console: a record has no line: %w", err))
		return
	}
	r, err := e.newRecord(ctx, record, encoded.Line, encoded.Meta)
	if err != nil {
		e.reporter.Failing("console", err)
		return
	}
	*line = append(e.layout.append((*line)[:0], r), '\n')
	if err := e.put(*line); err != nil {
		e.reporter.Failing("console", fmt.Errorf("console: logs cannot be written: %w", err))
		return
	}
	e.reporter.Working(errWritten, "console")
}

func (e *Exporter) put(line []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.out == nil {
		return nil
	}
	_, err := e.out.Write(line)
	return err
}

// ForceFlush does nothing: no line waits.
func (e *Exporter) ForceFlush(context.Context) error { return nil }

// Shutdown ends the exporter: what comes later is not written. A file is closed.
// Later calls return nil.
func (e *Exporter) Shutdown(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	closer := e.closer
	e.out, e.closer = nil, nil
	if closer == nil {
		return nil
	}
	return closer.Close()
}
