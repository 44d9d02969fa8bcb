// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/delivery"
	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

const flowRun = "11111111-1111-4111-8111-111111111111"

// prefects503 is what Prefect itself answers when its database fails.
func prefects(status int) prefecttest.Fault {
	return prefecttest.Status(status).Header("Content-Type", "application/json").Body(`{"exception_message":"Service Unavailable"}`)
}

// encode makes a line of a JSON string's inside, with a time of its own.
func encode(i int, escaped string) []byte {
	head := payload.AppendHead(nil, 20, 1_700_000_000_000_000+int64(i), []byte(flowRun), nil)
	return append(head, `n","message":"`+escaped+`"}`...)
}

// request makes a request of the lines.
func request(lines ...[]byte) payload.Request {
	size := 0
	for _, line := range lines {
		size += len(line) + 2
	}
	page := payload.NewPage(size)
	for _, line := range lines {
		page.Append(line)
	}
	var r payload.Request
	r.Add(page.Lines(), payload.Limits{Bytes: size + 2, Records: len(lines)})
	return r
}

// messages makes a request of the messages.
func messages(all ...string) payload.Request {
	var lines [][]byte
	for i, m := range all {
		lines = append(lines, encode(i, m))
	}
	return request(lines...)
}

// numbered makes a request of n records, with the numbers from 0 as their messages.
func numbered(n int) payload.Request { return messages(numbers(n)...) }

func numbers(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

// bench is a deliverer to a server, and what it told of its retries.
type bench struct {
	*delivery.Deliverer
	server  *prefecttest.Server
	mu      sync.Mutex // guards retries
	retries []delivery.Retry
}

// newBench starts a server and a deliverer to it.
func newBench(t *testing.T, opts ...prefecttest.Option) *bench {
	t.Helper()
	b := &bench{server: prefecttest.NewServer(t, opts...)}
	client, err := prefectapi.New(prefectapi.Config{APIURL: b.server.URL(), Transport: b.server.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	b.Deliverer = delivery.New(client, func(r delivery.Retry) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.retries = append(b.retries, r)
	})
	return b
}

// newDelivererTo returns a deliverer that has learned nothing of the server, as of another process.
func newDelivererTo(t *testing.T, server *prefecttest.Server) *delivery.Deliverer {
	t.Helper()
	client, err := prefectapi.New(prefectapi.Config{APIURL: server.URL(), Transport: server.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return delivery.New(client, nil)
}

// stored lists the messages on the server in the order of storing.
func (b *bench) stored() []string {
	all := []string{}
	for _, log := range b.server.Logs() {
		all = append(all, log.Message)
	}
	return all
}

// calls lists the requests that came in: "post 3 201" is one of three records.
func (b *bench) calls() []string {
	var all []string
	for _, r := range b.server.Requests() {
		path := strings.TrimPrefix(r.Path, "/api")
		switch path {
		case "/logs/":
			all = append(all, fmt.Sprintf("post %d %d", strings.Count(string(r.Body), `"level":`), r.Status))
		case "/logs/filter":
			all = append(all, fmt.Sprintf("look %d", r.Status))
		default:
			all = append(all, path)
		}
	}
	return all
}

// count tells how many calls begin with a word.
func (b *bench) count(word string) int {
	n := 0
	for _, c := range b.calls() {
		if strings.HasPrefix(c, word) {
			n++
		}
	}
	return n
}

// refused lists the messages of refused records with their reasons.
func refused(o payload.Outcome) map[string]payload.Reason {
	all := map[string]payload.Reason{}
	for _, r := range o.Refused {
		record, err := payload.Decode(r.Line)
		if err != nil {
			all[string(r.Line)] = r.Reason
			continue
		}
		all[record.Message] = r.Reason
	}
	return all
}

// balanced fails the test if an outcome does not account for all records.
func balanced(t *testing.T, o payload.Outcome, n int) {
	t.Helper()
	if got := o.Stored + len(o.Refused) + o.Unsent.Records(); got != n {
		t.Errorf("%d stored, %d refused, %d unsent: %d in all, want %d", o.Stored, len(o.Refused), o.Unsent.Records(), got, n)
	}
	if (o.Err != nil) != (o.Unsent.Records() > 0) {
		t.Errorf("%d unsent, error %v", o.Unsent.Records(), o.Err)
	}
	if o.Unknown > o.Unsent.Records() || o.Resolved > o.Stored || o.Resent > o.Stored || o.Blind > o.Resent {
		t.Errorf("counters do not agree: %+v", o)
	}
}

const second = time.Second
