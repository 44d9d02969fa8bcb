// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

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
			writeLine(&b.raw, "Encode/10kB/"+string(e.text), r.NS, "%.1f copy-ns %.1f valid-ns", r.CopyNS, r.ValidNS)
		}
	}
	w := &b.section
	fmt.Fprintln(w, "| 10 kB | encoding ns | copying ns | utf8.ValidString ns | against copying | against utf8.ValidString |\n|---|---|---|---|---|---|")
	for i, e := range encodings {
		of := func(number func(result) float64) figure { return figureOf(found[i], number) }
		fmt.Fprintf(w, "| %s | %.0f | %.0f | %.0f | %s | %s |\n", e.text, of(func(r result) float64 { return r.NS }).median,
			of(func(r result) float64 { return r.CopyNS }).median, of(func(r result) float64 { return r.ValidNS }).median,
			of(func(r result) float64 { return r.NS / r.CopyNS }), of(func(r result) float64 { return r.NS / r.ValidNS }))
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

// encodeHere encodes, copies and validates a message by turns, for ten milliseconds each, as often as
// the load has records, and takes the medians. What is encoded is a whole record.
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
		func() { _, _, err = encoder.Append(line, &entry, limit) },
		func() { copied = append(copied[:0], c.message...) },
		func() { validated = utf8.ValidString(c.message) },
	}
	times := make([][]float64, len(what))
	for range j.Load.Records {
		for i, do := range what {
			times[i] = append(times[i], timeFor(10*time.Millisecond, do))
		}
	}
	for i, into := range []*float64{&r.NS, &r.CopyNS, &r.ValidNS} {
		slices.Sort(times[i])
		*into = times[i][len(times[i])/2]
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
