// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// goodBeginning is how an error may begin: with a word in lower case, a value, a sign, a name in capitals, or an option.
var goodBeginning = regexp.MustCompile(`^([a-z0-9%"'(.$<\[]|[A-Z]{2,}[A-Z_]* |With[A-Za-z]+: )`)

// Errors are parts of sentences: others put words before and behind them. They hold no Go syntax of a value, and wrap what
// they tell of, so that callers can ask for it.
func TestErrorsReadWell(t *testing.T) {
	seen := 0
	for dir, files := range repoPackages(t) {
		if strings.HasPrefix(dir, "internal/screenshots") || strings.HasPrefix(dir, "examples") || dir == "benchmarks" || dir == "mapping/mappingtest" {
			continue // tools of our own, for tests
		}
		for _, f := range files {
			ast.Inspect(f.syntax, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok || len(call.Args) == 0 || f.called(call) != "errors.New" && f.called(call) != "fmt.Errorf" {
					return true
				}
				literal, ok := call.Args[0].(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				seen++
				complain := func(what string) { t.Errorf("%s:%d: the error %q %s", f.path, f.line(call), text, what) }
				if !goodBeginning.MatchString(text) {
					complain("does not begin in lower case")
				}
				if text != strings.TrimRight(text, ".!? \n") {
					complain("ends with a sign")
				}
				if strings.Contains(text, "%+v") || strings.Contains(text, "%#v") {
					complain("shows a value as Go has it, and with it what may be secret")
				}
				for _, arg := range call.Args[1:] {
					if name, ok := arg.(*ast.Ident); ok && name.Name == "err" && !strings.Contains(text, "%w") {
						complain("tells of an error and does not wrap it")
					}
				}
				return true
			})
		}
	}
	if seen < 150 {
		t.Errorf("%d errors; they are not found as they should be", seen)
	}
}
