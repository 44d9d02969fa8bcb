// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package dictconfig

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
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
