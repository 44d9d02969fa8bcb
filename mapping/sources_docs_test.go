// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"os"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

// sources are what may name a run, the first one first, in the words of the documents.
var sources = []struct {
	words string
	name  func(config *mapping.Config, e *mapping.Entry, ids run.IDs)
}{
	{"attributes of the record", func(_ *mapping.Config, e *mapping.Entry, ids run.IDs) {
		e.Attributes = []attribute.KeyValue{attribute.String("flow_run_id", ids.Flow.String())}
	}},
	{"context", func(_ *mapping.Config, e *mapping.Entry, ids run.IDs) { e.Context = ids }},
	{"baggage", func(_ *mapping.Config, e *mapping.Entry, ids run.IDs) {
		_, span := e.Ambient()
		e.Ambient = func() (run.IDs, run.IDs) { return ids, span }
	}},
	{"span", func(_ *mapping.Config, e *mapping.Entry, ids run.IDs) {
		e.Ambient = func() (run.IDs, run.IDs) { return run.IDs{}, ids }
	}},
	{"scope", func(_ *mapping.Config, e *mapping.Entry, ids run.IDs) { e.Scope.Run = ids }},
	{"resource", func(_ *mapping.Config, e *mapping.Entry, ids run.IDs) { e.Resource.Run = ids }},
	{"environment", func(config *mapping.Config, _ *mapping.Entry, ids run.IDs) { config.Default = ids }},
}

func TestTheDocumentsHaveTheSourcesOfRunsInTheOrderOfTheCode(t *testing.T) {
	// The code: of the sources from i on, the i-th wins.
	for i, first := range sources {
		config, e := mapping.Config{}, mapping.Entry{}
		for j := len(sources) - 1; j >= i; j-- {
			sources[j].name(&config, &e, run.IDs{Flow: run.ID{15: byte(j + 1)}})
		}
		if _, all := newEncoder(t, config).Run(&e); all.Flow != (run.ID{15: byte(i + 1)}) {
			t.Errorf("of the sources from %q on, %v wins", first.words, all.Flow)
		}
	}
	// The documents.
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "\n## Whose log is it?\n")
	table, _, _ = strings.Cut(table, "\n## ")
	var list []string
	for line := range strings.Lines(section(t, "## Whose log")) {
		if number, item, ok := strings.Cut(line, ". "); ok && len(number) == 1 {
			list = append(list, item)
		}
	}
	for document, got := range map[string][]string{"README.md": column(rows(table), 0), "docs/mapping.md": list} {
		if len(got) != len(sources) {
			t.Errorf("%s has %d sources, want %d: %q", document, len(got), len(sources), got)
			continue
		}
		for i, source := range sources {
			if !strings.Contains(strings.ToLower(got[i]), source.words) {
				t.Errorf("%s has as source %d %q, want that of %q", document, i+1, got[i], source.words)
			}
		}
	}
}
