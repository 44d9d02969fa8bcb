// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/exporter/deadletter"
	"github.com/prefectlogs/prefectlogs/exporter/delivery"
	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/internal/diag"
	"github.com/prefectlogs/prefectlogs/internal/own"
	"github.com/prefectlogs/prefectlogs/internal/sdkrecord"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

// Compile-time checks that Exporter is what others take it for.
var (
	_ sdklog.Exporter = (*Exporter)(nil)
	_ run.Traces      = (*Exporter)(nil)
)

// Exporter sends log records to Prefect. It implements the SDK's Exporter and
// package processor's Sender. All methods may be called concurrently. Get one
// from [New].
type Exporter struct {
	encoder   *mapping.Encoder
	reader    *sdkrecord.Reader
	limits    payload.Limits
	packing   int // records of a request that Export makes
	interval  time.Duration
	client    *prefectapi.Client
	deliverer *delivery.Deliverer
	target    string
	dead      *deadletter.Log // nil: refused records are not kept
	reporter  *diag.Reporter

	stampMu   sync.Mutex // guards sequencer
	sequencer mapping.Sequencer

	exportTimeout time.Duration
	patience      patience

	work *activity
}

// New returns an exporter. It does not reach for the server, and ctx only bounds
// New itself. All problems of settings, environment and options are returned
// in one joined error. What is odd about them, such as a key that goes to another server than its own,
// is told to the error handler.
func New(_ context.Context, opts ...Option) (*Exporter, error) {
	c, configErr := newConfig(opts)
	if c.settings == nil {
		return nil, configErr
	}
	client, clientErr := prefectapi.New(c.client())
	reporter := diag.New(c.onError)
	c.mapping.BadID = func(key string) {
		reporter.Once("id "+key, fmt.Errorf("attribute %q holds a run id that is no UUID; it counts as absent", key))
	}
	encoder, encoderErr := mapping.NewEncoder(c.mapping)
	if err := errors.Join(configErr, clientErr, encoderErr); err != nil {
		return nil, err
	}
	e := &Exporter{
		encoder:  encoder,
		reader:   sdkrecord.NewReader(encoder, reporter),
		limits:   payload.Limits{LogBytes: c.maxLogSize, Bytes: c.batchSize, Records: cmp.Or(c.batchRecords, payload.MaxRecords)},
		packing:  cmp.Or(c.batchRecords, DefaultBatchRecords),
		interval: c.settings.ToAPI.BatchInterval,
		client:   client,
		target:   client.Target(),
		reporter: reporter,
		work:     newActivity(),

		exportTimeout: c.exportTimeout,
	}
	if c.deadLetter != "" {
		var err error
		if e.dead, err = deadletter.Open(c.deadLetter, int64(c.deadLetterSize), e.target); err != nil {
			return nil, fmt.Errorf("exporter: %w", err)
		}
	}
	e.deliverer = delivery.New(client, func(r delivery.Retry) {
		next := "trying again"
		if r.Looking {
			next = "looking whether it was stored"
		}
		reporter.Failing("sending", fmt.Errorf("%w; %s", r.Err, next))
	})
	for _, notice := range c.settings.Notices() {
		reporter.Tell(errors.New(notice))
	}
	return e, nil
}

// Encoder returns the encoder that maps records as the exporter was configured.
func (e *Exporter) Encoder() *mapping.Encoder { return e.encoder }

// Limits returns the limits of logs and requests.
func (e *Exporter) Limits() payload.Limits { return e.limits }

// Interval returns how long a record waits for others at most, before a batch
// processor sends it: PREFECT_LOGGING_TO_API_BATCH_INTERVAL.
func (e *Exporter) Interval() time.Duration { return e.interval }

// Send delivers a request of lines that [Exporter.Encoder] made. It tries until all
// of it is stored or refused, or ctx ends or Shutdown cuts it off. A value from
// hurry, which may be nil, ends a wait between two tries.
func (e *Exporter) Send(ctx context.Context, request payload.Request, hurry <-chan struct{}) payload.Outcome {
	ctx, end, ok := e.work.begin(ctx)
	if !ok {
		return payload.Outcome{Unsent: request, Err: sdklog.ErrExporterShutdown}
	}
	defer end()
	outcome := e.deliverer.Deliver(ctx, request, hurry)
	e.say(outcome)
	return outcome
}

