// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// compared is of how many logs with and without a dead target; the figure of docs/collector.md is of 3000: go test ./internal/e2e -run BlackHole -compared 3000 -v
var compared = flag.Int("compared", 300, "logs in the comparison with and without a dead target")

// Two targets of which one takes connections and never answers: the other one, a real server, gets its logs as if it were alone. Two
// Collectors take turns, one with logs for the dead target and one without, so that what else the machine does disturbs both alike.
func TestABlackHoleDelaysNoOtherTarget(t *testing.T) {
	program := otelcol(t)
	s := serverstest.Get(t, servers.Prefect38SQLite)
	flow, _ := newRun(t, s)
	stored := make(chan time.Time, 1)
	p := newProxy(t, s, func(int) bool {
		select {
		case stored <- time.Now():
		default: // more than was sent: the count at the end says so
		}
		return true
	})
	config := filepath.Join(t.TempDir(), "config.yaml")
	// Without batches, which wait for 200 ms and would hide what is less.
	text := fmt.Sprintf("receivers: {otlp: {protocols: {http: }}}\n"+
		"exporters: {prefect: {sending_queue: {queue_size: 100000, batch: {enabled: false}}, target_attribute: team, targets: {living: {endpoint: %q}, dead: {endpoint: %q}}}}\n"+
		"service: {pipelines: {logs: {receivers: [otlp], exporters: [prefect]}}}\n", p.apiURL(), "http://"+blackHole(t)+"/api")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	delay := func(c *collector, withDead bool) time.Duration {
		logs := plog.NewLogs()
		for team, sent := range map[string]bool{"living": true, "dead": withDead} {
			if sent {
				one := records(flow, "", 0, 1)
				one.ResourceLogs().At(0).Resource().Attributes().PutStr("team", team)
				one.ResourceLogs().MoveAndAppendTo(logs.ResourceLogs())
			}
		}
		began := time.Now()
		c.send(logs)
		select {
		case at := <-stored:
			return at.Sub(began)
		case <-time.After(patience):
			t.Fatal("a log has not come to the living target")
			return 0
		}
	}
	// A log behind one for the dead target would wait for its time-out, which is a minute, and every third one is. A machine that
	// stalls for half of that does so once.
	const blocked = 30 * time.Second
	const warm = 20 // logs that are not counted
	alone, beside := run(t, program, config, nil), run(t, program, config, nil)
	var without, with []time.Duration
	late := 0
	for i := range warm + *compared {
		a, b := delay(alone, false), delay(beside, i%3 == 0)
		if i >= warm {
			without, with = append(without, a), append(with, b)
		}
		if b > blocked {
			if late++; late > *compared/100 {
				t.Fatalf("the dead target delays the living one: %d of %d logs took more than %v", late, i+1, blocked)
			}
		}
	}
	for _, percent := range []int{50, 99} {
		a, b := percentile(without, percent), percentile(with, percent)
		t.Logf("p%d of the time until a log is stored, of %d: %v alone, %v beside a black hole (%+.1f %%)", percent, *compared, a, b, 100*(float64(b)/float64(a)-1))
	}
	logs, err := s.Logs(t.Context(), flow)
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * (warm + *compared); len(logs) != want {
		t.Errorf("%d logs are stored, want %d", len(logs), want)
	}
	beside.kill() // the dead one would be waited for
}

func percentile(all []time.Duration, percent int) time.Duration {
	slices.Sort(all)
	return all[len(all)*percent/100]
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
