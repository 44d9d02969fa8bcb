// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/exporter/deadletter"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/run"
)

func TestLogsOutliveTheirProgramAndTheirRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		dir, dead := filepath.Join(t.TempDir(), "spool"), filepath.Join(t.TempDir(), "dead")
		var told said
		options := []prefectlogs.Option{
			prefectlogs.WithSettings(isolated(t, "PREFECT_API_URL="+server.URL())),
			prefectlogs.WithExporter(exporter.WithTransport(server.Transport())),
			prefectlogs.WithErrorHandler(told.handle),
			prefectlogs.WithSpool(dir), prefectlogs.WithDeadLetter(dead),
		}
		start := func() *prefectlogs.Pipeline {
			t.Helper()
			pipeline, err := prefectlogs.Setup(t.Context(), options...)
			if err != nil {
				t.Fatal(err)
			}
			return pipeline
		}
		ctx := run.NewContext(t.Context(), run.Info{FlowRunID: flowA})

		first := start()
		first.Logger("test").InfoContext(ctx, "last words")
		over, cancel := context.WithCancel(t.Context())
		cancel()
		_ = first.Shutdown(over) // as good as killed

		time.Sleep(time.Millisecond)
		second := start()
		second.Logger("test").InfoContext(ctx, "first words")
		server.Fault(prefecttest.Refuse(0)) // of the first request, which has the new record
		if err := second.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if s := second.Stats(); s.Adopted != 1 || s.Refused != 1 {
			t.Errorf("%v; said %q", s, told.all())
		}
		for i, want := range []deadletter.Result{{Stored: 1}, {}} {
			if got, err := prefectlogs.Replay(t.Context(), dead, options...); err != nil || got != want {
				t.Errorf("replay %d: %+v, %v", i, got, err)
			}
		}
		var messages []string
		for _, log := range server.Logs() {
			if log.Name == "test" {
				messages = append(messages, log.Message)
			}
		}
		if len(messages) != 2 {
			t.Errorf("stored %q", messages)
		}
	})
}
