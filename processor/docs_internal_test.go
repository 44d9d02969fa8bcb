// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reliability returns a section of docs/reliability.md.
func reliability(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/reliability.md has no heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

// firstCells are the spans of code in the first cells of a table's rows.
func firstCells(section string) (names []string) {
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) > 2 && strings.HasPrefix(line, "| `") {
			for _, found := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
				names = append(names, found[1])
			}
		}
	}
	return names
}

func TestThePageHasEveryCounter(t *testing.T) {
	var want []string
	for field := range reflect.TypeFor[Stats]().Fields() {
		if field.Type.Kind() != reflect.Struct {
			want = append(want, field.Name)
			continue
		}
		for reason := range field.Type.Fields() {
			want = append(want, field.Name+"."+reason.Name)
		}
	}
	if diff := cmp.Diff(want, firstCells(reliability(t, "Counters"))); diff != "" {
		t.Errorf("docs/reliability.md, Counters (-code +page):\n%s", diff)
	}
}

func TestThePageHasEveryPolicy(t *testing.T) {
	got := firstCells(reliability(t, "What each policy loses, and when"))
	want := [...]string{DropOldest: "DropOldest", DropNewest: "DropNewest", Block: "Block"}
	if !slices.Equal(got, want[:]) {
		t.Errorf("docs/reliability.md has the policies %q, want %q", got, want)
	}
}

func TestThePageHasEveryMetric(t *testing.T) {
	source, err := os.ReadFile("metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, found := range regexp.MustCompile(`(?:counter|gauge)\("([a-z.]+)"`).FindAllSubmatch(source, -1) {
		want = append(want, string(found[1]))
	}
	section := reliability(t, "Metrics")
	if diff := cmp.Diff(want, firstCells(section)); diff != "" || len(want) < 5 {
		t.Errorf("docs/reliability.md, Metrics (-code +page):\n%s", diff)
	}
	for reason := range (Stats{}).reasons() {
		if !strings.Contains(section, "`"+reason+"`") {
			t.Errorf("docs/reliability.md, Metrics, lacks the reason %s", reason)
		}
	}
}

func TestThePackageCommentHasTheDefaultsOfTheCode(t *testing.T) {
	comment, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for option, want := range map[string]string{
		"WithQueueSize":    fmt.Sprintf("%d MiB", defaultQueueSize>>20),
		"WithSpoolSize":    fmt.Sprintf("%d MiB", defaultSpoolSize>>20),
		"WithBlockTimeout": fmt.Sprintf("%.0f s,", defaultBlockTimeout.Seconds()),
		"WithOverflow":     [...]string{DropOldest: "DropOldest"}[config{}.overflow],
	} {
		if !regexp.MustCompile(`(?m)^//\t` + option + ` +` + want).Match(comment) {
			t.Errorf("doc.go does not say that the default of %s is %s", option, want)
		}
	}
}
