// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	otellog "go.opentelemetry.io/otel/log"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/settings"
)

func TestARecordRefusedBeforeAndBehindACrashIsReplayedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead, spool := filepath.Join(t.TempDir(), "dead"), filepath.Join(t.TempDir(), "spool")
		mended := false
		server := prefecttest.NewServer(t, prefecttest.WithHook(func(r *http.Request) *prefecttest.Fault {
			body, _ := io.ReadAll(r.Body) // in memory
			if before, _, ok := bytes.Cut(body, []byte("poison")); r.URL.Path == "/api/logs/" && ok && !mended {
				return new(prefecttest.Refuse(bytes.Count(before, []byte("\n"))))
			}
			return nil
		}))
		server.FaultAlways(prefecttest.Delay(time.Second))
		keep := []exporter.Option{exporter.WithDeadLetter(dead)}
		opts := []processor.Option{processor.WithSpool(spool), processor.WithBatchRecords(10)}

		first := newRigOn(t, server, keep, opts...)
		first.info(1)
		first.batch.Flush()
		synctest.Wait() // the next records share a page while this one is under way
		first.emit(inRun(context.Background()), otellog.SeverityInfo, "poison")
		first.info(19)
		time.Sleep(2500 * time.Millisecond) // half of the page is settled
		first.kill()
		second := newRigOn(t, server, keep, opts...)
		second.shutdown()
		t.Logf("first: %v", first.batch.Stats())
		t.Logf("second: %v", second.batch.Stats())

		mended = true
		config, err := settings.Load(settings.WithEnvironment(nil), settings.WithoutFiles(), settings.WithValue("PREFECT_API_URL", server.URL()))
		if err != nil {
			t.Fatal(err)
		}
		exp, err := exporter.New(t.Context(), exporter.WithSettings(config), exporter.WithTransport(server.Transport()))
		if err != nil {
			t.Fatal(err)
		}
		if result, err := exp.Replay(t.Context(), dead); err != nil || result.Stored != 1 {
			t.Errorf("%+v, %v", result, err)
		}
		n := 0
		for _, message := range first.stored() {
			if message == "poison" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("it stands %d times", n)
		}
	})
}
