// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"
)

// maxFile bounds a file of settings, in bytes; one that is larger is not one.
const maxFile = 4 << 20

// opened is what the sources of one Load hold, highest first.
type opened struct {
	exact   map[string]string // the environment, by exact name
	places  []place
	profile string // the active one
	notices []string
}

// open opens every source that the options allow, in the order of the
// generation. What cannot be read is left out, and is in the error.
func (c config) open() (opened, error) {
	given, err := givenValues(c.values)
	errs := []error{err}
	exact, env := environment(c.environment)
	o := opened{exact: exact}

	if c.generation == Prefect2 {
		o.places = []place{given, exactly{env, exact}}
		if c.files {
			errs = append(errs, c.openProfile(&o, c.profilesPath2(exact, env)))
		}
		// What is written otherwise than in upper case yields to the profile.
		o.places = append(o.places, env)
		return o, errors.Join(errs...)
	}

	var files files
	if c.files {
		files, err = c.readFiles(exact)
		errs = append(errs, err)
		o.notices = files.notices
	}
	o.places = []place{env, files.dotEnv}
	for _, doc := range files.documents {
		errs = append(errs, doc.check())
		o.places = append(o.places, doc)
	}
	if c.files && !readsNoProfile(exact) {
		path, err := c.profilesPath3(exact, files)
		errs = append(errs, err)
		if err == nil {
			errs = append(errs, c.openProfile(&o, path))
		}
	}
	groups, err := openGroups(env, files.dotEnv, o.places[len(o.places)-1])
	errs = append(errs, err)
	o.places = slices.Concat([]place{given}, groups, o.places)
	return o, errors.Join(errs...)
}

// files are the files of the working directory.
type files struct {
	dotEnv      variables
	dotEnvExact map[string]string
	documents   []document
	notices     []string
}

// readFiles reads .env, prefect.toml and pyproject.toml, where they are.
func (c config) readFiles(exact map[string]string) (files, error) {
	var f files
	var errs []error
	text, ok, err := c.read(".env", true)
	errs = append(errs, err)
	if ok {
		found, senseless, err := parseDotEnv(string(text), exact)
		if err != nil {
			errs = append(errs, fmt.Errorf(".env:%w", err))
		}
		f.dotEnv, f.dotEnvExact = dotEnvVariables(found)
		f.notices = senselessLines(senseless)
	}
	for _, doc := range []struct {
		name string
		kind SourceKind
		root []string
	}{
		{"prefect.toml", FromPrefectTOML, nil},
		{"pyproject.toml", FromPyproject, []string{"tool", "prefect"}},
	} {
		text, ok, err := c.read(doc.name, true)
		errs = append(errs, err)
		if !ok {
			continue
		}
		file, err := parseTOML(doc.name, text)
		errs = append(errs, err)
		if err == nil {
			f.documents = append(f.documents, document{doc.kind, file, doc.root})
		}
	}
	return f, errors.Join(errs...)
}

// senselessLines are notices for lines of .env, at most four.
func senselessLines(lines []int) []string {
	const most = 3
	var notices []string
	for _, line := range lines[:min(most, len(lines))] {
		notices = append(notices, fmt.Sprintf(".env:%d is no assignment, and was left out", line))
	}
	if n := len(lines) - most; n > 0 {
		notices = append(notices, fmt.Sprintf(".env: %d more lines are no assignments, and were left out", n))
	}
	return notices
}

// dotEnvVariables indexes the assignments of a .env file. As in Python a name
// that comes again gets another value, and keeps its place: so of names that
// differ in case, the one that first appears last holds.
func dotEnvVariables(found []assignment) (v variables, exact map[string]string) {
	last := make(map[string]assignment)
	var order []string
	for _, a := range found {
		if _, ok := last[a.name]; !ok {
			order = append(order, a.name)
		}
		last[a.name] = a
	}
	v, exact = make(variables), make(map[string]string)
	for _, name := range order {
		a := last[name]
		if !a.hasValue {
			delete(v, strings.ToUpper(name))
			continue
		}
		exact[name] = a.text
		source := Source{Kind: FromDotEnv, File: ".env", Line: a.line}
		v[strings.ToUpper(name)] = value{raw: a.text, name: name, json: true, source: source}
	}
	return v, exact
}

// check refuses a value where Prefect expects a table of settings.
func (t document) check() error {
	var errs []error
	for n := range t.root {
		errs = append(errs, t.checkTable(t.root[:n+1]))
	}
	for _, key := range groups {
		errs = append(errs, t.checkTable(append(t.root[:len(t.root):len(t.root)], strings.Split(key, ".")...)))
	}
	return errors.Join(errs...)
}

func (t document) checkTable(keys []string) error {
	raw, ok := t.file.at(keys...)
	if _, isTable := raw.(map[string]any); !ok || isTable {
		return nil
	}
	source := Source{Kind: t.kind, File: t.file.path, Line: t.file.line(keys...)}
	return &Error{Name: strings.Join(keys, "."), Source: source, Err: errors.New("want a table of settings")}
}

// read reads a file of settings; a path that is not absolute is below the
// working directory. A file that is not there is no error; neither is, where
// onlyFiles says so, something that is no plain file.
func (c config) read(path string, onlyFiles bool) ([]byte, bool, error) {
	full := path
	if c.directory != "" && !filepath.IsAbs(path) {
		full = filepath.Join(c.directory, path)
	}
	info, err := os.Stat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("%s: cannot be read: %w", path, reason(err))
	case onlyFiles && !info.Mode().IsRegular():
		return nil, false, nil
	case !info.Mode().IsRegular():
		return nil, false, fmt.Errorf("%s: cannot be read: not a plain file", path)
	case info.Size() > maxFile:
		return nil, false, fmt.Errorf("%s: has %d bytes; a file of settings has at most %d", path, info.Size(), maxFile)
	}
	text, err := os.ReadFile(full)
	if err != nil {
		return nil, false, fmt.Errorf("%s: cannot be read: %w", path, reason(err))
	}
	if !utf8.Valid(text) {
		return nil, false, fmt.Errorf("%s: cannot be read: not UTF-8", path)
	}
	return text, true, nil
}

// reason is the cause in an error of package os, whose own text repeats the
// path.
func reason(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
