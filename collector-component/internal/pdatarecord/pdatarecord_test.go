// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package pdatarecord_test

import (
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/pdatarecord"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/mapping/mappingtest"
)

func TestRecordsOfTheCollectorMapAsTheTableSays(t *testing.T) {
	for _, c := range mappingtest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			err := c.Check(func(enc *mapping.Encoder, dst []byte, r mappingtest.Record, limit int) ([]byte, mapping.Meta, error) {
				logs := plog.NewLogs()
				resource := logs.ResourceLogs().AppendEmpty()
				fillMap(resource.Resource().Attributes(), r.ResourceAttributes)
				scope := resource.ScopeLogs().AppendEmpty()
				scope.Scope().SetName(r.Scope)
				fillMap(scope.Scope().Attributes(), r.ScopeAttributes)
				record := scope.LogRecords().AppendEmpty()
				if !r.Timestamp.IsZero() {
					record.SetTimestamp(pcommon.NewTimestampFromTime(r.Timestamp))
				}
				if !r.Observed.IsZero() {
					record.SetObservedTimestamp(pcommon.NewTimestampFromTime(r.Observed))
				}
				record.SetSeverityNumber(plog.SeverityNumber(r.Severity))
				record.SetSeverityText(r.SeverityText)
				record.SetEventName(r.EventName)
				record.SetTraceID(r.TraceID)
				record.SetSpanID(r.SpanID)
				fill(record.Body(), r.Body)
				fillMap(record.Attributes(), r.Attributes)

				reader := pdatarecord.NewReader(enc)
				reader.Resource(resource.Resource())
				reader.Scope(scope.Scope())
				return reader.Append(dst, record, limit)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func fillMap(m pcommon.Map, attributes []attribute.KeyValue) {
	for _, kv := range attributes {
		fill(m.PutEmpty(string(kv.Key)), kv.Value)
	}
}

func fill(to pcommon.Value, from attribute.Value) {
	switch from.Type() {
	case attribute.BOOL:
		to.SetBool(from.AsBool())
	case attribute.INT64:
		to.SetInt(from.AsInt64())
	case attribute.FLOAT64:
		to.SetDouble(from.AsFloat64())
	case attribute.STRING:
		to.SetStr(from.AsString())
	case attribute.BYTESLICE:
		to.SetEmptyBytes().FromRaw(from.AsByteSlice())
	case attribute.SLICE:
		list := to.SetEmptySlice()
		for _, element := range from.AsSlice() {
			fill(list.AppendEmpty(), element)
		}
	case attribute.MAP:
		fillMap(to.SetEmptyMap(), from.AsMap())
	}
}

func TestAHugeListCostsNoMoreThanTheLimit(t *testing.T) {
	enc, err := mapping.NewEncoder(mapping.Config{})
	if err != nil {
		t.Fatal(err)
	}
	record := plog.NewLogRecord()
	record.Attributes().PutStr("flow_run_id", mappingtest.FlowA)
	list := record.Body().SetEmptySlice()
	for range 1_000_000 {
		list.AppendEmpty().SetInt(1)
	}
	reader := pdatarecord.NewReader(enc)
	line, meta, err := reader.Append(nil, record, 2000)
	if err != nil || !meta.Truncated || len(line) > 2000 || !strings.Contains(string(line), "1,1,1") {
		t.Errorf("%d bytes, %+v, %v", len(line), meta, err)
	}
	if n := testing.AllocsPerRun(10, func() {
		if _, _, err := reader.Append(line[:0], record, 2000); err != nil {
			t.Error(err)
		}
	}); n > 100 {
		t.Errorf("%v allocations", n)
	}
}
