// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"path"
	"slices"
	"strings"
	"testing"
)

const rootModule = "github.com/prefectlogs/prefectlogs"

// layer is what one package may import besides the standard library.
type layer struct {
	number   int // as docs/design.md counts; -1: stands beside the layers
	folder   string
	packages []string // folders of this module
	others   []string // packages of other modules
}

// layers are the packages of the module, bottom up: imports point to what stands above here. A new package gets a row; a
// new edge is a decision about the design, to be taken in docs/design.md first.
var layers = []layer{
	{-1, "internal/own", nil, nil},
	{-1, "internal/diag", nil, nil},
	{-1, "internal/filelock", nil, nil},
	{-1, "internal/pace", nil, nil},

	{0, "settings", nil, []string{"github.com/pelletier/go-toml/v2", "github.com/pelletier/go-toml/v2/unstable", "go.yaml.in/yaml/v3"}},
	{0, "run", nil, []string{otelModule + "/baggage", otelModule + "/propagation", otelModule + "/trace"}},

	{1, "internal/dictconfig", []string{"settings"}, nil},
	{1, "exporter/payload", nil, nil},
	{1, "exporter/deadletter", []string{"exporter/payload", "internal/filelock"}, nil},
	{1, "mapping", []string{"run", "exporter/payload"}, []string{otelModule + "/attribute", "github.com/segmentio/encoding/json"}},
	{1, "mapping/mappingtest", []string{"run", "mapping"}, []string{otelModule + "/attribute"}},
	{1, "internal/sdkrecord", []string{"run", "mapping"}, []string{
		otelModule + "/attribute", otelModule + "/log", sdkLog, otelModule + "/sdk/resource", otelModule + "/trace",
	}},

	{2, "exporter/prefectapi", nil, nil},
	{2, "internal/spool", []string{"exporter/payload", "internal/filelock"}, nil},

	{3, "exporter/delivery", []string{"exporter/payload", "exporter/prefectapi"}, []string{"github.com/cenkalti/backoff/v4"}},

	{4, "exporter", []string{
		"settings", "run", "mapping", "internal/sdkrecord", "exporter/payload", "exporter/deadletter", "exporter/prefectapi", "exporter/delivery",
	}, []string{sdkLog}},
	{4, "processor", []string{"run", "mapping", "internal/sdkrecord", "internal/pace", "exporter/payload", "internal/spool"}, []string{sdkLog, otelModule + "/attribute", otelModule + "/metric"}},

	{4, "console", []string{"settings", "run", "mapping", "internal/sdkrecord"}, []string{sdkLog, otelModule + "/attribute"}},

	{5, "runlog", []string{"run", "internal/sdkrecord"}, []string{otelSlog, otelModule, otelModule + "/log", otelModule + "/sdk/trace"}},

	{6, ".", []string{
		"settings", "run", "mapping", "exporter", "exporter/payload", "exporter/prefectapi", "exporter/deadletter", "processor", "runlog", "console", "internal/dictconfig",
	}, []string{
		otelSlog, otelModule + "/attribute", otelModule + "/log", sdkLog, otelModule + "/sdk/resource",
	}},

	{7, "cmd/prefectlogs", []string{".", "run"}, nil},

	{-1, "prefecttest", nil, nil},
	{-1, "internal/servers", []string{"prefecttest"}, nil},
	{-1, "internal/servers/serverstest", []string{"internal/servers"}, nil},
	{-1, "internal/servers/cmd/withservers", []string{"internal/servers"}, nil},
	{-1, "internal/screenshots", []string{"internal/servers"}, nil},
	{-1, "internal/screenshots/shop", []string{"."}, nil},
	{-1, "internal/e2e", nil, nil}, // tests alone
}

const (
	sdkLog   = otelModule + "/sdk/log"
	otelSlog = "go.opentelemetry.io/contrib/bridges/otelslog"
)

// fromLayer1 may be imported by every package of layer 1 and up: our diagnostics, and the mark of our own requests.
var fromLayer1 = []string{"internal/diag", "internal/own"}

// inTests may be imported by tests, besides what packages may: what tests import is in the module graph of our users.
var inTests = []string{"github.com/google/go-cmp", otelModule, "go.opentelemetry.io/contrib/bridges"}

func TestThePackagesAreListedBottomUp(t *testing.T) {
	seen := map[string]bool{}
	for i, l := range layers {
		for _, imported := range l.packages {
			if !seen[imported] {
				t.Errorf("%s may import %s, which does not stand above it in the table", l.folder, imported)
			}
		}
		for _, above := range layers[:i] {
			if above.number > l.number && l.number >= 0 {
				t.Errorf("%s of layer %d stands below %s of layer %d", l.folder, l.number, above.folder, above.number)
			}
		}
		seen[l.folder] = true
	}
}

func TestPackagesImportOnlyWhatTheirLayerMay(t *testing.T) {
	rows := map[string]layer{}
	for _, l := range layers {
		rows[l.folder] = l
	}
	modules := repoModules(t)
	found := map[string]bool{}
	for _, f := range goFiles(t) {
		if moduleOf(modules, f.path) != "." {
			continue
		}
		found[f.dir()] = true
		l, ok := rows[f.dir()]
		if !ok {
			t.Errorf("%s: its package has no row in the table of layers", f.path)
			continue
		}
		for _, imported := range f.imports() {
			if !l.mayImport(imported, f.isTest()) {
				t.Errorf("%s imports %s, which its layer may not", f.path, imported)
			}
		}
	}
	for folder := range rows {
		if !found[folder] {
			t.Errorf("the table of layers has a row for %s, where there is no package", folder)
		}
	}
}

func (l layer) mayImport(imported string, inTest bool) bool {
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") {
		return true // of the standard library
	}
	if imported == rootModule || strings.HasPrefix(imported, rootModule+"/") {
		// Tests are outside of the layers: the queue's test uses the exporter.
		folder := path.Clean("./" + strings.TrimPrefix(imported, rootModule))
		return inTest || slices.Contains(l.packages, folder) ||
			l.number >= 1 && slices.Contains(fromLayer1, folder)
	}
	if slices.Contains(l.others, imported) {
		return true
	}
	return inTest && slices.ContainsFunc(inTests, func(module string) bool {
		return imported == module || strings.HasPrefix(imported, module+"/")
	})
}

func TestExamplesShowNothingThatUsersCannotImport(t *testing.T) {
	const demo = rootModule + "/examples/internal/demo"
	showing := []string{"examples/quickstart/main.go", "examples/correlation/main.go"} // what one command shows with all it needs
	for _, f := range goFiles(t) {
		if !strings.HasPrefix(f.path, "examples/") || f.isTest() {
			continue
		}
		for _, imported := range f.imports() {
			if strings.Contains(imported, "/internal/") && !(imported == demo && slices.Contains(showing, f.path)) {
				t.Errorf("%s imports %s", f.path, imported)
			}
		}
	}
}
