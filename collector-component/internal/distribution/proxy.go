// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

const (
	rootModule      = "github.com/prefectlogs/prefectlogs"
	componentModule = rootModule + "/collector-component"
)

// writeProxy writes a module proxy with the root module and the one of our components, both of one version and made of the
// files, as a release that is tagged would have them: the component's go.mod asks for the root by its version.
func writeProxy(folder, root, version string, files []string) error {
	nested := map[string]bool{} // folders of modules
	for _, name := range files {
		if path.Base(name) == "go.mod" && name != "go.mod" {
			nested[path.Dir(name)] = true
		}
	}
	for _, m := range []struct{ path, folder string }{{rootModule, "."}, {componentModule, "collector-component"}} {
		var content []zip.File
		var gomod []byte
		for _, name := range files {
			if moduleOf(nested, name) != m.folder {
				continue
			}
			f := file{name: name, within: strings.TrimPrefix(name, strings.TrimPrefix(m.folder+"/", "./")), root: root}
			if f.within == "go.mod" {
				text, err := os.ReadFile(filepath.Join(root, name))
				if err != nil {
					return fmt.Errorf("distribution: %w", err)
				}
				gomod = bytes.ReplaceAll(text, []byte(rootModule+" v0.0.0\n"), []byte(rootModule+" "+version+"\n"))
				f.text = gomod
			}
			content = append(content, f)
		}
		if err := writeModule(filepath.Join(folder, filepath.FromSlash(m.path), "@v"), module.Version{Path: m.path, Version: version}, gomod, content); err != nil {
			return fmt.Errorf("distribution: packing %s: %w", m.path, err)
		}
	}
	return nil
}

// moduleOf gives the folder of the module that a file is part of.
func moduleOf(nested map[string]bool, name string) string {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if nested[dir] {
			return dir
		}
	}
	return "."
}

func writeModule(folder string, m module.Version, gomod []byte, content []zip.File) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	info, err := json.Marshal(map[string]string{"Version": m.Version, "Time": "2026-01-01T00:00:00Z"})
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	if err := zip.Create(&packed, m, content); err != nil {
		return err
	}
	for name, text := range map[string][]byte{
		"list": []byte(m.Version + "\n"), m.Version + ".info": info, m.Version + ".mod": gomod, m.Version + ".zip": packed.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// file is a file of a module.
type file struct {
	root, name string // where it is
	within     string // the module
	text       []byte // in place of what is there; nil: that
}

func (f file) Path() string { return f.within }

func (f file) Lstat() (fs.FileInfo, error) {
	info, err := os.Lstat(filepath.Join(f.root, f.name))
	if err != nil || f.text == nil {
		return info, err
	}
	return sized{info, int64(len(f.text))}, nil
}

func (f file) Open() (io.ReadCloser, error) {
	if f.text != nil {
		return io.NopCloser(bytes.NewReader(f.text)), nil
	}
	return os.Open(filepath.Join(f.root, f.name))
}

type sized struct {
	fs.FileInfo
	size int64
}

func (s sized) Size() int64 { return s.size }
