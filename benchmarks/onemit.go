// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/processor"
)

// emission is a call that is measured.
type emission struct {
	name, about string
	open        func(dir string) (sdklog.Processor, error)
	emit        bool // through the SDK, from the log call on
}

// emitting are the calls that are measured. Records come in bursts of a size that fits in pages which are
// kept for use again, and are sent between the bursts, while nobody looks at the clock: so no other goroutine
// runs, but where it says so.
var emitting = []emission{
	{"OnEmit alone", "", openIdle, false},
	{"OnEmit, sending", "a goroutine hands requests of 200 records to a server that takes them at no cost", openSending, false},
	{"OnEmit, spool", "a goroutine writes each line to a file", openSpool, false},
	{"OnEmit of the SDK's BatchProcessor", "which clones the record, and encodes it later", openClone, false},
	{"log call, bare SDK", "a processor that does nothing, key duplication allowed", openNothing, true},
	{"log call, with OnEmit", "the same, and the processor of the first row", openIdle, true},
}

// burst is how many records come at once, and bursts how often. An idle queue keeps four pages of 64 KiB, and
// these fill less.
const burst, bursts = 500, 400

// taking is an exporter whose server takes everything at no cost.
type taking struct{ *exporter.Exporter }

func (taking) Send(_ context.Context, request payload.Request, _ <-chan struct{}) payload.Outcome {
	return payload.Outcome{Stored: request.Records()}
}

func openTaking(opts ...processor.Option) (sdklog.Processor, error) {
	e, err := newExporter("127.0.0.1:1") // it is never called
	if err != nil {
		return nil, err
	}
	return processor.NewBatch(taking{e}, opts...)
}

func openIdle(string) (sdklog.Processor, error) {
	return openTaking(processor.WithBatchInterval(time.Hour), processor.WithBatchRecords(payload.MaxRecords))
}

func openSending(string) (sdklog.Processor, error) { return openTaking() }

func openSpool(dir string) (sdklog.Processor, error) {
	return openTaking(processor.WithBatchInterval(time.Hour), processor.WithBatchRecords(payload.MaxRecords), processor.WithSpool(dir))
}

func openClone(string) (sdklog.Processor, error) {
	return sdklog.NewBatchProcessor(forgetting{}, sdklog.WithMaxQueueSize(2*burst), sdklog.WithExportMaxBatchSize(2*burst), sdklog.WithExportInterval(time.Hour)), nil
}

func openNothing(string) (sdklog.Processor, error) { return nothing{}, nil }

// forgetting is an exporter that does nothing.
type forgetting struct{}

func (forgetting) Export(context.Context, []sdklog.Record) error { return nil }
func (forgetting) ForceFlush(context.Context) error              { return nil }
func (forgetting) Shutdown(context.Context) error                { return nil }

func measureOnEmit(b *bench) error {
	found := make([][]result, len(emitting))
	for round := range b.rounds {
		for i, e := range emitting {
			b.progress("%s, round %d of %d", e.name, round+1, b.rounds)
			r, err := inProcess(job{Kind: "onemit", Peer: e.name, Load: growing(burst*max(bursts/b.scale, 1), 1, 1)})
			if err != nil {
				return err
			}
			found[i] = append(found[i], r)
			writeLine(&b.raw, "OnEmit/"+e.name, r.NS, "%.3f allocs/op", r.Allocs)
		}
	}
	w := &b.section
	fmt.Fprintln(w, "| | ns | spread | allocations | |\n|---|---|---|---|---|")
	for i, e := range emitting {
		ns, allocs := figureOf(found[i], func(r result) float64 { return r.NS }), figureOf(found[i], func(r result) float64 { return r.Allocs })
		fmt.Fprintf(w, "| %s | %.0f | %.0f-%.0f | %.2f | %s |\n", e.name, ns.median, ns.low, ns.high, allocs.median, e.about)
		if i == 0 {
			b.found[e.name+", ns"], b.found[e.name+", allocations"] = ns, allocs
		}
	}
	fmt.Fprintln(w)
	return nil
}

// emitHere measures one of emitting: the median burst, and the allocations of all.
func emitHere(j job) (r result, err error) {
	at := slices.IndexFunc(emitting, func(e emission) bool { return e.name == j.Peer })
	if at < 0 {
		return r, fmt.Errorf("there is no call %q", j.Peer)
	}
	dir, err := os.MkdirTemp("", "benchmarks-*")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	p, err := emitting[at].open(dir)
	if err != nil {
		return r, err
	}
	c := newCorpus(j.Load, "")
	call := onEmit(p, &c)
	provider := sdklog.NewLoggerProvider(sdklog.WithAllowKeyDuplication(), sdklog.WithProcessor(p))
	if emitting[at].emit {
		logger := overOTel(provider, provider.Shutdown)
		call = func() { logger.log(&c, 0) }
	}
	var times []float64
	var allocs uint64
	for round := range 1 + j.Load.Records/burst { // the first one warms up
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		for range burst {
			call()
		}
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if err := p.ForceFlush(context.Background()); err != nil {
			return r, err
		}
		if round > 0 {
			times, allocs = append(times, float64(took.Nanoseconds())/burst), allocs+after.Mallocs-before.Mallocs
		}
	}
	slices.Sort(times)
	r.NS, r.Allocs = times[len(times)/2], float64(allocs)/float64(burst*len(times))
	return r, provider.Shutdown(context.Background())
}

// onEmit calls a processor with a record as the SDK hands it over, each time a microsecond later.
func onEmit(p sdklog.Processor, c *corpus) func() {
	var kept keeper
	provider := sdklog.NewLoggerProvider(sdklog.WithAllowKeyDuplication(), sdklog.WithProcessor(&kept))
	overOTel(provider, provider.Shutdown).log(c, 0)
	at := time.Now()
	return func() {
		at = at.Add(time.Microsecond)
		kept.record.SetTimestamp(at)
		_ = p.OnEmit(c.ctx, &kept.record) // ours returns nil, whatever happens
	}
}

// keeper is a processor that keeps the last record.
type keeper struct {
	nothing
	record sdklog.Record
}

func (k *keeper) OnEmit(_ context.Context, record *sdklog.Record) error {
	k.record = record.Clone()
	return nil
}
