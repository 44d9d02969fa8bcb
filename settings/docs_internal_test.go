// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// row is what a table in the documentation says of one setting.
type row struct{ name, deflt, unit, old, key string }

// rowsOfDoc reads the table of the package documentation, by its columns.
func rowsOfDoc(t *testing.T) []row {
	t.Helper()
	var rows []row
	var columns []int
	for line := range strings.Lines(read(t, "doc.go")) {
		text, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "//\t")
		switch {
		case ok && strings.HasPrefix(text, "setting "):
			for _, title := range []string{"default", "unit", "meaning", "old name"} {
				columns = append(columns, strings.Index(text, title))
			}
		case ok && strings.HasPrefix(text, "PREFECT_"):
			cell := func(i int) string {
				end := len(text)
				if i+1 < len(columns) {
					end = min(end, columns[i+1])
				}
				return strings.TrimSpace(text[min(columns[i], end):end])
			}
			rows = append(rows, row{name: strings.TrimSpace(text[:columns[0]]), deflt: cell(0), unit: cell(1), old: cell(3)})
		}
	}
	return rows
}

// rowsOfPage reads the table of docs/settings.md.
func rowsOfPage(t *testing.T) []row {
	t.Helper()
	var rows []row
	for line := range strings.Lines(read(t, "../docs/settings.md")) {
		if !strings.HasPrefix(line, "| `PREFECT_") {
			continue
		}
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.Trim(cells[i], " `\n")
		}
		rows = append(rows, row{name: cells[1], deflt: cells[2], unit: cells[3], key: cells[4], old: cells[5]})
	}
	return rows
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheTablesOfTheDocumentationAgreeWithTheCode(t *testing.T) {
	for name, rows := range map[string][]row{"doc.go": rowsOfDoc(t), "docs/settings.md": rowsOfPage(t)} {
		t.Run(name, func(t *testing.T) {
			var got, want []string
			for _, r := range rows {
				got = append(got, r.name)
			}
			for _, d := range definitions {
				want = append(want, d.names[0])
			}
			if !slices.Equal(got, want) {
				t.Fatalf("settings\n%q, want\n%q", got, want)
			}
			for i, r := range rows {
				d := definitions[i]
				if old := strings.Join(d.names[1:], " "); r.old != old {
					t.Errorf("%s: old name %q, want %q", r.name, r.old, old)
				}
				if name != "doc.go" && r.key != d.key {
					t.Errorf("%s: key %q, want %q", r.name, r.key, d.key)
				}
				checkDefault(t, r, i)
				checkUnit(t, r, i)
			}
		})
	}
}

// checkDefault sets a setting to the default that the table gives, and expects
// no change.
func checkDefault(t *testing.T, r row, i int) {
	t.Helper()
	opts := []Option{WithoutFiles(), WithEnvironment([]string{"HOME=/home/me", "USERPROFILE=/home/me"})}
	want, err := Explain(opts...)
	if err != nil {
		t.Fatal(err)
	}
	switch r.deflt {
	case "derived":
		return
	case "unset":
		if v := want.Settings[i].Value; v != "" {
			t.Errorf("%s: default %q, but the table says unset", r.name, v)
		}
		return
	}
	got, err := Explain(append(opts, WithValue(r.name, r.deflt))...)
	if err != nil {
		t.Errorf("%s: its default is refused: %v", r.name, err)
	}
	if got.Settings[i].Value != want.Settings[i].Value {
		t.Errorf("%s: default %q, but the table says %q", r.name, want.Settings[i].Value, got.Settings[i].Value)
	}
}

// checkUnit sets a setting to 7, and looks for the unit in what is shown.
func checkUnit(t *testing.T, r row, i int) {
	t.Helper()
	e, _ := Explain(WithoutFiles(), WithEnvironment(nil), WithValue(r.name, "7"))
	want := "7"
	switch {
	case r.unit == "seconds":
		want = "7s"
	case r.unit != "":
		want = "7 " + r.unit
	case strings.HasPrefix(e.Settings[i].Mark, "refused"), strings.HasSuffix(r.name, "URL"), e.Settings[i].Value == mask:
		return
	}
	if got := e.Settings[i].Value; got != want {
		t.Errorf("%s = 7 is shown as %q; by the table it has the unit %q", r.name, got, r.unit)
	}
}
