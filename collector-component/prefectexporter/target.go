// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/pdatarecord"
	"github.com/prefectlogs/prefectlogs/exporter/delivery"
	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/internal/pace"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// target sends to one server or workspace: it is what the helper's queue pushes to.
type target struct {
	connection
	helper    exporter.Logs
	logger    *zap.Logger
	telemetry *telemetry
	health    *health
	said      *once
	encoder   *mapping.Encoder
	bytes     int // of one request
	pace      *pace.Pace
	refuse    bool // pushes with records without a run
	lookUp    LookUp
	userAgent string

	client    *prefectapi.Client // from start
	deliverer *delivery.Deliverer
	began     time.Time

	times    times // where timed
	timed    bool  // the times of records are final before they are queued
	settled  settled
	unsent   unsent
	pushes   sync.Pool       // of *push
	progress atomic.Int64    // logs that were settled
	drains   bool            // a shutdown waits until nothing is pending: the helper's queue is in memory, and it tries again for ever
	pending  atomic.Int64    // where drains: records that the helper has, and that may yet be sent
	drained  chan struct{}   // gets a value when nothing is pending
	ends     context.Context // of all pushes
	end      context.CancelCauseFunc
}

// aheadClocks is how far the clock of who observed a record may be ahead of ours, for the record still to be known as older than
// this process.
const aheadClocks = time.Minute

// pause is what is waited for at least where people have to mend something.
const pause = 10 * time.Second

// grace is how long a shutdown waits for a server that takes nothing.
const grace = 10 * time.Second

// errStopped ends pushes that are under way at the end of a shutdown.
var errStopped = fmt.Errorf("the exporter is shut down, and the server took nothing for %v", grace)

func newTarget(ctx context.Context, set exporter.Settings, config *Config, plan plan, own connection, encoder *mapping.Encoder, of *logsExporter) (*target, error) {
	seed := maphash.MakeSeed()
	t := &target{
		connection: own, telemetry: of.telemetry.of(own.name), health: of.health, encoder: encoder,
		bytes: plan.bytes, pace: pace.New(payload.MaxRecords),
		refuse: config.MissingRun == RefuseMissingRun, lookUp: config.LookUp,
		userAgent: set.BuildInfo.Command + "/" + set.BuildInfo.Version,
		times:     times{reader: pdatarecord.NewReader(encoder)},
		settled:   settled{seed: seed}, unsent: unsent{seed: seed},
	}
	if plan.records > 0 {
		t.pace = pace.Fixed(plan.records)
	}
	stored := config.QueueConfig.HasValue() && config.QueueConfig.Get().StorageID != nil
	if t.lookUp == LookUpOld && !stored {
		t.lookUp = LookUpNever // nothing of an earlier process can come
	}
	t.drains = config.QueueConfig.HasValue() && !stored && config.RetryConfig.Enabled && config.RetryConfig.MaxElapsedTime == 0
	t.drained = make(chan struct{}, 1)
	t.timed = stored || t.lookUp == LookUpAlways
	if own.name != "" {
		set.ID = component.NewIDWithName(set.ID.Type(), joinName(set.ID.Name(), own.name))
		set.Logger = set.Logger.With(zap.String("target", own.name))
	}
	t.logger, t.said = set.Logger, newOnce(set.Logger)
	t.pushes.New = func() any { return &push{target: t, reader: pdatarecord.NewReader(encoder)} }
	t.ends, t.end = context.WithCancelCause(context.Background())
	var err error
	t.helper, err = exporterhelper.NewLogs(ctx, set, config, t.push,
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{Timeout: 0}), // the client's own rules hold
		exporterhelper.WithRetry(config.RetryConfig),
		exporterhelper.WithQueue(config.QueueConfig),
		exporterhelper.WithCapabilities(of.Capabilities()),
		exporterhelper.WithStart(t.start),
	)
	if err != nil {
		return nil, t.named(err)
	}
	return t, nil
}

// joinName is what a target's exporter of the helper is called, and its storage: prefect/target/NAME, or prefect/OWN/target/NAME.
func joinName(own, target string) string {
	if own == "" {
		return "target/" + target
	}
	return own + "/target/" + target
}

// named says which target an error is of.
func (t *target) named(err error) error {
	if err == nil || t.name == "" {
		return err
	}
	return fmt.Errorf("target %s: %w", t.name, err)
}

// start makes the client: extensions for authentication are known from now on.
func (t *target) start(ctx context.Context, host component.Host) error {
	// Without providers of telemetry the transport comes bare, so that its idle connections can be closed.
	made, err := t.HTTP.ToClient(ctx, host.GetExtensions(), component.TelemetrySettings{Logger: t.logger})
	if err != nil {
		return fmt.Errorf("making a client for %sendpoint: %w", t.Path, err)
	}
	return t.connect(made.Transport)
}

func (t *target) connect(transport http.RoundTripper) (err error) {
	if t.client, err = t.connection.Client(t.userAgent, transport); err != nil {
		return err
	}
	t.deliverer = delivery.New(observed{t.client, t.telemetry}, func(r delivery.Retry) {
		t.said.warn("looking", "A request may have been stored although no answer said so. It is looked for before it is sent again, so nothing has to be done.", zap.Error(r.Err))
	})
	t.began = time.Now()
	return nil
}

