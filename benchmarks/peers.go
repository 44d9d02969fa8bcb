// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/settings"
)

// logging is a peer at work.
type logging struct {
	log   func(c *corpus, run int)
	flush func() error // returns when everything is sent
	close func() error // the same, and ends it
}

// peer is one way to log.
type peer struct {
	name  string
	about string
	local bool // it sends nothing
	open  func(server string, l load) (logging, error)
}

// python is the name of Prefect's own handler, which is not measured in Go. It logs one in
// pythonShare of the records: it is slow.
const (
	python      = "prefect"
	pythonShare = 20
)

var peers = []peer{
	{"ours", "prefectlogs.Setup, defaults", false, func(server string, _ load) (logging, error) { return openOurs(server, blocking...) }},
	{"ours-1000", "prefectlogs.Setup, WithBatchRecords(1000)", false, func(server string, _ load) (logging, error) {
		return openOurs(server, append(blocking, processor.WithBatchRecords(1000))...)
	}},
	{"otlp", "SDK BatchProcessor + otlploghttp, defaults", false, func(server string, _ load) (logging, error) {
		return openOTLP(server, nil, nil)
	}},
	{"otlp-tuned", "the same: a queue for everything, requests of 8,192, key duplication allowed", false, func(server string, l load) (logging, error) {
		return openOTLP(server, tuned(l), nil, sdklog.WithAllowKeyDuplication())
	}},
	{"otlp-gzip", "the same, compressed", false, func(server string, l load) (logging, error) {
		return openOTLP(server, tuned(l), []otlploghttp.Option{otlploghttp.WithCompression(otlploghttp.GzipCompression)}, sdklog.WithAllowKeyDuplication())
	}},
	{"sdk", "the SDK alone: a processor that does nothing", true, func(string, load) (logging, error) { return openSDK() }},
	{"sdk-dup", "the same, key duplication allowed", true, func(string, load) (logging, error) { return openSDK(sdklog.WithAllowKeyDuplication()) }},
	{"slog", "slog's JSON handler, discarded", true, func(string, load) (logging, error) { return openSlog(io.Discard, nil), nil }},
	{"slog-file", "slog's JSON handler, to a file", true, func(string, load) (logging, error) {
		file, err := os.CreateTemp("", "benchmarks-*.log")
		if err != nil {
			return logging{}, err
		}
		return openSlog(file, func() error {
			defer os.Remove(file.Name())
			return file.Close()
		}), nil
	}},
	{"zerolog", "zerolog's JSON, discarded", true, func(string, load) (logging, error) { return openZerolog(), nil }},
	{"zap", "zap's JSON, discarded", true, func(string, load) (logging, error) { return openZap(), nil }},
	{python, "Prefect's own handler in Python, one in 20 of the records", false, nil},
}

// tuned makes the SDK's processor lose nothing at full speed: its queue holds everything.
func tuned(l load) []sdklog.BatchProcessorOption {
	return []sdklog.BatchProcessorOption{
		sdklog.WithMaxQueueSize(l.Records + 1), sdklog.WithExportMaxBatchSize(min(8192, max(64, 32_000_000/l.Size))),
	}
}

// blocking is how nothing is lost at full speed; the defaults drop the oldest.
var blocking = []processor.Option{processor.WithOverflow(processor.Block), processor.WithBlockTimeout(time.Minute)}

func openOurs(server string, opts ...processor.Option) (logging, error) {
	pipeline, err := setUp(server, opts...)
	if err != nil {
		return logging{}, err
	}
	return overOTel(pipeline.LoggerProvider(), pipeline.Shutdown), nil
}

func setUp(server string, opts ...processor.Option) (*prefectlogs.Pipeline, error) {
	loaded, err := settingsFor(server)
	if err != nil {
		return nil, err
	}
	return prefectlogs.Setup(context.Background(), prefectlogs.WithSettings(loaded), prefectlogs.WithBatch(opts...))
}

// settingsFor are those of a machine on which nothing is set but the server.
func settingsFor(server string) (settings.Settings, error) {
	return settings.Load(settings.WithoutFiles(), settings.WithEnvironment(nil), settings.WithValue("PREFECT_API_URL", "http://"+server+"/api"))
}

