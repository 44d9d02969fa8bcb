// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/run"
)

const unknownRun = "11111111-2222-3333-4444-555555555555"

// execute runs the command with no setting but the given ones.
func execute(t *testing.T, apiURL string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("PREFECT_HOME", t.TempDir())
	t.Setenv("PREFECT_API_URL", apiURL)
	t.Setenv(run.FlowRunIDVariable, "")
	t.Setenv(run.TaskRunIDVariable, "")
	var out, errs strings.Builder
	code = command(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestExitStatusAndOutput(t *testing.T) {
	server := prefecttest.NewServer(t, prefecttest.WithLoopback())
	flowRun, err := server.API().CreateFlowRun(t.Context(), "flow", "")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		args   []string
		code   int
		stdout string // within it; "": nothing is printed there
		stderr string
	}{
		{"all is well", []string{"check", "-flow-run", flowRun.ID}, 0, "written into the run and read back", ""},
		{"nothing is written", []string{"check", "-no-write", "--flow-run=" + flowRun.ID}, 0, "nothing is written, as was asked for", ""},
		{"a warning", []string{"check"}, 0, "no run is known here", ""},
		{"a run that is not there", []string{"check", "-flow-run", unknownRun}, 1, "does not know flow run", ""},
		{"an id that is none", []string{"check", "-task-run", "4711"}, 1, "the task run that was given is not a UUID", ""},
		{"too little time", []string{"check", "-timeout", "1ns"}, 1, "the check took longer than 1ns", ""},
		{"no time", []string{"check", "-timeout", "0s"}, 2, "", "it must be positive"},
		{"a flag that is none", []string{"check", "-colour"}, 2, "", "-colour"},
		{"an argument", []string{"check", "all"}, 2, "", `"all"`},
		{"another command", []string{"mend"}, 2, "", `no command "mend"`},
		{"nothing", nil, 2, "", "usage: prefectlogs check"},
		{"help", []string{"help"}, 0, "usage: prefectlogs check", ""},
		{"help of check", []string{"check", "-h"}, 0, "-no-write", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := execute(t, server.URL(), tt.args...)
			if code != tt.code {
				t.Errorf("exit status %d, want %d", code, tt.code)
			}
			for _, printed := range []struct{ got, want string }{{stdout, tt.stdout}, {stderr, tt.stderr}} {
				if !strings.Contains(printed.got, printed.want) || (printed.got != "") != (printed.want != "") {
					t.Errorf("printed %q, want %q", printed.got, printed.want)
				}
			}
		})
	}
}

func TestJSONHasEveryStep(t *testing.T) {
	code, stdout, _ := execute(t, "http://127.0.0.1:1/api", "check", "-json")
	var report struct {
		Steps []struct{ Name, Status, Found, Fix string }
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	var statuses []string
	for _, s := range report.Steps {
		if s.Name == "tcp" && !strings.Contains(s.Found, "connection refused") {
			t.Errorf("step tcp: %+v", s)
		}
		statuses = append(statuses, s.Name+" "+s.Status)
	}
	got := strings.Join(statuses, ", ")
	if want := "settings ok, logging ok, run-id warn, url ok, client ok, proxy ok, dns skipped, tcp fail, tls skipped"; code != 1 || !strings.HasPrefix(got, want) {
		t.Errorf("exit status %d, steps %s", code, got)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestReportThatCannotBePrintedIsAFailure(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PREFECT_HOME", t.TempDir())
	var errs strings.Builder
	if code := command(t.Context(), []string{"check"}, broken{}, &errs); code != 1 || !strings.Contains(errs.String(), "broken pipe") {
		t.Errorf("exit status %d, %q", code, errs.String())
	}
}

func TestTheDocumentShowsEveryFlag(t *testing.T) {
	text, err := os.ReadFile("../../docs/check.md")
	if err != nil {
		t.Fatal(err)
	}
	new(check).flags().VisitAll(func(f *flag.Flag) {
		if !strings.Contains(string(text), "prefectlogs check -"+f.Name) {
			t.Errorf("docs/check.md does not show prefectlogs check -%s", f.Name)
		}
	})
}
