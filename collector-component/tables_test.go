// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package collectorcomponent_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestThePackageCommentNamesEveryPackageAndManifest(t *testing.T) {
	text := read(t, "doc.go")
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if name == "build" {
			return fs.SkipDir
		}
		want := path.Dir(name)
		if path.Base(name) != "doc.go" && path.Base(name) != "main.go" || want == "." {
			return err
		}
		if !strings.Contains(text, "//\t"+want+" ") {
			t.Errorf("doc.go does not name %s", want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`//\t(\S+)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.FromSlash(match[1])); err != nil {
			t.Errorf("doc.go names %s: %v", match[1], err)
		}
	}
}

func TestTheGuideListsEverySample(t *testing.T) {
	samples, err := os.ReadDir("samples")
	if err != nil {
		t.Fatal(err)
	}
	guide := read(t, "../docs/collector.md")
	for _, sample := range samples {
		if !strings.Contains(guide, "| ["+sample.Name()+"](../collector-component/samples/"+sample.Name()+") |") {
			t.Errorf("docs/collector.md has no row for %s", sample.Name())
		}
	}
}

// A manifest names the version of the Collector many times; the guide and the Makefile name it too.
func TestTheVersionsOfTheCollectorAgree(t *testing.T) {
	manifest, filelog, guide := read(t, "builder-config.yaml"), read(t, "builder-config-filelog.yaml"), read(t, "../docs/collector.md")
	version := func(manifest string) string {
		match := regexp.MustCompile(`collector/receiver/otlpreceiver (v\S+)`).FindStringSubmatch(manifest)
		if match == nil {
			match = regexp.MustCompile(`receiver/filelogreceiver (v\S+)`).FindStringSubmatch(manifest)
		}
		if match == nil {
			t.Fatal("a manifest has neither of the receivers")
		}
		return match[1]
	}
	for text, want := range map[string]string{
		guide:                  "Collector's builder " + version(manifest),
		guide + " ":            "builds only at " + version(filelog),
		read(t, "../Makefile"): "collector/cmd/builder@" + version(manifest),
		read(t, "go.mod"):      "go.opentelemetry.io/collector/exporter/exporterhelper " + version(manifest),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not stand where it should", want)
		}
	}
}
