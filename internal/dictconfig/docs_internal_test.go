// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package dictconfig

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/settings"
)

// The classes that docs/logging.md says are obeyed are those of the code, each doing what the other classes of its row do.
func TestThePageHasTheClassesOfTheCode(t *testing.T) {
	text, err := os.ReadFile("../../docs/logging.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## What is obeyed\n")
	section, _, _ = strings.Cut(section, "\n## ")

	byName := map[string]Kind{}
	for class, kind := range kinds {
		byName[class[strings.LastIndex(class, ".")+1:]] = kind
	}
	seen := map[string]bool{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		var ofRow []Kind
		for _, found := range regexp.MustCompile("`([A-Za-z_]*Handler)`").FindAllStringSubmatch(cells[1], -1) {
			kind, ok := byName[found[1]]
			if !ok {
				t.Errorf("docs/logging.md has the handler %s, which the code does not know", found[1])
			}
			ofRow, seen[found[1]] = append(ofRow, kind), true
		}
		if len(slices.Compact(ofRow)) > 1 {
			t.Errorf("docs/logging.md has handlers in one row that do different things: %s", cells[1])
		}
	}
	for name := range byName {
		if !seen[name] {
			t.Errorf("docs/logging.md lacks the handler %s", name)
		}
	}
	for _, class := range []string{prefectFormatter, jsonFormatter, "logging.Formatter", "logging.Filter", "prefect.logging.filters.ObfuscateApiKeyFilter"} {
		if name := class[strings.LastIndex(class, ".")+1:]; !strings.Contains(section, "`"+name+"`") && !strings.Contains(section, "`"+class+"`") {
			t.Errorf("docs/logging.md lacks %s", class)
		}
	}
}

// The loggers of Prefect's that its own file sends nowhere are those that the documents warn of, of each generation.
func TestTheDocumentsNameTheLoggersThatPrefectSendsNowhere(t *testing.T) {
	nowhere := map[string]string{} // by name, as Named takes it: the generations
	for _, generation := range []settings.Generation{settings.Prefect2, settings.Prefect3} {
		l, err := settings.LoadLogging("", settings.WithGeneration(generation), settings.WithoutFiles(), settings.WithEnvironment(nil))
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(l)
		if err != nil {
			t.Fatal(err)
		}
		for logger := range c.loggers {
			if name, ok := strings.CutPrefix(logger+".", prefect+"."); ok && c.Routes(logger).Flow.API == Never {
				nowhere[strings.TrimSuffix(name, ".")] += map[settings.Generation]string{settings.Prefect2: "2", settings.Prefect3: "3"}[generation]
			}
			if below := logger + ".sub"; logger == prefect && c.Routes(below).Flow.API == Never || logger != prefect && c.Routes(below).Flow.API != c.Routes(logger).Flow.API {
				t.Errorf("%s goes elsewhere than the documents say", below)
			}
		}
	}
	for document, paragraph := range map[string]string{
		"../../docs/runs.md":     "By the `logging.yml` that Prefect ships some loggers",
		"../../runlog/runlog.go": "// By the logging.yml that Prefect ships,",
	} {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		_, warning, _ := strings.Cut(string(text), paragraph)
		warning, _, _ = strings.Cut(warning, "below the last five")
		got, generations := map[string]string{}, "23"
		for _, found := range regexp.MustCompile(`in Prefect (\d)|Named\("(\w*)"\)`).FindAllStringSubmatch(warning, -1) {
			if found[1] != "" {
				generations = found[1]
			} else {
				got[found[2]] = generations
			}
		}
		if diff := cmp.Diff(nowhere, got); diff != "" {
			t.Errorf("%s (-shipped +said):\n%s", document, diff)
		}
	}
}
