// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The files *_repo_test.go hold the rules of the repository's layout as tests: who may import what
// (imports), how packages are documented and what they never do (packages), what their comments name (options) and what they
// show (examples), how errors read (errors), how modules belong together (modules), that what documents show compiles
// (markdown) and that what they name is there: packages and files (design), settings (settings), tests (python_to_go),
// messages, figures and the stability of packages (readme), what has changed (changelog). Tables are checked by the package
// that they speak of. Here are the rules for single files, and the files.

// repoFile is a file of the repository, of any module.
type repoFile struct {
	path string // slash-separated, from the root
	text []byte

	// Go files only.
	syntax *ast.File
	fset   *token.FileSet
}

func (f repoFile) dir() string     { return path.Dir(f.path) }
func (f repoFile) isGo() bool      { return f.syntax != nil }
func (f repoFile) isTest() bool    { return strings.HasSuffix(f.path, "_test.go") }
func (f repoFile) isProgram() bool { return f.isGo() && f.syntax.Name.Name == "main" }

func (f repoFile) line(node ast.Node) int { return f.fset.Position(node.Pos()).Line }

// repoFiles gives all files that belong to the repository. Test data is among them, but not as Go.
func repoFiles(t *testing.T) []repoFile {
	t.Helper()
	files, err := readRepo()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func goFiles(t *testing.T) []repoFile {
	t.Helper()
	return slices.DeleteFunc(slices.Clone(repoFiles(t)), func(f repoFile) bool { return !f.isGo() })
}

var readRepo = sync.OnceValues(func() (files []repoFile, err error) {
	root := os.DirFS(".")
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if ignoredFolder(name) {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() || slices.Contains([]string{".test", ".out", ".prof"}, path.Ext(name)) {
			return nil
		}
		f := repoFile{path: name, fset: token.NewFileSet()}
		if f.text, err = fs.ReadFile(root, name); err != nil {
			return err
		}
		if path.Ext(name) == ".go" && !strings.Contains(name, "testdata/") {
			if f.syntax, err = parser.ParseFile(f.fset, name, f.text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
				return err
			}
		}
		files = append(files, f)
		return nil
	})
	return files, err
})

// ignoredFolder is what .gitignore leaves out, and Git's own.
func ignoredFolder(name string) bool {
	base := path.Base(name)
	return base == "build" || strings.HasPrefix(base, ".") && base != "." && base != ".ci"
}

func TestEveryGoFileBeginsWithItsLicence(t *testing.T) {
	const header = "// SPDX-FileCopyrightText: The prefectlogs authors\n// SPDX-License-Identifier: Apache-2.0\n\n"
	for _, f := range goFiles(t) {
		if !bytes.HasPrefix(f.text, []byte(header)) {
			t.Errorf("%s does not begin with the two SPDX lines and an empty one", f.path)
		}
	}
}

func TestFilesCanBeReadInOneSitting(t *testing.T) {
	const most = 500 // lines; aim at 400
	for _, f := range repoFiles(t) {
		readable := f.isGo() || f.path == "Makefile" || slices.Contains([]string{".md", ".py"}, path.Ext(f.path))
		if lines := bytes.Count(f.text, []byte("\n")); readable && lines > most {
			t.Errorf("%s has %d lines, at most %d are wanted: split it by concept", f.path, lines, most)
		}
	}
}

func TestNothingNamesTheMachineItWasMadeOn(t *testing.T) {
	// In pieces, so that this file does not name them either.
	private := regexp.MustCompile(`(^|[\s"'(=:` + "`" + `])(/wo` + `rk\b|/ro` + `ot\b|\.\./sha` + `red\b)`)
	for _, f := range repoFiles(t) {
		if bytes.IndexByte(f.text, 0) >= 0 {
			continue // no text
		}
		number := 0
		for line := range bytes.Lines(f.text) {
			number++
			if private.Match(line) {
				t.Errorf("%s:%d names a path of one machine: %s", f.path, number, bytes.TrimSpace(line))
			}
		}
	}
}

// realSleeps are the tests that wait by the clock, and why they must.
var realSleeps = map[string]string{ // path: function
	"prefecttest/contract_connection_test.go: TestContractCommitsAfterTheClientLeft": "a real server commits when it will, and says so to nobody",
}

func TestTestsDoNotSleepByTheClock(t *testing.T) {
	used := map[string]bool{}
	for _, f := range goFiles(t) {
		if !f.isTest() {
			continue
		}
		for _, declaration := range f.syntax.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := f.path + ": " + function.Name.Name
			ast.Inspect(function, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok {
					return true
				}
				switch f.called(call) {
				case "testing/synctest.Test":
					return false // where time is not the clock's
				case "time.Sleep":
					used[name] = true
					if realSleeps[name] == "" {
						t.Errorf("%s:%d sleeps by the clock: use testing/synctest", f.path, f.line(call))
					}
				}
				return true
			})
		}
	}
	for name := range realSleeps {
		if !used[name] {
			t.Errorf("realSleeps lists %s, which does not sleep", name)
		}
	}
}

// The race detector makes pools forget, so that what allocates nothing allocates.
func TestNoAllocationsAreOnlyExpectedWithoutTheRaceDetector(t *testing.T) {
	for _, f := range goFiles(t) {
		if bytes.Contains(f.text, []byte("\n//go:build !race\n")) {
			continue
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			statement, ok := node.(*ast.IfStmt)
			if !ok || statement.Init == nil {
				return true
			}
			comparison, ok := statement.Cond.(*ast.BinaryExpr)
			if !ok || comparison.Op != token.NEQ {
				return true
			}
			ast.Inspect(statement.Init, func(node ast.Node) bool {
				if call, ok := node.(*ast.CallExpr); ok && f.called(call) == "testing.AllocsPerRun" {
					t.Errorf("%s:%d expects no allocation: move it to a file for !race", f.path, f.line(call))
				}
				return true
			})
			return true
		})
	}
}

// called names the function of a package that a call is to: "time.Sleep", "panic" for a builtin, "" for a method.
func (f repoFile) called(call *ast.CallExpr) string {
	switch function := call.Fun.(type) {
	case *ast.Ident:
		return function.Name
	case *ast.SelectorExpr:
		if qualifier, ok := function.X.(*ast.Ident); ok {
			if imported, ok := f.importNamed(qualifier.Name); ok {
				return imported + "." + function.Sel.Name
			}
		}
	}
	return ""
}

// imports gives the paths of all packages that a file imports.
func (f repoFile) imports() (paths []string) {
	for _, spec := range f.syntax.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

// importNamed gives the path that a file imports by a name. The last element of a path stands for the name that the
// package gives itself, which holds for those that the tests ask for.
func (f repoFile) importNamed(name string) (imported string, ok bool) {
	for i, imported := range f.imports() {
		given := path.Base(imported)
		if spec := f.syntax.Imports[i]; spec.Name != nil {
			given = spec.Name.Name
		}
		if given == name {
			return imported, true
		}
	}
	return "", false
}
