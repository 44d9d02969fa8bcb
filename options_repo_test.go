// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

var optionName = regexp.MustCompile(`\bWith[A-Z][A-Za-z0-9]*|\bWithout[A-Z][A-Za-z0-9]*`)

// A package comment names every option of its package, and no other but as pkg.Name.
func TestPackageCommentsNameEveryOption(t *testing.T) {
	for dir, files := range publicPackages(t) {
		exported := exportedNames(files)
		for _, f := range files {
			if path.Base(f.path) != "doc.go" {
				continue
			}
			comment := f.syntax.Doc.Text()
			named := map[string]bool{}
			for _, at := range optionName.FindAllStringIndex(comment, -1) {
				if at[0] > 0 && comment[at[0]-1] == '.' {
					continue // of another package
				}
				name := comment[at[0]:at[1]]
				named[name] = true
				if !exported[name] {
					t.Errorf("%s names %s, which %s does not have", f.path, name, dir)
				}
			}
			for name, ok := range exported {
				if ok && strings.HasPrefix(name, "With") && !named[name] {
					t.Errorf("%s does not name the option %s", f.path, name)
				}
			}
		}
	}
}

// qualified is a name of one of our packages as documents write it: `exporter.WithFormat`.
var qualified = regexp.MustCompile("`\\*?([a-z]+)\\.([A-Z][A-Za-z0-9]*(?:\\.[A-Z][A-Za-z0-9]*)?)(?:\\([^`]*)?`")

// member is a method or a field as documents write it where the package is clear: `Pipeline.Stats()`.
var member = regexp.MustCompile("`\\*?([A-Z][A-Za-z]+)\\.([A-Z][A-Za-z0-9]*)(?:\\([^`]*)?`")

// TestDocumentsNameOnlyWhatThereIs looks up every `package.Name` of the Markdown files, and every `Type.Member`.
func TestDocumentsNameOnlyWhatThereIs(t *testing.T) {
	exported := map[string]map[string]bool{}
	for _, files := range publicPackages(t) {
		for _, f := range files {
			if !f.isTest() {
				exported[f.syntax.Name.Name] = exportedNames(files)
			}
		}
	}
	looked := 0
	for _, f := range repoFiles(t) {
		if path.Ext(f.path) != ".md" || strings.Contains(f.path, "testdata/") {
			continue
		}
		for _, found := range qualified.FindAllStringSubmatch(string(f.text), -1) {
			names, ours := exported[found[1]]
			if !ours || strings.HasPrefix(found[2], "Test") {
				continue // docs/python-to-go.md names tests
			}
			looked++
			if !names[found[2]] {
				t.Errorf("%s names %s.%s, which there is not", f.path, found[1], found[2])
			}
		}
		for _, found := range member.FindAllStringSubmatch(string(f.text), -1) {
			isType, isMember := false, false
			for _, names := range exported {
				isType = isType || names[found[1]]
				isMember = isMember || names[found[1]+"."+found[2]]
			}
			if isType && !isMember {
				t.Errorf("%s names %s.%s, which there is not", f.path, found[1], found[2])
			}
		}
	}
	if looked < 50 {
		t.Errorf("documents name %d things of ours; they are not read as they should be", looked)
	}
}
