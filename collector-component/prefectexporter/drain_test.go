// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

func TestAShutdownSendsTheQueueAlthoughTheServerIsBusyForAMoment(t *testing.T) {
	for _, begun := range []bool{false, true} { // the shutdown, when the server answers for the first time
		t.Run(fmt.Sprint(begun), func(t *testing.T) {
			var posts atomic.Int32
			first, goOn := make(chan struct{}), make(chan struct{})
			server := prefecttest.NewServer(t, prefecttest.WithLoopback(), prefecttest.WithHook(func(r *http.Request) *prefecttest.Fault {
				if r.URL.Path != "/api/logs/" || posts.Add(1) > 1 {
					return nil
				}
				close(first)
				if begun {
					<-goOn
				}
				f := prefecttest.Status(http.StatusTooManyRequests).RetryAfter("1")
				return &f
			}))
			config := defaults(server.URL())
			queue := exporterhelper.NewDefaultQueueConfig()
			queue.NumConsumers = 1
			config.QueueConfig = configoptional.Some(queue)
			e := start(t, config, settings(), componenttest.NewNopHost())
			for i := range 5 {
				if err := e.ConsumeLogs(t.Context(), push(fmt.Sprint(i))); err != nil {
					t.Fatal(err)
				}
			}
			<-first
			time.AfterFunc(500*time.Millisecond, func() { close(goOn) })
			if !begun {
				<-time.After(300 * time.Millisecond) // so that the answer is read
			}
			if err := e.Shutdown(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
			if got := messages(server); len(got) != 5 {
				t.Errorf("stored: %q", got)
			}
		})
	}
}
