// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package pace_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/pace"
)

// servers are the records per second by records per request: the first two as measured on real servers.
var servers = []struct {
	name  string
	rates map[int]float64
}{
	{"SQLite", map[int]float64{50: 3340, 100: 3020, 200: 3160, 400: 2700, 700: 2200, 1000: 1750}},
	{"PostgreSQL", map[int]float64{50: 1400, 100: 1600, 200: 1900, 400: 2000, 700: 1950, 1000: 1900}},
	{"far away", map[int]float64{50: 500, 100: 950, 200: 1800, 400: 3200, 700: 4800, 1000: 6000}},
}

func TestThePaceIsNearTheBestSize(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			var best, mean float64
			for _, rate := range server.rates {
				best = max(best, rate)
			}
			const seeds, records = 20, 100_000
			for seed := range uint64(seeds) {
				random := rand.New(rand.NewPCG(seed, 0))
				p := pace.New(1000)
				var spent float64
				for sent := 0; sent < records; {
					for left := 1000; left > 0; { // of a push
						size := min(p.Size(), left)
						took := float64(size) / near(server.rates, size)
						spent += took
						took *= 1 + 0.4*random.ExpFloat64() // what is measured is disturbed
						p.Stored(size, time.Duration(took*float64(time.Second)))
						left -= size
						sent += size
					}
				}
				mean += records / spent / best / seeds
			}
			t.Logf("%.2f of the best size", mean)
			if mean < 0.8 {
				t.Errorf("%.2f of the best size", mean)
			}
		})
	}
}

// near returns the rate of the size that is nearest below.
func near(rates map[int]float64, size int) float64 {
	best := 50
	for of := range rates {
		if of <= size {
			best = max(best, of)
		}
	}
	return rates[best]
}

func TestASizeThatPushesDoNotReachIsLeft(t *testing.T) {
	p := pace.New(1000)
	at := map[int]int{}
	for range 1000 {
		at[p.Size()]++
		n := min(p.Size(), 300) // what pushes bring
		p.Stored(n, time.Millisecond)
	}
	if at[200] < 800 || at[700]+at[1000] > 0 {
		t.Errorf("pushes of 300 records: requests by size %v", at)
	}
}

func TestThePaceShrinksOnFailuresAndSlowAnswers(t *testing.T) {
	p := pace.New(1000)
	var got []int
	for range 4 {
		got = append(got, p.Size())
		p.Failed()
	}
	if want := []int{200, 100, 50, 50}; !slices.Equal(got, want) {
		t.Errorf("sizes %v, want %v", got, want)
	}
	p = pace.New(1000)
	p.Stored(10, 3*time.Second)
	if p.Size() != 100 {
		t.Errorf("size %d after a slow answer", p.Size())
	}
}

func TestThePaceStaysWithinTheLimit(t *testing.T) {
	for _, limit := range []int{1, 50, 51, 150, 200, 250, 1000} {
		p := pace.New(limit)
		seen := map[int]bool{}
		for range 1000 {
			seen[p.Size()] = true
			if p.Size() > limit {
				t.Fatalf("size %d exceeds %d", p.Size(), limit)
			}
			p.Stored(p.Size(), time.Millisecond) // the larger the faster
		}
		if !seen[limit] {
			t.Errorf("the limit of %d is never used", limit)
		}
	}
}

func TestAFixedPaceStays(t *testing.T) {
	p := pace.Fixed(70)
	p.Failed()
	p.Stored(70, time.Millisecond)
	p.Stored(70, time.Hour)
	if p.Size() != 70 {
		t.Errorf("size %d", p.Size())
	}
}
