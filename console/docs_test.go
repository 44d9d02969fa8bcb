// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The fields of % formats that the package comment names are those that the code has a word for.
func TestThePackageCommentHasTheFieldsOfTheCode(t *testing.T) {
	source, err := os.ReadFile("record.go")
	if err != nil {
		t.Fatal(err)
	}
	_, function, _ := strings.Cut(string(source), ") field(name string) any {")
	function, _, _ = strings.Cut(function, "\n}\n")
	want := []string{"asctime"} // which the layout has
	for line := range strings.Lines(function) {
		if cases, ok := strings.CutPrefix(strings.TrimSpace(line), "case \""); ok {
			for _, found := range regexp.MustCompile(`"([A-Za-z_]+)"`).FindAllStringSubmatch(`"`+cases, -1) {
				want = append(want, found[1])
			}
		}
	}

	comment, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(comment), "A % format may ask for these")
	table, _, _ = strings.Cut(table, "What is not known")
	var got []string
	for line := range strings.Lines(table) {
		if fields, ok := strings.CutPrefix(line, "//\t"); ok && fields[0] != ' ' {
			fields, _, _ = strings.Cut(fields, "    ") // the fields, and what they are
			got = append(got, strings.Fields(regexp.MustCompile(` {2,}.*`).ReplaceAllString(fields, ""))...)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 20 {
		t.Errorf("(-code +doc.go):\n%s", diff)
	}
}
