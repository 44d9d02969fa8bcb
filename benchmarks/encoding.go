// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	goccy "github.com/goccy/go-json"
	"github.com/segmentio/encoding/json"
	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// encodings are the messages of 10 kB whose encoding is measured.
var encodings = []struct {
	text text
	goal string // empty: for information
	base func(result) float64
}{
	{ascii, "encoding 10 kB of ASCII, against copying it", func(r result) float64 { return r.CopyNS }},
	{nonASCII, "encoding 10 kB of other scripts, against utf8.ValidString", func(r result) float64 { return r.ValidNS }},
	{quotes, "", nil},
}

// escapers are libraries that escape a text, treating what is no UTF-8 as we do. Of those that were tried, go-json is the fastest where
// there is something to escape, by vector instructions in assembly, and segmentio's the fastest that appends; slower than the first of
// them are the encoders of json/v2 (jsontext), zerolog, quicktemplate (which does not look for invalid UTF-8), and sonic on quotes.
var escapers = []struct {
	name   string
	escape func(into []byte, s string) ([]byte, error)
}{
	{"goccy/go-json", func(_ []byte, s string) ([]byte, error) { return goccy.MarshalNoEscape(s) }},
	{"segmentio/encoding", func(into []byte, s string) ([]byte, error) { return json.AppendEscape(into, s, 0), nil }},
}

func measureEncoding(b *bench) error {
	found := make([][]result, len(encodings))
	for round := range b.rounds {
		for i, e := range encodings {
			b.progress("encoding, %s, round %d of %d", e.text, round+1, b.rounds)
			r, err := inProcess(job{Kind: "encoding", Load: load{Size: 10_000, Text: e.text, Runs: 1, Records: max(40/b.scale, 1)}})
			if err != nil {
				return err
			}
			found[i] = append(found[i], r)
			writeLine(&b.raw, "Encode/10kB/"+string(e.text), r.NS, "%.1f copy-ns %.1f valid-ns %.1f go-json-ns", r.CopyNS, r.ValidNS, r.EscapeNS[escapers[0].name])
		}
	}
	w := &b.section
	fmt.Fprint(w, "| 10 kB | encoding ns | copying ns | utf8.ValidString ns | against copying | against utf8.ValidString |")
	for _, e := range escapers {
		fmt.Fprintf(w, " %s ns | against it |", e.name)
	}
	fmt.Fprintln(w, "\n|---|---|---|---|---|---|"+strings.Repeat("---|---|", len(escapers)))
	for i, e := range encodings {
		of := func(number func(result) float64) figure { return figureOf(found[i], number) }
		fmt.Fprintf(w, "| %s | %.0f | %.0f | %.0f | %s | %s |", e.text, of(func(r result) float64 { return r.NS }).median,
			of(func(r result) float64 { return r.CopyNS }).median, of(func(r result) float64 { return r.ValidNS }).median,
			of(func(r result) float64 { return r.NS / r.CopyNS }), of(func(r result) float64 { return r.NS / r.ValidNS }))
		for _, library := range escapers {
			fmt.Fprintf(w, " %.0f | %s |", of(func(r result) float64 { return r.EscapeNS[library.name] }).median, of(func(r result) float64 { return r.NS / r.EscapeNS[library.name] }))
		}
		fmt.Fprintln(w)
		if e.goal != "" {
			b.found[e.goal] = of(func(r result) float64 { return r.NS / e.base(r) })
		}
	}
	fmt.Fprintln(w)
	return nil
}

// What the compiler must not leave out.
var (
	validated bool
	copied    []byte
)

// encodeHere encodes, copies, validates and lets libraries escape a message by turns, for ten milliseconds each, as often as
// the load has records, and takes the medians. What is encoded is a whole record; libraries escape the message alone.
func encodeHere(j job) (r result, err error) {
	encoder, limit, err := defaultEncoder()
	if err != nil {
		return r, err
	}
	c := newCorpus(j.Load, "")
	entry := mapping.Entry{Timestamp: time.Now(), Severity: 9, ScopeName: "benchmark", Body: attribute.StringValue(c.message), Attributes: c.attributes[0][:2]}
	line := make([]byte, 0, 4*j.Load.Size)
	copied = make([]byte, 0, 4*j.Load.Size)
	what := []func(){
		func() {
			if _, _, failed := encoder.Append(line, &entry, limit); failed != nil {
				err = failed
			}
		},
		func() { copied = append(copied[:0], c.message...) },
		func() { validated = utf8.ValidString(c.message) },
	}
	escaped := make([]byte, 0, 4*j.Load.Size)
	for _, library := range escapers {
		what = append(what, func() {
			if _, failed := library.escape(escaped, c.message); failed != nil {
				err = failed
			}
		})
	}
	times := make([][]float64, len(what))
	for range j.Load.Records {
		for i, do := range what {
			times[i] = append(times[i], timeFor(10*time.Millisecond, do))
		}
	}
	middle := func(i int) float64 { return figureOf(times[i], same).median }
	r.NS, r.CopyNS, r.ValidNS, r.EscapeNS = middle(0), middle(1), middle(2), make(map[string]float64)
	for i, library := range escapers {
		r.EscapeNS[library.name] = middle(3 + i)
	}
	return r, err
}

// timeFor does something again and again, and returns what it took once, in nanoseconds.
func timeFor(d time.Duration, do func()) float64 {
	began, n := time.Now(), 0
	for {
		for range 100 {
			do()
		}
		n += 100
		if took := time.Since(began); took >= d {
			return float64(took.Nanoseconds()) / float64(n)
		}
	}
}

// defaultEncoder is what Setup encodes with.
func defaultEncoder() (*mapping.Encoder, int, error) {
	e, err := newExporter("127.0.0.1:1") // it is never called
	if err != nil {
		return nil, 0, err
	}
	return e.Encoder(), e.Limits().LogBytes, e.Shutdown(context.Background())
}

func newExporter(server string) (*exporter.Exporter, error) {
	loaded, err := settingsFor(server)
	if err != nil {
		return nil, err
	}
	return exporter.New(context.Background(), exporter.WithSettings(loaded))
}