// Resume delivers a request of which a process that ended before since may have sent any
// part: what stands on the server is not sent again. It does not try again; what it returns
// as unsent may be handed to it later.
func (e *Exporter) Resume(ctx context.Context, request payload.Request, since time.Time) payload.Outcome {
	ctx, end, ok := e.work.begin(ctx)
	if !ok {
		return payload.Outcome{Unsent: request, Err: sdklog.ErrExporterShutdown}
	}
	defer end()
	outcome := e.deliverer.Resume(ctx, request, since)
	if outcome.Err != nil {
		e.reporter.Failing("resuming", outcome.Err)
	}
	e.say(outcome)
	return outcome
}

// Patience returns how long after its sender has left the server may still store a
// request.
func (e *Exporter) Patience() time.Duration { return e.deliverer.Patience() }

// Target returns the API URL without credentials: it names where the records go.
func (e *Exporter) Target() string { return e.target }

// What is told when something works again.
var (
	errDelivered = errors.New("logs are delivered again")
	errBuried    = errors.New("refused log records are kept in the dead letter again")
)

// say tells what became of a request, where that is news.
func (e *Exporter) say(outcome payload.Outcome) {
	if n := len(outcome.Refused); n > 0 {
		e.reporter.Tell(fmt.Errorf("%d log records were refused by %s (%s) and %s", n, e.target, outcome.Refused[0].Reason, e.bury(outcome.Refused)))
	}
	if outcome.Err == nil {
		e.reporter.Working(errDelivered, "sending", "resuming", "exporting")
	}
}

// bury keeps refused records in the dead letter, and returns what becomes of them, in words.
func (e *Exporter) bury(refused []payload.Refusal) string {
	if e.dead == nil {
		return "are lost; WithDeadLetter keeps such records"
	}
	if err := e.dead.Add(refused); err != nil {
		e.reporter.Failing("dead letter", err)
		return "may be lost"
	}
	e.reporter.Working(errBuried, "dead letter")
	return "are kept in " + e.dead.Path()
}

// Replay sends what is in the dead letter at path once more, as far as it is for this exporter's
// target. What stands on the server is not sent again, so Replay may be called again whatever became of the call
// before. Records that are refused again are in the dead letter again. It tries each request once, and an error
// says why not all of them were sent.
func (e *Exporter) Replay(ctx context.Context, path string) (deadletter.Result, error) {
	ctx, end, ok := e.work.begin(ctx)
	if !ok {
		return deadletter.Result{}, sdklog.ErrExporterShutdown
	}
	defer end()
	result, err := deadletter.Replay(ctx, path, deadletter.Server{Target: e.target, Limits: e.limits, Resume: e.deliverer.Resume})
	if err != nil {
		err = fmt.Errorf("exporter: replaying: %w", err)
	}
	return result, err
}

// Export delivers the records and returns when they are stored or given up. It
// tries until ctx ends; without a deadline it gives up after the export timeout,
// 10 seconds by default, and then lets as long pass before it waits for the server
// again: records exported meanwhile are given up at once.
//
// Where ctx has a deadline, an error says how many records were not stored.
// Without one the error goes to the error handler instead and Export returns nil:
// the SDK would hand it to the global error handler, which logs, and where the
// standard log package writes to these very records that never ends.
func (e *Exporter) Export(ctx context.Context, records []sdklog.Record) error {
	ctx, end, ok := e.work.begin(ctx)
	if !ok {
		return sdklog.ErrExporterShutdown
	}
	defer end()
	if own.Is(ctx) {
		return nil
	}
	if _, bounded := ctx.Deadline(); bounded {
		return lost(e.export(ctx, records))
	}
	timeout, wait := e.exportTimeout, !e.patience.isOver(e.exportTimeout)
	if !wait {
		timeout = 0
	}
	bounded, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("given up after %v (WithExportTimeout)", e.exportTimeout))
	defer cancel()
	outcome := e.export(bounded, records)
	switch {
	case outcome.Err != nil && wait && ctx.Err() == nil: // an end that the caller has set says nothing of the server
		e.patience.note(true)
	case outcome.Stored+len(outcome.Refused) > 0: // records that are not sent say nothing of the server
		e.patience.note(false)
	}
	if outcome.Err != nil { // of records that were refused say has told
		e.reporter.Failing("exporting", lost(outcome))
	}
	return nil
}

