// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package otlpsender_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/otlpsender"
)

func TestAPushIsTakenOrRefused(t *testing.T) {
	taken := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		request := plogotlp.NewExportRequest()
		if err != nil || r.URL.Path != "/v1/logs" || r.Header.Get("Content-Type") != "application/x-protobuf" || request.UnmarshalProto(body) != nil {
			t.Errorf("%s %v: %v", r.URL.Path, r.Header, err)
		}
		if taken++; taken > 1 {
			http.Error(w, "the queue is full", http.StatusServiceUnavailable)
		}
	}))
	defer receiver.Close()
	push := plog.NewLogs()
	push.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("hello")
	if err := otlpsender.Send(t.Context(), receiver.Client(), receiver.URL, push); err != nil {
		t.Error(err)
	}
	err := otlpsender.Send(t.Context(), receiver.Client(), receiver.URL, push)
	if err == nil || !strings.Contains(err.Error(), "answers 503 Service Unavailable: the queue is full") {
		t.Errorf("%v", err)
	}
	receiver.Close()
	if err := otlpsender.Send(t.Context(), receiver.Client(), receiver.URL, push); err == nil {
		t.Error("nobody listens, and there is no error")
	}
}
