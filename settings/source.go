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
	FromOption SourceKind = iota
	FromEnvironment
	FromDotEnv
	FromPrefectTOML
	FromPyproject
	FromProfile
	FromDefault
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
		if place == "" {
			return fmt.Sprintf("built-in profile %q", s.Profile)
		}
		return fmt.Sprintf("profile %q, %s", s.Profile, place)
	case FromDotEnv, FromPrefectTOML, FromPyproject:
		return place
	}
	return "default"
}

// value is one value as a source holds it. raw is a string from the
// environment and .env; from TOML it is a string, int64, float64, bool, []any,
// map[string]any or a date.
type value struct {
	raw    any
	name   string // as written in the source
	source Source
}

// place is one source, opened. find looks up the setting under the i-th of its
// names; a place that knows settings by their TOML key has only i = 0.
type place interface {
	find(d *definition, i int) (value, bool)
}

// variables is a place whose values have the names of environment variables.
type variables map[string]value // by upper-case name

func (v variables) find(d *definition, i int) (value, bool) {
	found, ok := v[d.names[i]]
	return found, ok
}

// environment indexes "NAME=value" entries by upper-case name.
func environment(environ []string) variables {
	found := make(variables)
	for _, entry := range environ {
		name, text, ok := strings.Cut(entry, "=")
		if !ok || len(name) < len("PREFECT_") || !strings.EqualFold(name[:len("PREFECT_")], "PREFECT_") {
			continue
		}
		found[strings.ToUpper(name)] = value{raw: text, name: name, source: Source{Kind: FromEnvironment}}
	}
	return found
}
