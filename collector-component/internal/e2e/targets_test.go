// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/otlpsender"
)

// rounds of the comparison; the figure of docs/collector.md is of 15: go test ./internal/e2e -run BlackHole -rounds 15 -v
var rounds = flag.Int("rounds", 2, "rounds of the comparison with and without a dead target")

// Two targets of which one takes connections and never answers: the other one gets its logs as if it were alone. In how many milliseconds is
// told; what is wrong for certain is that some do not come, or come as late as a time-out.
func TestABlackHoleDelaysNoOtherTarget(t *testing.T) {
	program := otelcol(t)
	hole := blackHole(t)
	s := newStopwatch(t)
	config := filepath.Join(t.TempDir(), "config.yaml")
	// Without batches, which wait for 200 ms and would hide what is less.
	text := fmt.Sprintf("receivers: {otlp: {protocols: {http: }}}\n"+
		"exporters: {prefect: {sending_queue: {batch: {enabled: false}}, target_attribute: team, targets: {living: {endpoint: %q}, dead: {endpoint: %q}}}}\n"+
		"service: {pipelines: {logs: {receivers: [otlp], exporters: [prefect]}}}\n", s.URL+"/api", "http://"+hole+"/api")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := run(t, program, config, nil)
	s.measure(t, c, false) // which warms it up
	var without, with []time.Duration
	for range *rounds {
		without = append(without, s.measure(t, c, false))
		with = append(with, s.measure(t, c, true))
	}
	a, b := median(without), median(with)
	t.Logf("p99, median of %d rounds: %v alone, %v beside a black hole (%+.1f %%)", *rounds, a, b, 100*(float64(b)/float64(a)-1))
	// A delay by the dead target would be one of every round, and as long as its time-out, which is a minute; a machine that
	// stalls disturbs one.
	if slices.Min(with) > 3*slices.Max(without)+10*time.Second {
		t.Errorf("the dead target delays the living one: %v alone, %v beside it", without, with)
	}
	c.kill() // the dead one would be waited for
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// blackHole takes connections and never answers. It gives its address.
func blackHole(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		var connections []net.Conn
		for {
			connection, err := l.Accept()
			if err != nil { // the test has ended
				break
			}
			connections = append(connections, connection)
		}
		for _, connection := range connections {
			_ = connection.Close() // it has done its part
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // which ends Accept
		open.Wait()
	})
	return l.Addr().String()
}

// stopwatch is a server that stores nothing and notes when each log came.
type stopwatch struct {
	*httptest.Server
	mu   sync.Mutex // guards what follows
	sent map[string]time.Time
	late []time.Duration
	all  chan struct{} // gets a value when all that was sent has come
}

func newStopwatch(t *testing.T) *stopwatch {
	s := &stopwatch{sent: map[string]time.Time{}, all: make(chan struct{}, 1)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		now := time.Now()
		w.WriteHeader(http.StatusCreated)
		s.mu.Lock()
		defer s.mu.Unlock()
		came := false
		for line := range bytes.Lines(body) {
			_, rest, _ := bytes.Cut(line, []byte("\"message\":\"id "))
			id, _, _ := bytes.Cut(rest, []byte(" "))
			if sent, ok := s.sent[string(id)]; ok {
				s.late = append(s.late, now.Sub(sent))
				delete(s.sent, string(id))
				came = true
			}
		}
		if came && len(s.sent) == 0 {
			select {
			case s.all <- struct{}{}:
			default:
			}
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// measure sends a round to the living target, and to the dead one too if it is beside, and gives the p99 of the time until a log came.
func (s *stopwatch) measure(t *testing.T, c *collector, beside bool) time.Duration {
	t.Helper()
	const pushes = 300
	const run = "11111111-1111-4111-8111-111111111111"
	s.mu.Lock()
	s.late = nil
	s.sent["end"] = time.Now() // so that not all has come while some is still to be sent
	s.mu.Unlock()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := range pushes {
		logs := records(run, "", 0, 1)
		logs.ResourceLogs().At(0).Resource().Attributes().PutStr("team", "living")
		id := fmt.Sprint(i)
		if i == pushes-1 {
			id = "end"
		}
		logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().SetStr("id " + id + " .")
		if beside && i%3 == 0 { // the dead one's queue holds so many
			dead := records(run, "", 0, 1)
			dead.ResourceLogs().At(0).Resource().Attributes().PutStr("team", "dead")
			dead.ResourceLogs().MoveAndAppendTo(logs.ResourceLogs())
		}
		s.mu.Lock()
		s.sent[id] = time.Now()
		s.mu.Unlock()
		// Once the dead one's queue is full its part is lost and told; the living one's part is taken.
		if err := otlpsender.Send(t.Context(), http.DefaultClient, c.otlp, logs); err != nil && !beside {
			t.Fatal(err)
		}
		<-tick.C
	}
	select {
	case <-s.all:
	case <-time.After(patience):
		t.Fatal("not all logs have come to the living target")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.late)
	if len(s.late) != pushes {
		t.Errorf("%d of %d logs have come", len(s.late), pushes)
	}
	return s.late[len(s.late)*99/100]
}
