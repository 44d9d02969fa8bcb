// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// proof is a test as docs/python-to-go.md names it: folder, test, and after a slash
// the case within it.
var proof = regexp.MustCompile("^`([a-z0-9/]+)\\.(Test[A-Za-z0-9_]+)(?:/([^`]+))?`$")

func TestEveryRowOfPythonToGoNamesATestThatExists(t *testing.T) {
	text, err := os.ReadFile("docs/python-to-go.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for n, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || strings.HasSuffix(line, "| proven by |") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if len(cells) != 3 {
			t.Errorf("docs/python-to-go.md:%d: has %d cells, want 3", n+1, len(cells))
			continue
		}
		rows++
		proofs := strings.TrimSpace(cells[2])
		if why, ok := strings.CutPrefix(proofs, "none: "); ok && why != "" {
			continue
		}
		for named := range strings.SplitSeq(strings.ReplaceAll(proofs, "`, `", "`\x00`"), "\x00") {
			found := proof.FindStringSubmatch(named)
			if found == nil {
				t.Errorf("docs/python-to-go.md:%d: %q names no test", n+1, named)
				continue
			}
			if !hasTest(t, found[1], found[2], found[3]) {
				t.Errorf("docs/python-to-go.md:%d: there is no %s", n+1, named)
			}
		}
	}
	if rows < 80 {
		t.Errorf("docs/python-to-go.md has %d rows; its tables are not read as they should be", rows)
	}
}

// hasTest reports whether a package has a test, and in the same file the name of a case.
func hasTest(t *testing.T, folder, test, within string) bool {
	t.Helper()
	if folder == "prefectlogs" {
		folder = "."
	}
	files, err := filepath.Glob(path.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+test+"(t *testing.T) {") && (within == "" || strings.Contains(string(text), `"`+within+`"`)) {
			return true
		}
	}
	return false
}
