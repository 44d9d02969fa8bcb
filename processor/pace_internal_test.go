// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestPaceIsNearTheBestFixedSize plays servers whose time for a request was
// measured on real ones, with noise, and compares the time for many records
// with that of the best fixed size.
func TestPaceIsNearTheBestFixedSize(t *testing.T) {
	type server struct {
		name  string
		rates map[int]float64 // rows per second by records per request
	}
	for _, server := range []server{
		{"SQLite", map[int]float64{50: 3340, 100: 3020, 200: 3160, 400: 2700, 700: 2200, 1000: 1750}},
		{"PostgreSQL", map[int]float64{50: 1400, 100: 1600, 200: 1900, 400: 2000, 700: 1950, 1000: 1900}},
		{"far away", map[int]float64{50: 500, 100: 950, 200: 1800, 400: 3200, 700: 4800, 1000: 6000}},
	} {
		t.Run(server.name, func(t *testing.T) {
			var best, mean float64
			for _, rate := range server.rates {
				best = max(best, rate)
			}
			const seeds, records = 20, 100_000
			for seed := range uint64(seeds) {
				random := rand.New(rand.NewPCG(seed, 0))
				p := newPace(1000, false)
				var spent float64
				for sent := 0; sent < records; sent += p.size() {
					size := p.size()
					took := float64(size) / server.rates[size]
					spent += took
					took *= 1 + 0.4*random.ExpFloat64() // what is measured is disturbed
					p.done(size, time.Duration(took*float64(time.Second)), true)
				}
				mean += records / spent / best / seeds
			}
			t.Logf("%.2f of the best fixed size", mean)
			if mean < 0.9 {
				t.Errorf("%.2f of the best fixed size", mean)
			}
		})
	}
}

func TestPaceShrinksOnFailuresAndSlowAnswers(t *testing.T) {
	p := newPace(1000, false)
	var got []int
	for range 3 {
		got = append(got, p.size())
		p.done(p.size(), time.Second, false)
	}
	got = append(got, p.size())
	if want := []int{200, 100, 50, 50}; !slices.Equal(got, want) {
		t.Errorf("sizes %v, want %v", got, want)
	}
	p = newPace(1000, false)
	p.done(10, 3*time.Second, true)
	if p.size() != 100 {
		t.Errorf("size %d after a slow answer", p.size())
	}
}

func TestPaceStaysWithinTheLimit(t *testing.T) {
	for _, limit := range []int{1, 50, 51, 150, 200, 250, 1000} {
		p := newPace(limit, false)
		seen := map[int]bool{}
		for range 1000 {
			seen[p.size()] = true
			if p.size() > limit {
				t.Fatalf("size %d exceeds %d", p.size(), limit)
			}
			p.done(p.size(), time.Millisecond, true) // the larger the faster
		}
		if !seen[limit] {
			t.Errorf("the limit of %d is never used", limit)
		}
	}
	if p := newPace(70, true); p.size() != 70 {
		t.Errorf("fixed size %d", p.size())
	}
}