func (e *Exporter) export(ctx context.Context, records []sdklog.Record) (total payload.Outcome) {
	for _, request := range e.requests(ctx, records) {
		if total.Err != nil {
			total.Unsent.Append(request)
			continue
		}
		outcome := e.deliverer.Deliver(ctx, request, nil)
		e.say(outcome)
		total.Merge(outcome)
	}
	return total
}

// lost is the error of the records that were not stored.
func lost(outcome payload.Outcome) error {
	var problems []error
	if n := len(outcome.Refused); n > 0 {
		problems = append(problems, fmt.Errorf("exporter: %d log records were refused (%s)", n, outcome.Refused[0].Reason))
	}
	if n := outcome.Unsent.Records(); n > 0 {
		problems = append(problems, fmt.Errorf("exporter: %d log records were not delivered: %w", n, outcome.Err))
	}
	return errors.Join(problems...)
}

// requests encodes records and packs them.
func (e *Exporter) requests(ctx context.Context, records []sdklog.Record) []payload.Request {
	limits := e.limits
	limits.Records = e.packing
	var requests []payload.Request
	var current payload.Request
	for _, page := range e.pages(ctx, records) {
		for rest := page.Lines(); rest.Records() > 0; {
			if rest = current.Add(rest, limits); rest.Records() > 0 {
				requests = append(requests, current)
				current = payload.Request{}
			}
		}
	}
	if current.Records() > 0 {
		requests = append(requests, current)
	}
	return requests
}

// maxPage bounds the memory of the lines of several records, in bytes.
const maxPage = 64 << 10

// pages encodes records.
func (e *Exporter) pages(ctx context.Context, records []sdklog.Record) []*payload.Page {
	var pages []*payload.Page
	page := payload.NewPage(0)
	for i := range records {
		encoded, err := e.reader.Encode(ctx, &records[i], e.limits.LogBytes)
		if err != nil {
			e.reader.Release(encoded)
			continue // the reader has said what there is to say
		}
		e.stamp(encoded.Line, encoded.Meta)
		for line := range mapping.Lines(encoded.Line, encoded.Meta) {
			if page.Append(line) == nil {
				page = payload.NewPage(max(len(line), min(maxPage, (len(line)+2)*(len(records)-i)))) // as if the others were as long
				pages = append(pages, page)
				page.Append(line)
			}
		}
		e.reader.Release(encoded)
	}
	return pages
}

func (e *Exporter) stamp(line []byte, meta mapping.Meta) {
	e.stampMu.Lock()
	defer e.stampMu.Unlock()
	e.sequencer.Stamp(line, meta)
}

// traceLabel is where Prefect keeps the traceparent of a run's span
// (telemetry/run_telemetry.py).
const traceLabel = "__OTEL_TRACEPARENT"

// TraceParent asks Prefect for the W3C traceparent of a flow run's span; "" where the
// run is not traced. It makes the exporter a [run.Traces].
func (e *Exporter) TraceParent(ctx context.Context, flowRun run.ID) (string, error) {
	ctx, end, ok := e.work.begin(ctx)
	if !ok {
		return "", sdklog.ErrExporterShutdown
	}
	defer end()
	return e.client.FlowRunLabel(ctx, flowRun.String(), traceLabel)
}

// ForceFlush does nothing: the exporter holds no records between calls.
func (e *Exporter) ForceFlush(context.Context) error { return nil }

// Shutdown lets what is under way end, until ctx ends; then it cuts it off,
// waits for it still, and returns the context's error. Later calls of Export fail
// with the SDK's ErrExporterShutdown, later calls of Shutdown return nil.
func (e *Exporter) Shutdown(ctx context.Context) error {
	if !e.work.stop() {
		return nil
	}
	err := e.work.wait(ctx)
	e.client.Close()
	e.reporter.Close()
	if err != nil {
		return fmt.Errorf("exporter: cut off while delivering: %w", err)
	}
	return nil
}
