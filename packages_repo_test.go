// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// repoPackages gives the Go files of each folder that are no tests.
func repoPackages(t *testing.T) map[string][]repoFile {
	t.Helper()
	packages := map[string][]repoFile{}
	for _, f := range goFiles(t) {
		if !f.isTest() {
			packages[f.dir()] = append(packages[f.dir()], f)
		}
	}
	return packages
}

func TestEveryPackageIsDocumentedOnceInDocGo(t *testing.T) {
	for dir, files := range repoPackages(t) {
		var documented []string
		for _, f := range files {
			if f.syntax.Doc == nil {
				continue
			}
			documented = append(documented, path.Base(f.path))
			begins := "Package " + f.syntax.Name.Name + " "
			if f.isProgram() {
				begins = "Command " + path.Base(dir) + " "
			}
			text := f.syntax.Doc.Text()
			if name := path.Base(dir); f.isProgram() && strings.HasPrefix(text, strings.ToUpper(name[:1])+name[1:]+" ") {
				continue // a program may also begin with its name
			}
			if !strings.HasPrefix(text, begins) {
				t.Errorf("%s: the package comment does not begin with %q", f.path, begins)
			}
		}
		// A program, or an internal package of one file, needs no file for its comment.
		want := "doc.go"
		if files[0].isProgram() {
			want = "main.go"
		} else if len(files) == 1 && strings.HasPrefix(dir, "internal/") {
			want = path.Base(files[0].path)
		}
		if !slices.Equal(documented, []string{want}) {
			t.Errorf("%s has package comments in %q, want one, in %s", dir, documented, want)
		}
	}
}

func TestProductionPackagesDoNotImportTesting(t *testing.T) {
	exceptions := map[string]string{
		"internal/servers/serverstest": "it is the part of the harness that takes a testing.TB",
	}
	for dir, files := range repoPackages(t) {
		if exceptions[dir] != "" {
			continue
		}
		for _, f := range files {
			for _, imported := range f.imports() {
				if imported == "testing" || strings.HasPrefix(imported, "testing/") || imported == "net/http/httptest" {
					t.Errorf("%s imports %s, which brings the flags of go test into programs", f.path, imported)
				}
			}
		}
	}
}

// Calls that would harm the program being logged, or hang it.
var harmful = map[string]string{
	"panic":                "a package returns errors",
	"log.Fatal":            "a package returns errors",
	"log.Fatalf":           "a package returns errors",
	"log.Fatalln":          "a package returns errors",
	"log.Panic":            "a package returns errors",
	"log.Panicf":           "a package returns errors",
	"os.Exit":              "only a program exits",
	"os/signal.Notify":     "signals are the program's",
	"os/signal.Ignore":     "signals are the program's",
	"log.Print":            "the standard logger may lead back to us",
	"log.Printf":           "the standard logger may lead back to us",
	"log.Println":          "the standard logger may lead back to us",
	"log/slog.Default":     "the standard logger may lead back to us",
	"log/slog.Debug":       "the standard logger may lead back to us",
	"log/slog.Info":        "the standard logger may lead back to us",
	"log/slog.Warn":        "the standard logger may lead back to us",
	"log/slog.Error":       "the standard logger may lead back to us",
	"log/slog.SetDefault":  "globals are the program's",
	"log/slog.Log":         "the standard logger may lead back to us",
	"log.Default":          "the standard logger may lead back to us",
	otelModule + ".Handle": "OpenTelemetry's error handler leads to package log, and from there to us",
}

// harmfulByRequest are the calls that a function makes because that is what its caller asks for.
var harmfulByRequest = map[string]bool{
	"exit.go: panic":   true, // Pipeline.Recover lets a panic go on
	"exit.go: os.Exit": true, // Pipeline.Exit
}

const otelModule = "go.opentelemetry.io/otel"

func TestPackagesDoNotHarmTheProgramBeingLogged(t *testing.T) {
	for _, files := range repoPackages(t) {
		for _, f := range files {
			if f.isProgram() {
				continue
			}
			ast.Inspect(f.syntax, func(node ast.Node) bool {
				if call, ok := node.(*ast.CallExpr); ok {
					if reason := harmful[f.called(call)]; reason != "" && !harmfulByRequest[f.path+": "+f.called(call)] {
						t.Errorf("%s:%d calls %s: %s", f.path, f.line(call), f.called(call), reason)
					}
				}
				return true
			})
		}
	}
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	for _, files := range publicPackages(t) {
		for _, f := range files {
			if f.isTest() {
				continue
			}
			undocumented := func(name *ast.Ident, docs ...*ast.CommentGroup) {
				if !name.IsExported() {
					return
				}
				for _, d := range docs {
					if d != nil {
						return
					}
				}
				t.Errorf("%s:%d: %s has no comment", f.path, f.line(name), name.Name)
			}
			for _, declaration := range f.syntax.Decls {
				switch d := declaration.(type) {
				case *ast.FuncDecl:
					if of := strings.TrimSuffix(receiver(d), "."); of == "" || ast.IsExported(of) {
						undocumented(d.Name, d.Doc)
					}
				case *ast.GenDecl:
					for _, spec := range d.Specs {
						switch s := spec.(type) {
						case *ast.TypeSpec:
							undocumented(s.Name, d.Doc, s.Doc)
						case *ast.ValueSpec:
							for _, name := range s.Names {
								undocumented(name, d.Doc, s.Doc, s.Comment)
							}
						}
					}
				}
			}
		}
	}
}
