// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryReleaseHasALockFileThatPinsAllWithHashes(t *testing.T) {
	files, err := requirements.ReadDir("requirements")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(releases) {
		t.Errorf("%d lock files for %d releases", len(files), len(releases))
	}
	pin := regexp.MustCompile(`^[a-z0-9-]+==\S+( ; [^\\]+)? \\$`)
	for _, r := range releases {
		t.Run(r.exact, func(t *testing.T) {
			lock, err := r.lock()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(lock), "\nprefect=="+r.exact+" \\\n    --hash=sha256:") {
				t.Errorf("the lock file does not pin prefect==%s", r.exact)
			}
			// PostgreSQL rows need it.
			if !strings.Contains(string(lock), "\nasyncpg==") {
				t.Error("the lock file has no asyncpg")
			}
			for line := range strings.Lines(string(lock)) {
				line = strings.TrimSuffix(line, "\n")
				comment, hash := strings.HasPrefix(line, "#"), strings.HasPrefix(line, "    --hash=sha256:")
				if !comment && !hash && !pin.MatchString(line) {
					t.Errorf("neither a pinned package nor its hash: %q", line)
				}
			}
		})
	}
}

func TestEveryRowHasItsOwnNameAReleaseAndALineInTheDoc(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, row := range append(Rows(), Prefect38UI) {
		name := row.String()
		if seen[name] {
			t.Errorf("two rows are called %s", name)
		}
		seen[name] = true
		if got, err := ParseRow(name); row != Prefect38UI && (err != nil || got != row) {
			t.Errorf("ParseRow(%q) is %v, %v", name, got, err)
		}
		r, err := row.check()
		if err != nil {
			t.Error(err)
		}
		line := regexp.MustCompile(`(?m)^//\t` + regexp.QuoteMeta(name) + ` +Prefect ` + regexp.QuoteMeta(r.exact) + `\b`)
		if !line.Match(doc) {
			t.Errorf("doc.go has no line %q", line)
		}
	}
}

func TestARowThatCannotBeIsAnErrorThatSaysWhy(t *testing.T) {
	tests := []struct {
		name string
		row  Row
		want string
	}{
		{"a version that is not in the table", Row{Version: "1.4", Database: SQLite}, `no Prefect version "1.4"`},
		{"an auth string before there was one", Row{Version: Prefect220, Database: SQLite, AuthString: "a:b"}, "2.20.26 has no auth string"},
		{"CSRF before there was any", Row{Version: Prefect27, Database: SQLite, CSRF: true}, "2.7.0 has no CSRF"},
		{"a user interface that is not served", Row{Version: Prefect220, Database: SQLite, UI: true}, "2.20.26 is tested without its user interface"},
		{"a database that is not in the table", Row{Version: Prefect38, Database: "oracle"}, `no database "oracle"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Start(t.Context(), test.row)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
	if _, err := ParseRow("3.8"); err == nil || !strings.Contains(err.Error(), "3.8-sqlite") {
		t.Errorf("ParseRow gave %v, want an error that lists the rows", err)
	}
}

func TestSharedServersAreWhatWasDescribed(t *testing.T) {
	s := &Server{row: Prefect38Secured, port: 4200, python: "/env/bin/python", home: "/home"}
	text, err := Describe([]*Server{s})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(SharedVariable, text)
	shared, err := Shared()
	if err != nil {
		t.Fatal(err)
	}
	got, ok := shared[Prefect38Secured]
	if !ok || len(shared) != 1 {
		t.Fatalf("got %v, want one server for %s", shared, Prefect38Secured)
	}
	facts := func(s *Server) []string { return append([]string{s.APIURL(), s.Python(), s.Home()}, s.Env()...) }
	if diff := cmp.Diff(facts(s), facts(got)); diff != "" {
		t.Errorf("the server described and the one found differ:\n%s", diff)
	}
	if err := got.Kill(); err == nil {
		t.Error("a test could kill a server that others share")
	}

	for _, text := range []string{"{", `[{"row":{"version":"1"}}]`, `[{"row":{"version":"3.8"},"apiURL":"http://prefect.example/api"}]`} {
		t.Setenv(SharedVariable, text)
		if _, err := Shared(); err == nil || !strings.Contains(err.Error(), SharedVariable) {
			t.Errorf("%s: got %v, want an error that names the variable", text, err)
		}
	}
}
