// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/mapping"
)

// deliberate are the ways in which records differ from what Prefect's own
// handlers send, as docs/mapping.md names them.
var deliberate = []string{
	"a flow run id that is none", "a task run id that is none", "opting out", "levels that no page paints",
	"a logger without a name", "unsafe text", "an exception without a message", "too long",
}

// page is docs/mapping.md.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section returns what stands under a heading of the page, up to the next one of
// the same level or above.
func section(t *testing.T, heading string) string {
	t.Helper()
	marks, _, _ := strings.Cut(heading, " ")
	_, after, found := strings.Cut(page(t), "\n"+heading+"\n")
	if !found {
		t.Fatalf("docs/mapping.md has no heading %q", heading)
	}
	for i := range len(after) {
		if i > 0 && after[i-1] != '\n' {
			continue
		}
		level, _, ok := strings.Cut(after[i:], " ")
		if ok && level != "" && len(level) <= len(marks) && strings.Trim(level, "#") == "" {
			return after[:i]
		}
	}
	return after
}

// rows returns the cells of the tables in a text, without their heads.
func rows(text string) (all [][]string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.ReplaceAll(strings.TrimSpace(cell), "`", ""))
		}
		all = append(all, cells)
	}
	if len(all) < 3 {
		return nil
	}
	return all[2:]
}

func column(rows [][]string, i int) (cells []string) {
	for _, row := range rows {
		cells = append(cells, row[i])
	}
	return cells
}

// block returns the first fenced block of a text.
func block(text string) string {
	_, after, _ := strings.Cut(text, "```\n")
	inside, _, _ := strings.Cut(after, "```")
	return strings.TrimSuffix(inside, "\n")
}

var meaningNames = map[mapping.Meaning]string{
	mapping.FlowRunID: "flow run", mapping.TaskRunID: "task run", mapping.TypedID: "run of the kind that prefect.run.type tells", mapping.RunType: "flow or task",
	mapping.Level: "level", mapping.Logger: "logger", mapping.SendToAPI: "opt-out", mapping.ExceptionType: "exception", mapping.ExceptionMessage: "exception",
	mapping.ExceptionStacktrace: "exception", mapping.ServiceName: "logger, on resources",
	mapping.RunName: "name of a run, left out of messages beside its id",
}

func TestThePageHasTheKeysOfTheCode(t *testing.T) {
	var want [][]string
	for _, key := range mapping.DefaultKeys() {
		want = append(want, []string{key.Name, meaningNames[key.Meaning]})
	}
	for _, key := range mapping.DefaultKeys().WithCICD()[len(want):] {
		want = append(want, []string{key.Name, meaningNames[key.Meaning] + ", when switched on"})
	}
	if diff := cmp.Diff(want, rows(section(t, "## Keys"))); diff != "" {
		t.Errorf("(-code +page):\n%s", diff)
	}
}

func TestThePageHasTheLevelsOfTheCode(t *testing.T) {
	table := rows(section(t, "### Severity numbers"))
	if len(table) != 25 {
		t.Fatalf("%d rows", len(table))
	}
	for severity, row := range table {
		if want := []string{strconv.Itoa(severity), strconv.Itoa(mapping.LevelOf(severity, ""))}; row[0] != want[0] || row[2] != want[1] {
			t.Errorf("row %q, want %q", row, want)
		}
	}
	names := rows(section(t, "### Severity texts"))
	if len(names) < 6 {
		t.Errorf("%d rows of names", len(names))
	}
	for _, row := range names {
		for name := range strings.SplitSeq(row[0], ", ") {
			if level := strconv.Itoa(mapping.LevelOf(0, name)); level != row[1] {
				t.Errorf("%s is %s, the page says %s", name, level, row[1])
			}
		}
	}
}

func TestThePageHasTheDenyListOfTheCode(t *testing.T) {
	if diff := cmp.Diff(mapping.DefaultDeny(), strings.Fields(block(section(t, "### Names that are denied")))); diff != "" {
		t.Errorf("(-code +page):\n%s", diff)
	}
}

func TestThePageHasTheBoundsOfTheCode(t *testing.T) {
	want := map[string]int{"MinLimit": mapping.MinLimit, "CloudLimit": mapping.CloudLimit, "MaxParts": mapping.MaxParts, "MaxAttributes": mapping.MaxAttributes}
	for _, row := range rows(section(t, "### Bounds")) {
		if got := strings.ReplaceAll(row[1], ",", ""); got != strconv.Itoa(want[row[0]]) {
			t.Errorf("%s is %d, the page says %s", row[0], want[row[0]], got)
		}
		delete(want, row[0])
	}
	if len(want) > 0 {
		t.Errorf("the page lacks %v", want)
	}
}

func TestThePageHasTheDifferencesThatTheOracleMeets(t *testing.T) {
	if diff := cmp.Diff(deliberate, column(rows(section(t, "## Where this differs from Prefect's own client")), 0)); diff != "" {
		t.Errorf("(-tests +page):\n%s", diff)
	}
}

// sample is the record of the page's samples.
func sample() mapping.Entry {
	return mapping.Entry{
		Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), Severity: 17, SeverityText: "ERROR", ScopeName: "shop.orders",
		Body: attribute.StringValue("order refused"),
		Attributes: []attribute.KeyValue{
			attribute.Int("order", 1234), attribute.String("customer", "Müller & Söhne"),
			{Key: "http", Value: attribute.MapValue(attribute.Bool("cached", false), attribute.Int("status", 502))},
			attribute.String("password", "hunter2"),
			attribute.String("exception.type", "*net.OpError"), attribute.String("exception.message", "connection refused"),
			attribute.String("exception.stacktrace", "main.charge()\n\t/src/charge.go:31\nmain.main()\n\t/src/main.go:12\n"),
		},
	}
}

func TestTheSamplesOfThePageAreWhatTheCodeMakes(t *testing.T) {
	for _, format := range []mapping.Format{mapping.FormatText, mapping.FormatMessage, mapping.FormatDefault, mapping.FormatPretty} {
		config := inRun
		config.Format = format
		if diff := cmp.Diff(encode(t, config, sample(), noLimit).Message, block(section(t, fmt.Sprintf("### `%s`", format)))); diff != "" {
			t.Errorf("%s (-code +page):\n%s", format, diff)
		}
	}
	e := sample()
	line, _, err := newEncoder(t, inRun).Append(nil, &e, noLimit)
	if diff := cmp.Diff(string(line), block(section(t, "## The line"))); err != nil || diff != "" {
		t.Errorf("%v (-code +page):\n%s", err, diff)
	}
}

func TestThePackageCommentHasTheKeysAndLevelsOfTheCode(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	comment := string(text)
	for _, key := range mapping.DefaultKeys() {
		if !strings.Contains(comment, " "+key.Name) {
			t.Errorf("the package comment lacks %s", key.Name)
		}
	}
	for severity := 5; severity < 25; severity += 4 {
		levels := fmt.Sprintf("%d, %d, %d, %d", mapping.LevelOf(severity, ""), mapping.LevelOf(severity+1, ""), mapping.LevelOf(severity+2, ""), mapping.LevelOf(severity+3, ""))
		if !strings.Contains(comment, levels) {
			t.Errorf("the package comment lacks %s", levels)
		}
	}
}
