// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// markdownSection returns what stands under a heading of a document, up to the next one of the same level.
func markdownSection(t *testing.T, document, heading string) string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	level, _, _ := strings.Cut(heading, " ")
	_, section, found := strings.Cut(string(text), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", document, heading)
	}
	section, _, _ = strings.Cut(section, "\n"+level+" ")
	return section
}

// markdownRows returns the cells of the tables in a text, without their heads.
func markdownRows(text string) (rows [][]string) {
	var above string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case !strings.HasPrefix(line, "|"):
			above = ""
		case above == "":
			above = "head"
		case above == "head":
			above = "row"
		default:
			var cells []string
			inCode := false // where | is no border
			for part := range strings.SplitSeq(line[1:len(line)-1], "|") {
				if inCode {
					cells[len(cells)-1] += "|" + part
				} else {
					cells = append(cells, part)
				}
				inCode = inCode != (strings.Count(part, "`")%2 == 1)
			}
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

// code are the spans of code in a text.
func code(text string) (spans []string) {
	for line := range strings.Lines(text) {
		for _, found := range codeSpan.FindAllStringSubmatch(line, -1) {
			spans = append(spans, found[1])
		}
	}
	return spans
}

func TestTheDesignHasEveryPackageInItsLayer(t *testing.T) {
	inTable := map[string]int{} // by folder; -1 for those beside the layers
	for _, row := range markdownRows(markdownSection(t, "docs/design.md", "## Packages")) {
		number, err := strconv.Atoi(row[0])
		if err != nil {
			number = -1
		}
		for _, folder := range code(row[1]) {
			if folder == "prefectlogs" {
				folder = "."
			}
			inTable[folder] = number
			if info, err := os.Stat(folder); err != nil || !info.IsDir() {
				t.Errorf("docs/design.md has a row for %s, where there is no package", folder)
			}
		}
	}
	for _, l := range layers {
		number, ok := inTable[l.folder]
		switch {
		case !ok:
			t.Errorf("docs/design.md has no row for %s", l.folder)
		case l.number >= 0 && number != l.number:
			t.Errorf("docs/design.md has %s in layer %d, the table of imports in layer %d", l.folder, number, l.number)
		}
	}
	for dir := range repoModules(t) {
		if _, ok := inTable[dir]; !ok {
			t.Errorf("docs/design.md has no row for the module %s", dir)
		}
	}
}

// pathOfRepo is a path as documents write it: `processor/pace.go`, `docs/mapping.md`.
var pathOfRepo = regexp.MustCompile(`^[A-Za-z0-9_.*-]+(/[A-Za-z0-9_.*-]+)*/?$`)

// theirs are names of files that documents speak of and that are the reader's own.
var theirs = []string{"logging.yml", "prefect.toml", "pyproject.toml", "profiles.toml", "toml", ".env", "config.yaml", "doc.go", "main.go", "go.mod", "go.sum", "example_test.go"}

func TestDocumentsNameOnlyFilesThatThereAre(t *testing.T) {
	looked := 0
	for _, f := range repoFiles(t) {
		if path.Ext(f.path) != ".md" || strings.Contains(f.path, "testdata/") {
			continue
		}
		for _, name := range code(string(f.text)) {
			if !pathOfRepo.MatchString(name) || !slices.Contains([]string{".go", ".md", ".yaml", ".yml", ".py"}, path.Ext(name)) || slices.Contains(theirs, path.Base(name)) {
				continue
			}
			looked++
			found := false
			for _, from := range []string{".", f.dir(), "docs"} {
				found = found || exists(path.Join(from, name))
			}
			if !found {
				t.Errorf("%s names the file %s, which there is not", f.path, name)
			}
		}
	}
	if looked < 5 {
		t.Errorf("documents name %d files; they are not read as they should be", looked)
	}
}

// exists reports whether a path, or a pattern, of the repository is there.
func exists(pattern string) bool {
	if !strings.Contains(pattern, "*") {
		_, err := os.Stat(pattern)
		return err == nil
	}
	entries, err := os.ReadDir(path.Dir(pattern))
	return err == nil && slices.ContainsFunc(entries, func(entry os.DirEntry) bool {
		ok, _ := path.Match(path.Base(pattern), entry.Name())
		return ok
	})
}
