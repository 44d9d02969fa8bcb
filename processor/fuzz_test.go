// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
)

// FuzzRequests: whatever is logged, every request is valid JSON within all
// limits, and every server takes all of it.
func FuzzRequests(f *testing.F) {
	f.Add("hello", "key", "value", int64(0), uint16(0), uint16(0), uint8(3), uint8(9))
	f.Add("a\x00\xff\xed\xa0\x80\u2028\"\\\n", "flow_run_id", "{99999999222233334444555555555555}", int64(-1)<<62, uint16(1), uint16(9), uint8(0), uint8(0))
	f.Add("日本語🎉", "exception.stacktrace", "\x1b[31m", int64(1)<<62, uint16(700), uint16(2000), uint8(255), uint8(24))
	generations := []prefecttest.Generation{prefecttest.Orion27, prefecttest.Prefect220, prefecttest.Prefect38}
	databases := []prefecttest.Database{prefecttest.SQLite, prefecttest.PostgreSQL}
	f.Fuzz(func(t *testing.T, body, key, value string, seconds int64, logSize, batchSize uint16, records, severity uint8) {
		server := prefecttest.NewServer(t,
			prefecttest.WithGeneration(generations[int(records)%len(generations)]),
			prefecttest.WithDatabase(databases[int(severity)%len(databases)]))
		limits := payload.Limits{LogBytes: 512 + int(logSize), Bytes: 514 + int(logSize) + int(batchSize), Records: 1 + int(records)}
		r := newRigOn(t, server, nil, processor.WithMaxLogSize(limits.LogBytes), processor.WithBatchSize(limits.Bytes), processor.WithBatchRecords(limits.Records))
		ctx := run.NewContext(context.Background(), run.Info{FlowRunID: flowA, TaskRunID: value})
		const n = 5
		for i := range n {
			var record otellog.Record
			record.SetTimestamp(time.Unix(seconds, int64(i)))
			record.SetSeverity(otellog.Severity(int(severity)))
			record.SetSeverityText(key)
			record.SetBody(attribute.StringValue(body))
			record.AddAttributes(attribute.String(key, value), attribute.String("k", body), attribute.Slice("l", attribute.StringValue(value), attribute.MapValue(attribute.String(key, body))))
			r.logger.Emit(ctx, record)
		}
		if err := r.batch.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.wantStored(n)
		for _, request := range server.Requests() {
			if request.Path != "/api/logs/" {
				continue
			}
			if request.Status != 201 {
				t.Fatalf("status %d for %q", request.Status, request.Body)
			}
			var logs []json.RawMessage
			if err := json.Unmarshal(request.Body, &logs); err != nil {
				t.Fatal(err)
			}
			if len(request.Body) > limits.Bytes || len(logs) > limits.Records {
				t.Fatalf("request of %d bytes and %d records exceeds %+v", len(request.Body), len(logs), limits)
			}
			for _, log := range logs {
				if len(log) > limits.LogBytes {
					t.Fatalf("log of %d bytes exceeds %d", len(log), limits.LogBytes)
				}
			}
		}
		if told := slices.DeleteFunc(r.saidSoFar(), isBadID); len(told) > 0 {
			t.Fatalf("told %q", told)
		}
	})
}

// isBadID reports whether a text tells that an attribute or a context holds no UUID,
// which fuzzed ones may well do.
func isBadID(text string) bool {
	return strings.HasSuffix(text, "holds a run id that is no UUID; it counts as absent")
}
