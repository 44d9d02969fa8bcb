// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// proofs say by which test each program is run, and that all of them end on a server: one in memory here, real ones elsewhere.
var proofs = map[string][]proof{
	"quickstart/main.go": {{"quickstart/quickstart_test.go", "TestQuickstartReadsEverythingBackFromRealServers"}},
	"slog/main.go":       {onItsPage, onARealPage},
	"zap/main.go":        {onItsPage, onARealPage},
	"logr/main.go":       {onItsPage, onARealPage},
	"exporter/main.go":   {onItsPage, onARealPage},
	"spans/main.go":      {onItsPage, fromPythonToServices},
	"otlp/main.go":       {onItsPage, {"../internal/e2e/runs_bridges_test.go", "TestPrefectIsAddedToOTLP"}},
	"worker/main.go":     {onItsPage, fromPython},
	"worker/flow.py":     {fromPython},
	"http/packer/main.go": {
		{"examples_test.go", "TestTheServicesLogIntoTheRunOfTheirCaller"}, fromPythonToServices,
	},
	"http/stock/main.go": {{"examples_test.go", "TestTheServicesLogIntoTheRunOfTheirCaller"}, fromPythonToServices},
	"http/jobs/main.go":  {{"examples_test.go", "TestTheServicesLogIntoTheRunOfTheirCaller"}, fromPythonToServices},
	"http/flow.py":       {fromPythonToServices},
	"longjob/main.go": {
		{"longjob/longjob_test.go", "TestATermSignalEndsTheJobWithAllItsLinesStored"},
		{"longjob/longjob_test.go", "TestAJobThatIsKilledLosesNoLine"},
		{"quickstart/quickstart_test.go", "TestWhatAProgramThatWasKilledHasLoggedIsReadBack"},
	},
	"correlation/main.go":         {{"../collector-component/internal/e2e/correlation_test.go", "TestTheExampleOfCorrelationRuns"}},
	"correlation/service/main.go": {underTheTaskRun},
	"correlation/flow.py":         {underTheTaskRun},
}

// proof is a test, by the file that it stands in.
type proof struct{ file, test string }

var (
	onItsPage            = proof{"examples_test.go", "TestEachExampleEndsOnItsRunsPage"}
	onARealPage          = proof{"../internal/e2e/runs_bridges_test.go", "TestEveryBridgeEndsOnTheRunsPage"}
	fromPython           = proof{"../internal/e2e/flow_test.go", "TestAFlowThatIsCalledPassesItsRunOn"}
	fromPythonToServices = proof{"../internal/e2e/runs_test.go", "TestARunGoesFromAFlowThroughAProgramToAService"}
	underTheTaskRun      = proof{"../collector-component/internal/e2e/correlation_test.go", "TestAServicesLinesStandUnderTheTaskRunThatCalledIt"}
)

// programs are the files that a reader copies.
func programs(t *testing.T) (found []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name == "internal" {
			return fs.SkipDir
		}
		base := path.Base(name)
		if slices.Contains([]string{".go", ".py"}, path.Ext(base)) && !strings.HasSuffix(base, "_test.go") {
			found = append(found, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEveryProgramIsOneFileOfAtMostSixtyLines(t *testing.T) {
	const most = 60
	for _, name := range programs(t) {
		if base := path.Base(name); base != "main.go" && base != "flow.py" {
			t.Errorf("%s is a second file of an example, want main.go or flow.py alone; what is no part of it stands in internal/demo", name)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(text, []byte("\n")); lines > most {
			t.Errorf("%s has %d lines, at most %d are wanted", name, lines, most)
		}
	}
}

func TestEveryProgramSaysHowItIsRunAndWhatToExpect(t *testing.T) {
	head := regexp.MustCompile(`(?s)^(//|#) SPDX.*?\n\n(//|""")(.*?)(package main|import )`)
	for _, name := range programs(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found := head.FindSubmatch(text)
		if found == nil {
			t.Errorf("%s does not begin with what it shows", name)
			continue
		}
		runs := regexp.MustCompile(`go run \./` + regexp.QuoteMeta(path.Dir(name)) + `\b|go run \./correlation|python flow\.py`)
		if !runs.Match(found[3]) {
			t.Errorf("%s does not say at its head how it is run", name)
		}
		if path.Base(name) == "main.go" && !bytes.Contains(found[3], []byte("Expect")) {
			t.Errorf("%s does not say at its head what to expect", name)
		}
	}
}

func TestEveryProgramIsRunByATestThatEndsOnAServer(t *testing.T) {
	found := programs(t)
	for _, name := range found {
		if len(proofs[name]) == 0 {
			t.Errorf("no test is named that runs %s", name)
		}
	}
	for name, tests := range proofs {
		if !slices.Contains(found, name) {
			t.Errorf("the table of proofs has a row for %s, which is not there", name)
		}
		folder := path.Base(path.Dir(name))
		for _, p := range tests {
			text, err := os.ReadFile(p.file)
			if err != nil {
				t.Error(err)
				continue
			}
			if !bytes.Contains(text, []byte("func "+p.test+"(")) {
				t.Errorf("%s is run by %s, which is not in %s", name, p.test, p.file)
			}
			if !strings.Contains(path.Dir(p.file)+testsBeside(t, p.file), folder) {
				t.Errorf("%s is run by a test of %s, whose package does not know it", name, p.file)
			}
		}
	}
}

// testsBeside is the text of all test files in the folder of one, but for this one.
func testsBeside(t *testing.T, file string) (text string) {
	t.Helper()
	beside, err := filepath.Glob(path.Dir(file) + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range beside {
		if name == "programs_test.go" {
			continue
		}
		one, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text += string(one)
	}
	return text
}

func TestTheTableOfTheReadmeHasEveryProgram(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range programs(t) {
		if !bytes.Contains(readme, []byte("("+name+")")) {
			t.Errorf("README.md has no link to %s", name)
		}
	}
}
