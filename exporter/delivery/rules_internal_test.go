// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
)

// documented is what the tables of the documentation say, in their order.
func documented() [][2]string {
	rows := [][2]string{
		{"2xx", "stored"},
		{"403 for want of a CSRF token", "a token is fetched, once, and the request sent again"},
	}
	for _, r := range rules {
		rows = append(rows, [2]string{r.answer, r.does})
	}
	return rows
}

func TestTableOfReliabilityPageIsThatOfTheCode(t *testing.T) {
	text, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Answers and what is done about them\n")
	if !found {
		t.Fatal("the page has no section of answers")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var rows [][2]string
	for line := range strings.SplitSeq(section, "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "|") || len(cells) < 2 {
			continue
		}
		row := [2]string{strings.TrimSpace(cells[0]), strings.TrimSpace(cells[1])}
		if row[0] != "answer" && strings.Trim(row[0], "-") != "" {
			rows = append(rows, row)
		}
	}
	if diff := cmp.Diff(documented(), rows); diff != "" {
		t.Error(diff)
	}
}

func TestTableOfPackageIsThatOfTheCode(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "//	answer ")
	table, _, _ = strings.Cut(table, "//\n")
	table = strings.Join(strings.Fields(strings.ReplaceAll(table, "//", "")), " ")
	var want strings.Builder
	want.WriteString("what is done")
	for _, row := range documented() {
		want.WriteString(" " + row[0] + " " + row[1])
	}
	if diff := cmp.Diff(want.String(), table); diff != "" {
		t.Error(diff)
	}
}

func TestEachAnswerHasItsAction(t *testing.T) {
	kinds := []prefectapi.Kind{
		prefectapi.KindNetwork, prefectapi.KindRecords, prefectapi.KindRequest, prefectapi.KindConflict,
		prefectapi.KindTooLarge, prefectapi.KindAccess, prefectapi.KindBusy, prefectapi.KindServer,
	}
	want := map[string]action{
		"0 0 false": retry, "0 0 true": look,
		"1 422 false": cut, "2 400 false": search, "2 422 false": search, "3 409 false": search, "4 413 false": shrink,
		"5 401 false": hold, "5 403 false": hold, "5 404 false": hold, "5 307 false": hold, "5 201 false": hold,
		"6 408 false": retry, "6 425 false": retry, "6 429 false": retry, "6 503 true": look,
		"7 500 true": look, "7 502 true": look, "7 504 true": look, "7 599 true": look,
	}
	covered := map[prefectapi.Kind]bool{}
	for text, action := range want {
		var kind prefectapi.Kind
		answer := &prefectapi.Error{}
		if _, err := fmt.Sscan(text, &kind, &answer.Status, &answer.Ambiguous); err != nil {
			t.Fatal(err)
		}
		answer.Kind = kind
		covered[kind] = true
		if got := actionFor(answer); got != action {
			t.Errorf("%s: got %d, want %d", text, got, action)
		}
	}
	for _, kind := range kinds {
		if !covered[kind] {
			t.Errorf("kind %d has no case", kind)
		}
	}
}

func TestEachReasonIsThatOfItsAnswer(t *testing.T) {
	for kind, want := range map[prefectapi.Kind]payload.Reason{
		prefectapi.KindRecords: payload.ReasonInvalid, prefectapi.KindRequest: payload.ReasonInvalid,
		prefectapi.KindConflict: payload.ReasonConflict, prefectapi.KindTooLarge: payload.ReasonTooLarge,
		prefectapi.KindServer: payload.ReasonFailing, prefectapi.KindBusy: payload.ReasonFailing,
	} {
		if got := reasonFor(&prefectapi.Error{Kind: kind}); got != want {
			t.Errorf("kind %d: got %s, want %s", kind, got, want)
		}
	}
}
