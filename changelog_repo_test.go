// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// A line of the changelog begins with what it is about: packages, commands or examples that there are. What is released is
// history and may speak of what has gone.
func TestTheChangelogSpeaksOfPackagesThatThereAre(t *testing.T) {
	section := markdownSection(t, "CHANGELOG.md", "## Unreleased")
	lines := 0
	for line := range strings.Lines(section) {
		item, ok := strings.CutPrefix(line, "- ")
		if !ok {
			continue
		}
		lines++
		about := regexp.MustCompile("^((`[^`]+`(, | and )?)+)").FindString(item)
		if about == "" {
			t.Errorf("CHANGELOG.md: a line does not begin with its package: %s", item)
		}
		for _, name := range code(about) {
			name = strings.TrimPrefix(name, "prefectlogs")
			folder, symbol, _ := strings.Cut(name, ".")
			if folder == "" {
				folder = "."
			}
			info, err := os.Stat(folder)
			if err != nil || !info.IsDir() && symbol == "" {
				t.Errorf("CHANGELOG.md speaks of %q, which is no folder", name)
			}
		}
	}
	if lines == 0 {
		t.Error("CHANGELOG.md has no line under Unreleased; they are not read as they should be")
	}
	// The sections are what Keep a Changelog calls them.
	for _, found := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(section, -1) {
		if !regexp.MustCompile(`^(Added|Changed|Deprecated|Removed|Fixed|Security)$`).MatchString(found[1]) {
			t.Errorf("CHANGELOG.md has the section %q", found[1])
		}
	}
}
