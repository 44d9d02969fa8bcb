// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// marker stands in each message once and nowhere else: the server counts it.
const marker = "~begin~"

// text is what a message consists of.
type text string

const (
	ascii    text = "ascii"
	quotes   text = "quotes"
	nonASCII text = "non-ascii"
)

var alphabets = map[text]string{
	ascii:    "order 4711 shipped to customer 0815 after 3 tries, 12 ms; ",
	quotes:   `{"order": "4711", "path": "C:\\orders", "note": "said \"yes\""}, `,
	nonASCII: "注文4711は顧客0815に発送されました。größer und schöner; ",
}

// load is what a measurement logs.
type load struct {
	Size       int // bytes of a message, about
	Text       text
	Goroutines int
	Runs       int
	Records    int
	Rate       int // records per second; 0: as fast as it goes
}

// cases are the loads that are compared; the first one is the base, of which the others
// change one thing each.
var cases = []struct {
	name string
	load load
}{
	{"200 B", load{200, ascii, 1, 1, 200_000, 0}},
	{"4 kB", load{4_000, ascii, 1, 1, 20_000, 0}},
	{"100 kB", load{100_000, ascii, 1, 1, 1_000, 0}},
	{"200 B, quotes", load{200, quotes, 1, 1, 200_000, 0}},
	{"200 B, non-ASCII", load{200, nonASCII, 1, 1, 200_000, 0}},
	{"200 B, 8 goroutines", load{200, ascii, 8, 1, 200_000, 0}},
	{"200 B, 10,000 runs", load{200, ascii, 1, 10_000, 200_000, 0}},
}

// paced is the load at a rate that every peer keeps up with.
func (l load) paced() load {
	l.Rate = min(40_000, 40_000_000/l.Size)
	l.Records = min(l.Records, 2*l.Rate)
	return l
}

// share is the load with one in n of its records.
func (l load) share(n int) load {
	l.Records = max(l.Records/n, 40)
	l.Rate /= n
	return l
}

// corpus is a load made ready: what each log call hands over.
type corpus struct {
	message    string
	attributes [][]attribute.KeyValue // by run
	ctx        context.Context        // with a trace
}

// newCorpus makes a load ready. A flow run that is given is that of the first run.
func newCorpus(l load, flowRun string) corpus {
	unit := alphabets[l.Text]
	message := marker + strings.Repeat(unit, l.Size/len(unit)+1)
	c := corpus{message: strings.ToValidUTF8(message[:l.Size], "")}
	for i := range l.Runs {
		id := flowRun
		if id == "" || i > 0 {
			id = fmt.Sprintf("11111111-2222-4333-8444-%012x", i)
		}
		c.attributes = append(c.attributes, []attribute.KeyValue{
			attribute.String("prefect.flow_run.id", id),
			attribute.String("prefect.task_run.id", fmt.Sprintf("99999999-2222-4333-8444-%012x", i)),
			attribute.String("http.request.method", "GET"),
			attribute.Int("http.response.status_code", 200),
			attribute.String("url.path", "/orders/4711"),
			attribute.Float64("seconds", 0.25),
		})
	}
	c.ctx = trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1, 2, 3}, SpanID: trace.SpanID{4, 5, 6}, TraceFlags: trace.FlagsSampled,
	}))
	return c
}
