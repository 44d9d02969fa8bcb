// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/log/logtest"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/processor"
)

// nullSender stores everything, at no cost.
type nullSender struct{ encoder *mapping.Encoder }

func (s nullSender) Encoder() *mapping.Encoder { return s.encoder }

func (nullSender) Limits() payload.Limits {
	return payload.Limits{LogBytes: 1_000_000, Bytes: 4_000_000, Records: 200}
}
func (nullSender) Interval() time.Duration { return time.Second }
func (nullSender) Send(_ context.Context, request payload.Request, _ <-chan struct{}) payload.Outcome {
	return payload.Outcome{Stored: request.Records()}
}
func (nullSender) Shutdown(context.Context) error { return nil }

// resumer is a nullSender that has nothing to resume.
type resumer struct{ nullSender }

func (resumer) Target() string          { return "null" }
func (resumer) Patience() time.Duration { return 0 }
func (resumer) Resume(_ context.Context, request payload.Request, _ time.Time) payload.Outcome {
	return payload.Outcome{Stored: request.Records()}
}

// sixAttributes is the record that costs are stated for: a 200-byte message and
// six attributes, in the context of a run.
func sixAttributes() sdklog.Record {
	return logtest.RecordFactory{
		Timestamp: time.Now(), Severity: otellog.SeverityInfo, Body: attribute.StringValue(strings.Repeat("x", 200)),
		Attributes: []attribute.KeyValue{
			attribute.String("http.request.method", "GET"), attribute.Int("http.response.status_code", 200), attribute.String("url.path", "/orders/4711"),
			attribute.Bool("cached", true), attribute.Float64("seconds", 0.25), attribute.String("customer", "Müller & Söhne"),
		},
	}.NewRecord()
}

// stalled is a nullSender that stores nothing before it is let go.
type stalled struct {
	nullSender
	letGo chan struct{}
}

func (s stalled) Send(ctx context.Context, request payload.Request, hurry <-chan struct{}) payload.Outcome {
	<-s.letGo
	return s.nullSender.Send(ctx, request, hurry)
}

func newNullBatch(t testing.TB, opts ...processor.Option) *processor.Batch {
	t.Helper()
	return newBatchOn(t, resumer{newNullSender(t)}, opts...)
}

// newStalledBatch returns a batch with room for some 4,000 records, which drops what comes then.
func newStalledBatch(t testing.TB) *processor.Batch {
	t.Helper()
	sender := stalled{newNullSender(t), make(chan struct{})}
	batch := newBatchOn(t, sender, processor.WithQueueSize(2*mib), processor.WithOverflow(processor.DropNewest))
	t.Cleanup(func() { close(sender.letGo) })
	return batch
}

func newNullSender(t testing.TB) nullSender {
	t.Helper()
	encoder, err := mapping.NewEncoder(mapping.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return nullSender{encoder}
}

func newBatchOn(t testing.TB, sender processor.Sender, opts ...processor.Option) *processor.Batch {
	t.Helper()
	batch, err := processor.NewBatch(sender, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := batch.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return batch
}

func TestOnEmitLeavesTheRecordAsItWas(t *testing.T) {
	batch, record, ctx := newNullBatch(t), sixAttributes(), inRun(context.Background())
	tell := func() (text []string) {
		text = append(text, record.Body().String(), record.Timestamp().String(), fmt.Sprint(record.Severity()))
		record.WalkAttributes(func(kv attribute.KeyValue) bool {
			text = append(text, fmt.Sprint(kv.Key, kv.Value.String()))
			return true
		})
		return text
	}
	before := tell()
	if err := batch.OnEmit(ctx, &record); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, tell()); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkOnEmit(b *testing.B) {
	b.Run("prefectlogs", func(b *testing.B) { benchmarkOnEmit(b, newNullBatch(b)) })
	b.Run("prefectlogs/spool", func(b *testing.B) { benchmarkOnEmit(b, newNullBatch(b, processor.WithSpool(b.TempDir()))) })
	b.Run("prefectlogs/dropped", func(b *testing.B) { benchmarkOnEmit(b, newStalledBatch(b)) })
	b.Run("sdk", func(b *testing.B) {
		batch := sdklog.NewBatchProcessor(nullExporter{})
		b.Cleanup(func() { _ = batch.Shutdown(context.Background()) }) // nothing to lose
		benchmarkOnEmit(b, batch)
	})
}

func benchmarkOnEmit(b *testing.B, p sdklog.Processor) {
	record, ctx := sixAttributes(), inRun(context.Background())
	b.ReportAllocs()
	for b.Loop() {
		if err := p.OnEmit(ctx, &record); err != nil {
			b.Fatal(err)
		}
	}
}

// nullExporter is what the SDK's processor is compared with: it does not even
// encode.
type nullExporter struct{}

func (nullExporter) Export(context.Context, []sdklog.Record) error { return nil }
func (nullExporter) ForceFlush(context.Context) error              { return nil }
func (nullExporter) Shutdown(context.Context) error                { return nil }
