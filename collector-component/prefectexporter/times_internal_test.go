// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// startStored starts an exporter to a server, with a queue in a storage.
func startStored(t *testing.T, server *prefecttest.Server, storage *memory, configure func(*Config)) *logsExporter {
	t.Helper()
	config := createDefaultConfig()
	config.ClientConfig.Endpoint = server.URL()
	config.RetryConfig.InitialInterval = time.Hour
	id := memoryID
	queue := exporterhelper.NewDefaultQueueConfig()
	queue.NumConsumers, queue.StorageID = 1, &id
	queue.Batch = config.QueueConfig.Get().Batch
	config.QueueConfig = configoptional.Some(queue)
	configure(config)
	auth := map[string]any{"auth": map[string]any{"authenticator": memoryID.String()}} // which gives the way to the server
	if err := confmap.NewFromStringMap(auth).Unmarshal(config); err != nil {
		t.Fatal(err)
	}
	set := exportertest.NewNopSettings(Type)
	set.ID = component.NewID(Type) // in place of one at random
	e, err := newLogs(t.Context(), set, config)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), wired{storage, server.Transport()}.Host()); err != nil {
		t.Fatal(err)
	}
	return e
}

// wired is a storage extension, and one for authentication that takes the way to a server.
type wired struct {
	*memory
	transport http.RoundTripper
}

func (w wired) Host() component.Host {
	return hostOf{componenttest.NewNopHost(), map[component.ID]component.Component{memoryID: w}}
}

func (w wired) RoundTripper(http.RoundTripper) (http.RoundTripper, error) { return w.transport, nil }

// A queue puts what it held at a crash together in another way. Records of one time are found by the time they were given
// before.
func TestRecordsOfOneTimeAreStoredOnceAcrossARestart(t *testing.T) {
	const perPush = 595 // so that batches and requests end within pushes
	tenAMillisecond := func(start time.Time, i int) time.Time { return start.Add(time.Duration(i/10) * time.Millisecond) }
	oneSecond := func(start time.Time, _ int) time.Time { return start.Truncate(time.Second) }
	number := func(i int) string { return fmt.Sprint("number ", i) }
	tests := []struct {
		name      string
		at        func(start time.Time, i int) time.Time
		text      func(i int) string
		rest      string // of each text
		configure func(*Config)
		parts     int // logs of a record
	}{
		{"ten a millisecond", tenAMillisecond, number, "", func(*Config) {}, 1},
		{"all in one second, and equal", oneSecond, func(int) string { return "tick" }, "", func(*Config) {}, 1},
		{"in two parts", tenAMillisecond, number, strings.Repeat(".", 1200), func(c *Config) { c.Oversize, c.MaxLogSize = "split", 1000 }, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, storage := prefecttest.NewServer(t), newMemory()
				first := startStored(t, server, storage, test.configure)
				time.Sleep(2 * aheadClocks) // from here on records are newer than the process
				start := time.Now()
				want := map[string]int{}
				consume := func(push int) {
					all := logs(make([]string, perPush)...)
					for i, record := range records(all) {
						i += push * perPush
						record.Body().SetStr(test.text(i) + test.rest)
						record.SetTimestamp(stamp(test.at(start, i)))
						record.SetObservedTimestamp(stamp(start))
						want[test.text(i)]++
					}
					if err := first.ConsumeLogs(t.Context(), all); err != nil {
						t.Fatal(err)
					}
				}

				// The server stores the second request and loses the answer, and cannot be asked.
				server.FaultAlways(prefecttest.Status(503).On("POST", "/logs/filter"))
				server.Fault(prefecttest.Delay(0), prefecttest.CutAfterCommit())
				consume(0)
				consume(1)
				time.Sleep(time.Minute)
				consume(2)
				time.Sleep(time.Minute)
				before := len(server.Logs())
				if before == 0 || before >= 3*perPush*test.parts {
					t.Fatalf("the first process stored %d logs", before)
				}
				if err := first.Shutdown(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
				server.ClearFaults()
				second := startStored(t, server, storage, test.configure)
				storage.Drained(t)
				if err := second.Shutdown(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
				got, stamps := map[string]int{}, map[time.Time]bool{}
				for _, log := range server.Logs() {
					if !strings.HasPrefix(log.Message, "[2/2]") {
						got[strings.TrimRight(strings.TrimPrefix(log.Message, "[1/2] "), ".")]++
					}
					stamps[log.Timestamp] = true
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
				if n := 3 * perPush * test.parts; len(stamps) != n || len(server.Logs()) != n {
					t.Errorf("%d logs of %d times, want %d", len(server.Logs()), len(stamps), n)
				}
			})
		})
	}
}

// What comes in twice, as from a Kafka receiver, is put together in another way the second time.
func TestRecordsOfOneTimeThatComeInTwiceAreStoredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.LookUp = LookUpAlways })
		come := func() plog.Logs {
			all := plog.NewLogs()
			for push := range 3 { // each comes in by itself
				one := logs(make([]string, 10)...)
				for i, record := range records(one) {
					record.Body().SetStr(fmt.Sprint("number ", push, i))
					record.SetTimestamp(stamp(day))
				}
				b.times.set(one, b.logBytes, true)
				one.ResourceLogs().MoveAndAppendTo(all.ResourceLogs())
			}
			return all
		}
		time.Sleep(time.Minute) // from here on it is not waited for what an earlier process sent
		if err := b.push(t.Context(), come()); err != nil {
			t.Fatal(err)
		}
		again := come()
		again.ResourceLogs().RemoveIf(func(resource plog.ResourceLogs) bool { return resource == again.ResourceLogs().At(0) })
		if err := b.push(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		if got := len(b.messages()); got != 30 {
			t.Errorf("%d logs stand there, want 30", got)
		}
	})
}
