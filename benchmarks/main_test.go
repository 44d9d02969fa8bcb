// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// The measuring processes are this binary again, as they are in the command.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "null" || os.Args[1] == "measure") {
		main()
		return
	}
	// A process with the race detector sleeps for a second before it ends, unless it is told not to.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	serverstest.Main(m)
}

func TestEveryPeerSendsWhatItLogs(t *testing.T) {
	server, stop, err := startNull()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, p := range peers {
		if p.name == python {
			continue // its environment takes a minute to make
		}
		for _, l := range []load{{200, ascii, 1, 1, 300, 0}, {4_000, quotes, 8, 10, 304, 0}, {300, nonASCII, 1, 1, 300, 20_000}} {
			r, err := inProcess(job{Peer: p.name, Server: server, Load: l})
			if err != nil {
				t.Fatalf("%s: %v", p.name, err)
			}
			if r.NS <= 0 || r.CPU <= 0 || r.Rate <= 0 || r.PeakMiB <= 0 {
				t.Errorf("%s: %+v", p.name, r)
			}
			got, err := ask(server)
			if err != nil {
				t.Fatal(err)
			}
			if want := l.Records; !p.local && got.Records != want {
				t.Errorf("%s: %d records of %d came, %v", p.name, got.Records, want, l)
			}
		}
	}
}

func TestTheTablesTakeTheirPlaceInADocument(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.md")
	if err := os.WriteFile(path, []byte("before\n<!-- x -->\nold\n<!-- x -->\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replaceBetween(path, "x", "new\n"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := "before\n<!-- x -->\n\nnew\n<!-- x -->\nafter\n"; string(got) != want {
		t.Errorf("%q", got)
	}
	if err := os.WriteFile(path, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replaceBetween(path, "x", "new"); err == nil || !strings.Contains(err.Error(), "no two lines") {
		t.Errorf("error %v", err)
	}
}

func TestARatioComparesRoundByRound(t *testing.T) {
	row := func(name string, cpu ...float64) *sample {
		s := &sample{peer: peer{name: name}}
		for _, c := range cpu {
			s.paced = append(s.paced, result{CPU: c})
			s.full = append(s.full, result{CPU: c / 2, Rate: 1000 / c, NS: 10 * c})
		}
		return s
	}
	samples := []*sample{row("ours", 3, 5, 4), row("otlp", 11, 11, 21), row("sdk", 1, 1, 1), row("sdk-dup", 1, 1, 1)}
	f, ok := ratios[0].of(samples)
	if want := (figure{0.15, 0.2, 0.4}); !ok || f != want {
		t.Errorf("%v, want %v", f, want)
	}
	if _, ok := ratios[0].of(samples[:2]); ok {
		t.Error("a ratio beyond a base that was not measured")
	}
}

// What is at full speed is subtracted from what is at full speed, and what is paced from what is paced.
func TestWhatIsSubtractedIsOfTheSameMode(t *testing.T) {
	row := func(name string, full, paced float64) *sample {
		return &sample{peer: peer{name: name}, full: []result{{CPU: full}}, paced: []result{{CPU: paced}}}
	}
	samples := []*sample{row("ours-1000", 3, 5), row("otlp", 100, 10), row("otlp-tuned", 9, 100), row("sdk", 100, 2), row("sdk-dup", 1, 1)}
	for name, want := range map[string]float64{ratios[1].name: 2. / 8, further[0].name: 4. / 8, further[1].name: 2. / 8} {
		for _, r := range slices.Concat(ratios, further) {
			if r.name != name {
				continue
			}
			if f, ok := r.of(samples); !ok || f.median != want {
				t.Errorf("%s: %v, want %v", name, f, want)
			}
		}
	}
}
