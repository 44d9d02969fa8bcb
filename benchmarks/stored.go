// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// storing is the load that is stored on a real server. It fits in the default queue.
var storing = load{200, ascii, 1, 1, 20_000, 0}

const storedGoal = "time until 20,000 records are stored on SQLite, against Prefect's own handler"

// compareStored starts a Prefect server on SQLite and stores records on it.
func compareStored(b *bench) error {
	ctx := context.Background()
	server, err := servers.Start(ctx, servers.Prefect38SQLite)
	if err != nil {
		return err
	}
	return errors.Join(storeOn(ctx, b, server), server.Stop(ctx))
}

// storeOn has ours and Prefect's own handler log to the same server by turns, each
// measurement to a flow run of its own, once the server is warm.
func storeOn(ctx context.Context, b *bench, server *servers.Server) error {
	l := b.shrink(storing)
	store := func(j job) (result, error) {
		j.Load = l
		return storeOne(ctx, server, j)
	}
	ours, theirs := job{Peer: "ours"}, job{Kind: python, Peer: python}
	if _, err := store(ours); err != nil {
		return err
	}
	rounds := half(b.rounds)
	all := make([]pair, rounds)
	for round := range all {
		b.progress("%d records on a real server, round %d of %d", l.Records, round+1, rounds)
		p := &all[round]
		turns := []struct {
			job  job
			into *result
		}{{ours, &p.ours}, {theirs, &p.other}}
		if round%2 == 1 {
			slices.Reverse(turns)
		}
		for _, turn := range turns {
			r, err := store(turn.job)
			if err != nil {
				return err
			}
			*turn.into = r
			writeLine(&b.raw, "Stored/"+turn.job.Peer, 1e9/r.Rate, "%.0f records/s %.3f cpu-s/million %.0f peak-MiB", r.Rate, r.CPU, r.PeakMiB)
		}
	}
	took := func(r result) float64 { return float64(l.Records) / r.Rate }
	w := &b.section
	fmt.Fprintln(w, "| | s | spread | records/s | CPU s/million | peak MiB |\n|---|---|---|---|---|---|")
	for _, row := range []struct {
		name string
		of   func(pair) result
	}{{"ours", func(p pair) result { return p.ours }}, {python, func(p pair) result { return p.other }}} {
		of := func(number func(result) float64) figure {
			return figureOf(all, func(p pair) float64 { return number(row.of(p)) })
		}
		s := of(took)
		fmt.Fprintf(w, "| %s | %.2f | %.2f-%.2f | %.0f | %.2f | %.0f |\n", row.name, s.median, s.low, s.high, of(func(r result) float64 { return r.Rate }).median,
			of(func(r result) float64 { return r.CPU }).median, of(func(r result) float64 { return r.PeakMiB }).median)
	}
	b.found[storedGoal] = figureOf(all, func(p pair) float64 { return took(p.ours) / took(p.other) })
	fmt.Fprintf(w, "\n- %s: %s\n\n", storedGoal, b.found[storedGoal])
	return nil
}

// storeOne has a process log to a flow run of its own, and returns when all records stand
// in the database. The process ends when all are answered, and an answer comes behind
// the commit; so the server is asked once, and asked again only if they were not all there.
func storeOne(ctx context.Context, server *servers.Server, j job) (r result, err error) {
	if j.FlowRun, err = server.NewFlowRun(ctx); err != nil {
		return r, err
	}
	j.Server = strings.TrimSuffix(strings.TrimPrefix(server.APIURL(), "http://"), "/api")
	if r, err = inProcess(j); err != nil {
		return r, err
	}
	ended, took := time.Now(), float64(j.Load.Records)/r.Rate
	for {
		there, more, err := stands(ctx, server, j.FlowRun, j.Load.Records)
		if err != nil {
			return r, err
		}
		if more {
			return r, fmt.Errorf("%s: more than %d records are stored", j.Peer, j.Load.Records)
		}
		if there {
			return r, nil
		}
		if time.Since(ended) > 10*time.Minute {
			return r, fmt.Errorf("%s: %d records are not stored", j.Peer, j.Load.Records)
		}
		time.Sleep(100 * time.Millisecond)
		r.Rate = float64(j.Load.Records) / (took + time.Since(ended).Seconds())
	}
}

// stands reports whether a flow run has n logs, and whether it has more.
func stands(ctx context.Context, server *servers.Server, flowRun string, n int) (there, more bool, err error) {
	var last []prefecttest.Log
	err = server.API().Do(ctx, "POST", "/logs/filter", map[string]any{
		"logs":   map[string]any{"flow_run_id": map[string]any{"any_": []string{flowRun}}},
		"offset": n - 1, "limit": 2,
	}, &last)
	return len(last) > 0, len(last) > 1, err
}
