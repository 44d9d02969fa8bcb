// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// repoModule is a go.mod as `go mod edit -json` describes it, in so far as tests look at it.
type repoModule struct {
	Module    struct{ Path string }
	Go        string
	Toolchain string
	Require   []struct {
		Path, Version string
		Indirect      bool
	}
	Replace []struct{ Old, New struct{ Path string } }
}

// repoModules gives the modules of the repository by their folders; the root's is ".".
func repoModules(t *testing.T) map[string]repoModule {
	t.Helper()
	modules := map[string]repoModule{}
	for _, f := range repoFiles(t) {
		if path.Base(f.path) != "go.mod" || strings.Contains(f.path, "testdata/") {
			continue
		}
		out, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", filepath.FromSlash(f.path)).Output()
		if err != nil {
			t.Fatalf("go mod edit -json %s: %v", f.path, err)
		}
		var m repoModule
		if err := json.Unmarshal(out, &m); err != nil {
			t.Fatal(err)
		}
		modules[f.dir()] = m
	}
	return modules
}

// moduleOf gives the folder of the module that a file is part of.
func moduleOf(modules map[string]repoModule, file string) string {
	dir := path.Dir(file)
	for {
		if _, ok := modules[dir]; ok || dir == "." {
			return dir
		}
		dir = path.Dir(dir)
	}
}

func TestModulesBelongTogether(t *testing.T) {
	modules := repoModules(t)
	root := modules["."]
	for dir, m := range modules {
		if m.Go != root.Go || m.Toolchain != "" {
			t.Errorf("%s/go.mod is of go %s %s, the root's of go %s", dir, m.Go, m.Toolchain, root.Go)
		}
		if dir == "." {
			if m.Module.Path != rootModule || len(m.Replace) > 0 {
				t.Errorf("the root's go.mod is of module %s with %d replacements, want %s with none", m.Module.Path, len(m.Replace), rootModule)
			}
			continue
		}
		if want := rootModule + "/" + dir; m.Module.Path != want {
			t.Errorf("%s/go.mod is of module %s, want %s", dir, m.Module.Path, want)
		}
		up := strings.Repeat("../", strings.Count(dir, "/")+1)
		replaced := false
		for _, r := range m.Replace {
			if r.Old.Path == rootModule {
				replaced = path.Clean(r.New.Path) == path.Clean(up)
			}
		}
		if !replaced {
			t.Errorf("%s/go.mod does not replace %s by %s", dir, rootModule, up)
		}
	}
}

// Whoever imports us gets these modules too, so each has its reason in the design.
func TestTheDesignNamesEveryModuleWeRequire(t *testing.T) {
	design, err := os.ReadFile("docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range repoModules(t)["."].Require {
		_, short, _ := strings.Cut(r.Path, "/") // without its host, where the host was just said: `otel/log`
		if !r.Indirect && !strings.Contains(string(design), r.Path) && !strings.Contains(string(design), "`"+short+"`") {
			t.Errorf("go.mod requires %s, which docs/design.md does not name", r.Path)
		}
	}
}
