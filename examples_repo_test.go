// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"go/ast"
	"go/doc"
	"path"
	"regexp"
	"strings"
	"testing"
)

// publicPackages gives the Go files of the packages of this module that users can import, by folder, tests too.
func publicPackages(t *testing.T) map[string][]repoFile {
	t.Helper()
	modules := repoModules(t)
	packages := map[string][]repoFile{}
	for _, f := range goFiles(t) {
		if moduleOf(modules, f.path) == "." && !f.isProgram() && !strings.Contains("/"+f.path, "/internal/") {
			packages[f.dir()] = append(packages[f.dir()], f)
		}
	}
	if len(packages) < 10 {
		t.Fatalf("there are %d public packages; they are not found as they should be", len(packages))
	}
	return packages
}

func TestEveryPublicPackageHasAnExampleWithCheckedOutput(t *testing.T) {
	for dir, files := range publicPackages(t) {
		checked := 0
		for _, f := range files {
			if !f.isTest() {
				continue
			}
			for _, example := range doc.Examples(f.syntax) {
				if path.Base(f.path) != "example_test.go" {
					t.Errorf("%s has the example %s: examples are documentation and stand in example_test.go", f.path, example.Name)
				}
				if example.Doc == "" && example.Name != "" {
					t.Errorf("%s: the example %s does not say what it shows", f.path, example.Name)
				}
				if example.Output != "" {
					checked++
				}
			}
		}
		if checked == 0 {
			t.Errorf("%s has no example whose output is checked", dir)
		}
	}
}

// entryPoint is how a package comment names where to begin.
var entryPoint = regexp.MustCompile(`\b[Ee]ntry\s+points?\s+(?:is|are)\s+\[\*?([A-Za-z.]+)\]`)

func TestEveryPublicPackageNamesItsEntryPointAsALink(t *testing.T) {
	for dir, files := range publicPackages(t) {
		exported := exportedNames(files)
		for _, f := range files {
			if path.Base(f.path) != "doc.go" {
				continue
			}
			comment := f.syntax.Doc.Text()
			found := entryPoint.FindStringSubmatch(comment)
			if found == nil {
				t.Errorf("%s does not say where to begin, as \"The entry point is [New].\"", f.path)
				continue
			}
			for _, link := range regexp.MustCompile(`\[\*?([A-Z][A-Za-z]*(?:\.[A-Z][A-Za-z]*)?)\]`).FindAllStringSubmatch(comment, -1) {
				if !exported[link[1]] {
					t.Errorf("%s links [%s], which %s does not have", f.path, link[1], dir)
				}
			}
		}
	}
}

// exportedNames are the names that a package exports: functions, types, constants, variables, and methods and fields as
// Type.Name.
func exportedNames(files []repoFile) map[string]bool {
	names := map[string]bool{}
	for _, f := range files {
		if f.isTest() {
			continue
		}
		for _, declaration := range f.syntax.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				names[receiver(d)+d.Name.Name] = ast.IsExported(d.Name.Name)
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						names[s.Name.Name] = ast.IsExported(s.Name.Name)
						for _, member := range members(s.Type) {
							for _, name := range member.Names {
								names[s.Name.Name+"."+name.Name] = name.IsExported()
							}
						}
					case *ast.ValueSpec:
						for _, name := range s.Names {
							names[name.Name] = name.IsExported()
						}
					}
				}
			}
		}
	}
	return names
}

// members are the fields of a structure and the methods of an interface.
func members(kind ast.Expr) []*ast.Field {
	switch kind := kind.(type) {
	case *ast.StructType:
		return kind.Fields.List
	case *ast.InterfaceType:
		return kind.Methods.List
	}
	return nil
}

// receiver gives the type of a method with a dot behind it, "" for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	kind := f.Recv.List[0].Type
	if pointer, ok := kind.(*ast.StarExpr); ok {
		kind = pointer.X
	}
	if name, ok := kind.(*ast.Ident); ok {
		return name.Name + "."
	}
	return "?."
}
