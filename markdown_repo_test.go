// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGoBlocksOfMarkdownCompile builds every block of Go in every Markdown file with the module the file is in. A block is a
// whole file, beginning with its package clause, or some statements; see wholeFile.
func TestGoBlocksOfMarkdownCompile(t *testing.T) {
	modules := repoModules(t)
	blocks := map[string][]string{} // by folder of the module
	inReadme := 0
	for _, f := range repoFiles(t) {
		if path.Ext(f.path) != ".md" || strings.Contains(f.path, "testdata/") {
			continue
		}
		for _, block := range goBlocks(f) {
			module := moduleOf(modules, f.path)
			blocks[module] = append(blocks[module], block)
			if f.path == "README.md" {
				inReadme++
			}
		}
	}
	if inReadme == 0 {
		t.Error("README.md has no block of Go, or there is no README.md")
	}
	for module, blocks := range blocks {
		compile(t, module, blocks)
	}
}

// goBlocks gives the fenced blocks marked as go, each as a file whose lines are numbered as in the Markdown.
func goBlocks(f repoFile) (blocks []string) {
	var block *strings.Builder
	number := 0
	for line := range strings.Lines(string(f.text)) {
		number++
		switch fence := strings.TrimSpace(line); {
		case block == nil && fence == "```go":
			block = new(strings.Builder)
			fmt.Fprintf(block, "//line %s:%d\n", f.path, number+1)
		case block != nil && fence == "```":
			blocks = append(blocks, block.String())
			block = nil
		case block != nil:
			block.WriteString(line)
		}
	}
	return blocks
}

// compile builds files in a module as if each stood there in a folder of its own.
func compile(t *testing.T, module string, blocks []string) {
	t.Helper()
	temp := t.TempDir()
	overlay := map[string]string{}
	args := []string{"build", "-o", os.DevNull, "-overlay", filepath.Join(temp, "overlay.json")}
	for i, block := range blocks {
		text, err := wholeFile(block)
		if err != nil {
			t.Error(err)
			continue
		}
		file := filepath.Join(temp, fmt.Sprintf("block%d.go", i))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		folder := fmt.Sprintf("markdown_block_%d", i)
		place, err := filepath.Abs(filepath.Join(filepath.FromSlash(module), folder, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		overlay[place] = file
		args = append(args, "./"+folder)
	}
	if len(overlay) == 0 {
		return
	}
	replace, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(temp, "overlay.json"), replace, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", args...)
	build.Dir = filepath.FromSlash(module)
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("go build of the blocks: %v\n%s", err, out)
	}
}

// namedPackages are what a block of statements may use without saying where it is from.
var namedPackages = func() map[string]string {
	named := map[string]string{
		"prefectlogs": rootModule, "exporter": rootModule + "/exporter", "mapping": rootModule + "/mapping",
		"prefecttest": rootModule + "/prefecttest", "processor": rootModule + "/processor", "run": rootModule + "/run",
		"runlog": rootModule + "/runlog", "settings": rootModule + "/settings",
		"otelslog": otelSlog, "sdklog": sdkLog, "otel": otelModule, "attribute": otelModule + "/attribute",
		"otellog": otelModule + "/log", "slog": "log/slog", "http": "net/http", "exec": "os/exec",
	}
	for _, std := range []string{"context", "errors", "fmt", "log", "os", "time", "testing"} {
		named[std] = std
	}
	return named
}()

// wholeFile makes a block of statements a file: they become the body of a function with a context ctx and an error
// as its result, with what they use imported, and what they assign used.
func wholeFile(block string) ([]byte, error) {
	fset := token.NewFileSet()
	if _, err := parser.ParseFile(fset, "", block, parser.PackageClauseOnly); err == nil {
		return []byte(block), nil
	}
	head, body, _ := strings.Cut(block, "\n") // the first line numbers the others
	const before = "func _(ctx context.Context) error {\n"
	text := before + head + "\n" + body
	parsed, err := parser.ParseFile(fset, "", "package main\n"+text+"\nreturn nil\n}\n", 0)
	if err != nil {
		return nil, fmt.Errorf("%s is neither a file nor statements: %w", strings.TrimPrefix(head, "//line "), err)
	}
	function := parsed.Decls[0].(*ast.FuncDecl)
	uses := []string{"context"}
	ast.Inspect(function, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok {
			if qualifier, ok := selector.X.(*ast.Ident); ok && namedPackages[qualifier.Name] != "" {
				uses = append(uses, qualifier.Name)
			}
		}
		return true
	})
	slices.Sort(uses)
	var file strings.Builder
	file.WriteString("package main\n\n")
	for _, name := range slices.Compact(uses) {
		fmt.Fprintf(&file, "import %s %q\n", name, namedPackages[name])
	}
	file.WriteString("\nfunc main() {}\n\n" + text)
	for _, statement := range function.Body.List {
		assignment, ok := statement.(*ast.AssignStmt)
		if !ok || assignment.Tok != token.DEFINE {
			continue
		}
		for _, left := range assignment.Lhs {
			if name := left.(*ast.Ident).Name; name != "_" {
				fmt.Fprintf(&file, "_ = %s\n", name)
			}
		}
	}
	file.WriteString("return nil\n}\n")
	return format.Source([]byte(file.String()))
}
