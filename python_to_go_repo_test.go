// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
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

// hasTest reports whether a package has a test, and the test itself a case of that name, if
// one is given.
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
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == test {
				return within == "" || hasCase(f, within)
			}
		}
	}
	return false
}

// hasCase reports whether a test names a case: by the key of a table, by a field called
// name, or by t.Run.
func hasCase(f *ast.FuncDecl, name string) (found bool) {
	is := func(e ast.Expr) bool {
		text, ok := e.(*ast.BasicLit)
		return ok && text.Kind == token.STRING && text.Value == strconv.Quote(name)
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			field, isField := n.Key.(*ast.Ident)
			found = found || is(n.Key) || isField && field.Name == "name" && is(n.Value)
		case *ast.CallExpr:
			called, ok := n.Fun.(*ast.SelectorExpr)
			found = found || ok && called.Sel.Name == "Run" && len(n.Args) == 2 && is(n.Args[0])
		}
		return !found
	})
	return found
}

func TestACaseIsLookedForWithinItsTestAlone(t *testing.T) {
	for within, want := range map[string]bool{
		"":                                 true,
		"a task alone makes no run":        true,
		"placeholders of Python's loggers": true,
		"prefect.run.id":                   false, // a text of that test, and no case
		"hello a=b n=-3 ok=true":           false,
	} {
		if got := hasTest(t, "mapping", "TestRunComesFromTheFirstSourceThatNamesOne", within); got != want {
			t.Errorf("case %q: %v", within, got)
		}
	}
	if hasTest(t, "mapping", "TestTimestamp", "a task alone makes no run") {
		t.Error("the case of another test of that file is taken for one of TestTimestamp")
	}
}