// shutdown lets the helper send what its queue holds, as long as the server takes something within the grace, and ctx has not
// ended. With storage the queue keeps it instead.
func (t *target) shutdown(ctx context.Context) error {
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { t.endWhenIdle(ctx, done) })
	for t.drains && t.pending.Load() > 0 && t.ends.Err() == nil { // else the helper, which tries nothing again from now on, loses what fails once
		select {
		case <-t.drained:
		case <-t.ends.Done():
		}
	}
	err := t.helper.Shutdown(ctx)
	close(done)
	watch.Wait()
	t.end(errStopped)
	if t.client != nil {
		t.client.Close()
	}
	return err
}

// endWhenIdle ends all pushes once the server has taken nothing for the grace, or ctx has ended; it returns when done is closed.
func (t *target) endWhenIdle(ctx context.Context, done <-chan struct{}) {
	ticker := time.NewTicker(grace)
	defer ticker.Stop()
	for before := t.progress.Load(); ; {
		select {
		case <-done:
			return
		case <-ctx.Done():
			t.end(context.Cause(ctx))
			return
		case <-ticker.C:
		}
		now := t.progress.Load()
		if now == before {
			t.end(errStopped)
			return
		}
		before = now
	}
}

// consume hands records to the queue, with the times that they are looked for by.
func (t *target) consume(ctx context.Context, logs plog.Logs) error {
	if t.timed {
		t.times.set(logs, t.logBytes, t.lookUp == LookUpAlways)
	}
	n := logs.LogRecordCount()
	t.pending.Add(int64(n))
	err := t.helper.ConsumeLogs(ctx, logs)
	if err != nil {
		t.settle(n)
	}
	return err
}

// push sends what it can of the logs and returns nil where nothing is left that could be sent again. Else the error tells the
// helper what is to come again, and when. It changes nothing of logs.
func (t *target) push(ctx context.Context, logs plog.Logs) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(t.ends, func() { cancel(context.Cause(t.ends)) })()

	p := t.pushes.Get().(*push)
	defer t.pushes.Put(p)
	defer p.reset()
	err := p.send(ctx, logs)
	left := logs.LogRecordCount()
	if rest, inPart := errors.AsType[consumererror.Logs](err); inPart {
		left = rest.Data().LogRecordCount()
	} else if err == nil || consumererror.IsPermanent(err) {
		left = 0
	}
	t.settle(logs.LogRecordCount() - left)
	return err
}

// settle notes that so many records are not pending any more.
func (t *target) settle(n int) {
	if t.pending.Add(-int64(n)) <= 0 {
		select {
		case t.drained <- struct{}{}:
		default:
		}
	}
}

// isOld reports whether an earlier process may have sent the record.
func (t *target) isOld(record plog.LogRecord) bool {
	switch t.lookUp {
	case LookUpAlways:
		return true
	case LookUpNever:
		return false
	}
	return earlier(record.ObservedTimestamp(), record.Timestamp()).AsTime().Before(t.began.Add(aheadClocks))
}

// earlier returns the earlier of two times, of which either may be unknown.
func earlier(a, b pcommon.Timestamp) pcommon.Timestamp {
	if a == 0 || b == 0 {
		return cmp.Or(a, b)
	}
	return min(a, b)
}

// deliver sends a request, and notes what is learned of the server.
func (t *target) deliver(ctx context.Context, request payload.Request, old bool) payload.Outcome {
	var outcome payload.Outcome
	began := time.Now()
	if old {
		outcome = t.deliverer.Resume(ctx, request, t.began)
	} else {
		outcome = t.deliverer.Push(ctx, request)
	}
	switch {
	case outcome.Err != nil:
		t.pace.Failed()
	case !old && outcome.Resolved+outcome.Resent == 0: // else the time was spent on looking, not on storing
		t.pace.Stored(request.Records(), time.Since(began))
	}
	t.telemetry.outcome(ctx, outcome)
	settled := outcome.Stored + len(outcome.Refused)
	t.progress.Add(int64(settled))
	if settled > 0 {
		t.health.set(t.name, nil)
	}
	if answer, ok := errors.AsType[*prefectapi.Error](outcome.Err); ok && answer.Kind == prefectapi.KindAccess {
		t.health.set(t.name, t.named(answer))
	}
	if n := len(outcome.Refused); n > 0 {
		t.said.warn("refused "+string(outcome.Refused[0].Reason), "The server refuses some logs, and they are lost; the others of their request are stored.",
			zap.Int("logs", n), zap.String("reason", string(outcome.Refused[0].Reason)), zap.String("next", afterRefusal(outcome.Refused[0].Reason)))
	}
	if outcome.Duplicated > 0 {
		t.logger.Warn("Logs stand twice on the server, which stored their first request later than was waited for. Nothing is lost.",
			zap.Int("logs", outcome.Duplicated), zap.String("next", "if this goes on, the server is overloaded: give it fewer records a second, or lower batch_records"))
	}
	return outcome
}

// afterRefusal tells what people can do about logs that a server refuses.
func afterRefusal(reason payload.Reason) string {
	if reason == payload.ReasonTooLarge {
		return "lower max_log_size, or raise the limit of the server or of the proxy before it"
	}
	return "the log of the server tells why; otelcol_exporter_prefect_refused_logs counts them"
}

// again tells the helper when to come again with what failed.
func again(err error) error {
	answer, ok := errors.AsType[*prefectapi.Error](err)
	if !ok {
		return err
	}
	switch {
	case answer.RetryAfter > 0:
		return exporterhelper.NewThrottleRetry(err, answer.RetryAfter)
	case answer.Kind == prefectapi.KindNetwork, answer.Kind == prefectapi.KindBusy, answer.Kind == prefectapi.KindServer:
		return err
	}
	return exporterhelper.NewThrottleRetry(err, pause)
}
