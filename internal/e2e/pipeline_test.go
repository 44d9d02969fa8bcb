// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// pipeline is exporter and processor with their default limits, told nothing but where the server is and its credentials.
type pipeline struct {
	provider *sdklog.LoggerProvider
	batch    *processor.Batch
	wire     *wire
}

func newPipeline(t *testing.T, s *servers.Server) *pipeline {
	t.Helper()
	options := []settings.Option{settings.WithoutFiles(), settings.WithEnvironment(nil), settings.WithValue("PREFECT_API_URL", s.APIURL())}
	if auth := s.Row().AuthString; auth != "" {
		options = append(options, settings.WithValue("PREFECT_API_AUTH_STRING", auth))
	}
	loaded, err := settings.Load(options...)
	if err != nil {
		t.Fatal(err)
	}
	p := &pipeline{wire: new(wire)}
	silent := func(error) {} // records without a run are told of, which is not the subject here
	exp, err := exporter.New(t.Context(), exporter.WithSettings(loaded), exporter.WithDefaultRun(run.Info{}),
		exporter.WithTransport(p.wire), exporter.WithErrorHandler(silent))
	if err != nil {
		t.Fatal(err)
	}
	if p.batch, err = processor.NewBatch(exp, processor.WithErrorHandler(silent)); err != nil {
		t.Fatal(err)
	}
	p.provider = sdklog.NewLoggerProvider(sdklog.WithProcessor(p.batch), sdklog.WithAttributeValueLengthLimit(-1))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Second)
		defer cancel()
		_ = p.provider.Shutdown(ctx) // a test that got that far has shut it down already
	})
	return p
}

func (p *pipeline) emit(ctx context.Context, r record) {
	var out otellog.Record
	out.SetTimestamp(r.at)
	out.SetSeverity(r.severity)
	out.SetBody(attribute.StringValue(r.body))
	out.AddAttributes(r.attributes...)
	p.provider.Logger(r.logger).Emit(ctx, out)
}

func (p *pipeline) shutdown(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := p.provider.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
}

func inRun(ctx context.Context, flowRunID string) context.Context {
	return run.NewContext(ctx, run.Info{FlowRunID: flowRunID})
}

// readStored reads what a run's page shows.
func readStored(t *testing.T, s *servers.Server, flowRunID string) (all []stored) {
	t.Helper()
	logs, err := s.Logs(t.Context(), flowRunID)
	if err != nil {
		t.Fatal(err)
	}
	for _, log := range logs {
		all = append(all, stored{log.Name, log.Level, log.Message, log.Timestamp, log.TaskRunID})
	}
	return all
}

// wire is the transport of a pipeline. It remembers what was posted and what was answered.
type wire struct {
	mu    sync.Mutex // guards posts
	posts []post
}

type post struct {
	body   []byte
	status int
	token  bool // of CSRF protection was sent
}

func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodPost || request.URL.Path != "/api/logs/" {
		return http.DefaultTransport.RoundTrip(request)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	request = request.Clone(request.Context())
	request.Body = io.NopCloser(bytes.NewReader(body))
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.posts = append(w.posts, post{body, response.StatusCode, request.Header.Get("Prefect-Csrf-Token") != ""})
	return response, nil
}

// wantOnlyStored checks that no request was refused, but for the one that finds that a CSRF token is needed, and that each was
// within the default limits and had a flow run for each of its logs.
func (w *wire) wantOnlyStored(t *testing.T, row servers.Row) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.posts) == 0 {
		t.Error("nothing was posted")
	}
	for i, p := range w.posts {
		// A database that others have busy gives 503, and so do bad records on PostgreSQL: but these are refused in the end.
		allowed := []int{http.StatusCreated, http.StatusServiceUnavailable}
		if row.CSRF && i == 0 {
			allowed = []int{http.StatusForbidden}
		}
		if !slices.Contains(allowed, p.status) {
			t.Errorf("request %d was answered %d, want %v", i, p.status, allowed)
		}
		if want := row.CSRF && i > 0; p.token != want {
			t.Errorf("request %d has a CSRF token: %t, want %t", i, p.token, want)
		}
		var logs []map[string]any
		if err := json.Unmarshal(p.body, &logs); err != nil {
			t.Errorf("request %d is not JSON: %v", i, err)
		}
		if len(logs) > payload.MaxRecords || len(p.body) > 4_000_000 {
			t.Errorf("request %d has %d logs in %d bytes", i, len(logs), len(p.body))
		}
		for j, log := range logs {
			if id, ok := log["flow_run_id"].(string); !ok || len(id) != len("00000000-0000-0000-0000-000000000000") {
				t.Errorf("log %d of request %d has flow run %v", j, i, log["flow_run_id"])
			}
		}
	}
}
