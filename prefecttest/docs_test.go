// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestThePackageCommentHasEveryFault(t *testing.T) {
	source, err := os.ReadFile("faults.go")
	if err != nil {
		t.Fatal(err)
	}
	comment, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	faults := regexp.MustCompile(`(?m)^func (\(f Fault\) )?([A-Z][A-Za-z]+)\(.*\) Fault \{`).FindAllSubmatch(source, -1)
	for _, found := range faults {
		if name := string(found[2]); !regexp.MustCompile(`\b` + name + `\b`).Match(comment) {
			t.Errorf("doc.go does not name the fault %s", name)
		}
	}
	if len(faults) < 15 {
		t.Errorf("%d faults; they are not found as they should be", len(faults))
	}
	if strings.Count(string(comment), "CutAfterCommit()") != 1 {
		t.Error("doc.go has no row, or several, for CutAfterCommit")
	}
}
