// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

const (
	flowA = "11111111-2222-3333-4444-555555555555"
	flowB = "99999999-2222-3333-4444-555555555555"
)

// rig is a batch processor that sends to an in-memory server.
type rig struct {
	t      testing.TB
	server *prefecttest.Server
	batch  *processor.Batch
	logger otellog.Logger

	mu   sync.Mutex // guards told
	told []string
}

// newRig returns a rig. The batch is shut down at the end of the test, if the
// test has not done so.
func newRig(t testing.TB, exporterOpts []exporter.Option, opts ...processor.Option) *rig {
	t.Helper()
	return newRigOn(t, prefecttest.NewServer(t), exporterOpts, opts...)
}

func newRigOn(t testing.TB, server *prefecttest.Server, exporterOpts []exporter.Option, opts ...processor.Option) *rig {
	t.Helper()
	r := &rig{t: t, server: server}
	config, err := settings.Load(settings.WithEnvironment(nil), settings.WithoutFiles(), settings.WithValue("PREFECT_API_URL", r.server.URL()))
	if err != nil {
		t.Fatal(err)
	}
	exp, err := exporter.New(t.Context(), append([]exporter.Option{
		exporter.WithSettings(config), exporter.WithDefaultRun(run.Info{}), exporter.WithTransport(r.server.Transport()), exporter.WithErrorHandler(r.tell),
	}, exporterOpts...)...)
	if err != nil {
		t.Fatal(err)
	}
	r.batch, err = processor.NewBatch(exp, append([]processor.Option{processor.WithErrorHandler(r.tell)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	r.logger = sdklog.NewLoggerProvider(sdklog.WithProcessor(r.batch), sdklog.WithAllowKeyDuplication()).Logger("test")
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = r.batch.Shutdown(ctx) // what the test left is of no interest
		r.balance()
	})
	return r
}

func (r *rig) tell(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, err.Error())
}

func (r *rig) saidSoFar() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.told...)
}

// inRun is a context of flow run A.
func inRun(ctx context.Context) context.Context {
	return run.NewContext(ctx, run.Info{FlowRunID: flowA})
}

func (r *rig) emit(ctx context.Context, severity otellog.Severity, body string) {
	var record otellog.Record
	record.SetTimestamp(time.Now())
	record.SetSeverity(severity)
	record.SetBody(attribute.StringValue(body))
	r.logger.Emit(ctx, record)
}

// info logs n records into run A.
func (r *rig) info(n int) {
	r.t.Helper()
	for i := range n {
		r.emit(inRun(context.Background()), otellog.SeverityInfo, fmt.Sprint("info ", i))
		r.balance()
	}
}

// balance checks that every record is accounted for.
func (r *rig) balance() {
	r.t.Helper()
	s := r.batch.Stats()
	if sum := s.Stored + s.Refused + s.Dropped.Total() + s.Skipped.Total() + s.Queued + s.InFlight + s.Spooled + s.Unknown; s.Emitted+s.Adopted != sum {
		r.t.Errorf("%d records emitted and %d adopted, %d accounted for: %+v", s.Emitted, s.Adopted, sum, s)
	}
}

// watchBalance checks the balance again and again, also while the caller waits, until stop is called.
// It is for a bubble, where time is free.
func (r *rig) watchBalance() (stop func()) {
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(97 * time.Millisecond) // which no wait of the code is a multiple of
		defer ticker.Stop()
		for {
			select {
			case <-over:
				return
			case <-ticker.C:
				r.balance()
			}
		}
	}()
	return func() {
		close(over)
		<-done
	}
}

// stored returns the messages on the server, in the order of storing, but for
// notices of losses.
func (r *rig) stored() []string {
	var messages []string
	for _, log := range r.server.Logs() {
		if log.Name == "test" {
			messages = append(messages, log.Message)
		}
	}
	return messages
}

// notices returns the notices of losses on the server.
func (r *rig) notices() (notices []prefecttest.Log) {
	for _, log := range r.server.Logs() {
		if log.Name == "prefectlogs" {
			notices = append(notices, log)
		}
	}
	return notices
}

// posts returns how many records each request has carried.
func (r *rig) posts() (n int) {
	for _, request := range r.server.Requests() {
		if request.Method == "POST" && request.Path == "/api/logs/" {
			n++
		}
	}
	return n
}

func (r *rig) wantStored(n int) {
	r.t.Helper()
	if got := len(r.stored()); got != n {
		r.t.Errorf("%d records stored, want %d", got, n)
	}
	r.balance()
}
