// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"fmt"
	"strings"
)

// SourceKind is a kind of place that a value can come from, highest first.
type SourceKind int

// The kinds of source, in Prefect 3's order.
const (
	FromOption      SourceKind = iota // [WithValue]
	FromEnvironment                   // a variable of the process
	FromDotEnv                        // .env in the working directory
	FromPrefectTOML                   // prefect.toml in the working directory
	FromPyproject                     // [tool.prefect] of pyproject.toml in the working directory
	FromProfile                       // the active profile
	FromDefault                       // no source at all
)

// Source is where a value came from.
type Source struct {
	Kind SourceKind
	// File is the path of the file; "" when there is none.
	File string
	// Line is the line in File, from 1; 0 when not known.
	Line int
	// Profile is the name of the profile, for FromProfile.
	Profile string
}

// String names the source for a person: "environment", "prefect.toml:3",
// `profile "prod", /home/me/.prefect/profiles.toml:7`.
func (s Source) String() string {
	place := s.File
	if s.Line > 0 {
		place = fmt.Sprintf("%s:%d", s.File, s.Line)
	}
	switch s.Kind {
	case FromOption:
		return "option"
	case FromEnvironment:
		return "environment"
	case FromProfile:
		if s.Profile == "" {
			return place
		}
		if place == "" {
			return fmt.Sprintf("built-in profile %q", s.Profile)
		}
		return fmt.Sprintf("profile %q, %s", s.Profile, place)
	case FromDotEnv, FromPrefectTOML, FromPyproject:
		return place
	}
	return "default"
}

// same reports whether two values stand in the same place: the environment,
// or the same file and profile.
func (s Source) same(other Source) bool {
	return s.Kind == other.Kind && s.File == other.File && s.Profile == other.Profile
}

// value is one value as a source holds it.
type value struct {
	// raw is a string from variables; from TOML and JSON a string, int64,
	// float64, bool, []any, map[string]any, or a date.
	raw any
	// name is the setting as written in the source.
	name string
	// json is set when a list may be written as JSON: in variables.
	json   bool
	source Source
}

// place is one source, opened. find looks up the setting under the i-th of
// its names; a place that knows settings by their key answers only for i = 0.
type place interface {
	find(d *definition, i int) (value, bool)
}

// variables is a place whose values have the names of environment variables
// in upper case.
type variables map[string]value

func (v variables) find(d *definition, i int) (value, bool) {
	found, ok := v[d.names[i]]
	return found, ok
}

// exactly is a place that holds only those variables which are also there in
// upper case, letter by letter.
type exactly struct {
	variables
	present map[string]string
}

func (e exactly) find(d *definition, i int) (value, bool) {
	if _, ok := e.present[d.names[i]]; !ok {
		return value{}, false
	}
	return e.variables.find(d, i)
}

// environment indexes "NAME=value" entries: all of them by their exact name,
// and Prefect's by the upper-case one. Of equal names the last holds.
func environment(environ []string) (exact map[string]string, found variables) {
	exact, found = make(map[string]string, len(environ)), make(variables)
	for _, entry := range environ {
		name, text, ok := strings.Cut(entry, "=")
		if !ok || name == "" {
			continue
		}
		exact[name] = text
		if isPrefects(name) {
			found[strings.ToUpper(name)] = value{raw: text, name: name, json: true, source: Source{Kind: FromEnvironment}}
		}
	}
	return exact, found
}

func isPrefects(name string) bool {
	const prefix = "PREFECT_"
	return len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// document is a place that has settings by their key: a TOML file of
// Prefect's, or a table in one.
type document struct {
	kind SourceKind
	file *tomlFile
	root []string // the table in which the keys begin
}

func (t document) find(d *definition, i int) (value, bool) {
	if i > 0 {
		return value{}, false
	}
	keys := append(t.root[:len(t.root):len(t.root)], strings.Split(d.key, ".")...)
	raw, ok := t.file.at(keys...)
	if _, isTable := raw.(map[string]any); !ok || isTable && !d.table {
		return value{}, false // Prefect takes a table for a group, and looks no further
	}
	source := Source{Kind: t.kind, File: t.file.path, Line: t.file.line(keys...)}
	return value{raw: raw, name: strings.Join(keys, "."), source: source}, true
}

// profile is the place of the active profile.
type profile struct {
	name string
	file *tomlFile // nil for a built-in one
	data map[string]any
}

func (p profile) find(d *definition, i int) (value, bool) {
	return p.at(d.names[i])
}

// at returns what the profile has under a name.
func (p profile) at(name string) (value, bool) {
	raw, ok := p.data[name]
	if !ok {
		return value{}, false
	}
	source := Source{Kind: FromProfile, Profile: p.name}
	if p.file != nil {
		source.File, source.Line = p.file.path, p.file.line("profiles", p.name, name)
	}
	return value{raw: raw, name: name, source: source}, true
}