func openOTLP(server string, batch []sdklog.BatchProcessorOption, http []otlploghttp.Option, provider ...sdklog.LoggerProviderOption) (logging, error) {
	exporter, err := otlploghttp.New(context.Background(), append(http, otlploghttp.WithEndpoint(server), otlploghttp.WithInsecure())...)
	if err != nil {
		return logging{}, err
	}
	p := sdklog.NewLoggerProvider(append(provider, sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter, batch...)))...)
	return overOTel(p, p.Shutdown), nil
}

func openSDK(provider ...sdklog.LoggerProviderOption) (logging, error) {
	p := sdklog.NewLoggerProvider(append(provider, sdklog.WithProcessor(nothing{}))...)
	return overOTel(p, p.Shutdown), nil
}

// nothing is a processor that drops what it gets.
type nothing struct{}

func (nothing) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (nothing) OnEmit(context.Context, *sdklog.Record) error           { return nil }
func (nothing) ForceFlush(context.Context) error                       { return nil }
func (nothing) Shutdown(context.Context) error                         { return nil }

// overOTel logs as bridges do.
func overOTel(provider *sdklog.LoggerProvider, shutdown func(context.Context) error) logging {
	logger := provider.Logger("benchmark")
	bounded := func(end func(context.Context) error) func() error {
		return func() error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			return end(ctx)
		}
	}
	return logging{flush: bounded(provider.ForceFlush), close: bounded(shutdown), log: func(c *corpus, run int) {
		var record otellog.Record
		record.SetTimestamp(time.Now())
		record.SetSeverity(otellog.SeverityInfo)
		record.SetBody(attribute.StringValue(c.message))
		record.AddAttributes(c.attributes[run]...)
		logger.Emit(c.ctx, record)
	}}
}

func openSlog(w io.Writer, done func() error) logging {
	logger := slog.New(slog.NewJSONHandler(w, nil))
	if done == nil {
		done = func() error { return nil }
	}
	return logging{close: done, log: func(c *corpus, run int) {
		attributes := c.attributes[run]
		span := trace.SpanContextFromContext(c.ctx)
		logger.LogAttrs(c.ctx, slog.LevelInfo, c.message,
			slog.String(string(attributes[0].Key), attributes[0].Value.AsString()), slog.String(string(attributes[1].Key), attributes[1].Value.AsString()),
			slog.String(string(attributes[2].Key), attributes[2].Value.AsString()), slog.Int64(string(attributes[3].Key), attributes[3].Value.AsInt64()),
			slog.String(string(attributes[4].Key), attributes[4].Value.AsString()), slog.Float64(string(attributes[5].Key), attributes[5].Value.AsFloat64()),
			slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}}
}

func openZerolog() logging {
	logger := zerolog.New(io.Discard).With().Timestamp().Logger()
	return logging{close: func() error { return nil }, log: func(c *corpus, run int) {
		attributes := c.attributes[run]
		span := trace.SpanContextFromContext(c.ctx)
		logger.Info().
			Str(string(attributes[0].Key), attributes[0].Value.AsString()).Str(string(attributes[1].Key), attributes[1].Value.AsString()).
			Str(string(attributes[2].Key), attributes[2].Value.AsString()).Int64(string(attributes[3].Key), attributes[3].Value.AsInt64()).
			Str(string(attributes[4].Key), attributes[4].Value.AsString()).Float64(string(attributes[5].Key), attributes[5].Value.AsFloat64()).
			Str("trace_id", span.TraceID().String()).Str("span_id", span.SpanID().String()).Msg(c.message)
	}}
}

func openZap() logging {
	logger := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zap.InfoLevel))
	return logging{close: logger.Sync, log: func(c *corpus, run int) {
		attributes := c.attributes[run]
		span := trace.SpanContextFromContext(c.ctx)
		logger.Info(c.message,
			zap.String(string(attributes[0].Key), attributes[0].Value.AsString()), zap.String(string(attributes[1].Key), attributes[1].Value.AsString()),
			zap.String(string(attributes[2].Key), attributes[2].Value.AsString()), zap.Int64(string(attributes[3].Key), attributes[3].Value.AsInt64()),
			zap.String(string(attributes[4].Key), attributes[4].Value.AsString()), zap.Float64(string(attributes[5].Key), attributes[5].Value.AsFloat64()),
			zap.String("trace_id", span.TraceID().String()), zap.String("span_id", span.SpanID().String()))
	}}
}
