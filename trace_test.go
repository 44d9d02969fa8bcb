// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

func TestAPipelineJoinsTheTraceThatItsServerKnows(t *testing.T) {
	const label = `[{"labels":{"__OTEL_TRACEPARENT":"00-0102030405060708090a0b0c0d0e0f10-0102030405060708-03"}}]`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ada" || password != "lovelace" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(label))
	}))
	defer server.Close()
	inRun := run.NewContext(t.Context(), run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"})
	for name, tt := range map[string]struct {
		settings []settings.Option
		ctx      context.Context
		traced   bool
		err      error
	}{
		"a pipeline": {
			settings: []settings.Option{settings.WithValue("PREFECT_API_URL", server.URL+"/api"), settings.WithValue("PREFECT_API_AUTH_STRING", "ada:lovelace")},
			ctx:      inRun, traced: true,
		},
		"a pipeline that does nothing": {ctx: inRun, err: run.ErrNoTrace},
		"no run":                       {ctx: t.Context(), err: run.ErrNoRun},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(run.FlowRunIDVariable, "")
			loaded, err := settings.Load(append(tt.settings, settings.WithoutFiles(), settings.WithEnvironment(nil))...)
			if err != nil {
				t.Fatal(err)
			}
			pipeline, err := prefectlogs.Setup(t.Context(), prefectlogs.WithSettings(loaded), prefectlogs.WithErrorHandler(func(error) {}))
			if err != nil {
				t.Fatal(err)
			}
			defer pipeline.Shutdown(t.Context())
			got, err := pipeline.JoinTrace(tt.ctx)
			span := trace.SpanContextFromContext(got)
			if !errors.Is(err, tt.err) || span.IsValid() != tt.traced || tt.traced && !span.IsRemote() {
				t.Errorf("got %v, %v", span, err)
			}
		})
	}
}
