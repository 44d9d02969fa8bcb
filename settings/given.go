// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
)

// Given is what a program gives by itself in place of settings. Zero values are not given.
type Given struct {
	APIURL                string
	APIKey, APIAuthString Secret            // one of them replaces both
	CustomHeaders         map[string]Secret // nil: not given
}

// With returns the settings as they are under what a program gives by itself. [Settings.Explain] and
// [Settings.Notices] are then of the URL and the credentials that hold, which come from an option. What
// [Load] derived from the URL stays.
func (s Settings) With(g Given) Settings {
	given := make(map[string]bool) // by key
	if g.APIURL != "" {
		s.APIURL = g.APIURL
		given["api.url"] = true
	}
	if g.APIKey.IsSet() || g.APIAuthString.IsSet() {
		s.APIKey, s.APIAuthString = g.APIKey, g.APIAuthString
		given["api.key"], given["api.auth_string"] = true, true
	}
	if g.CustomHeaders != nil {
		s.Client.CustomHeaders = maps.Clone(g.CustomHeaders)
		given["client.custom_headers"] = true
	}
	if s.explained.Settings != nil && len(given) == 0 {
		return s
	}

	explained := s.Explain()
	explained.Notices = explained.Notices[:s.noted]
	origins := make(map[string]*Origin)
	for i := range explained.Settings {
		d, o := definitions[i], &explained.Settings[i]
		origins[d.key], o.Mark = o, ""
		if given[d.key] {
			*o = Origin{Name: o.Name, Value: d.show(&s), Source: Source{Kind: FromOption}}
		}
	}
	origin := func(key string) (string, Source) {
		if o := origins[key]; o != nil {
			return cmp.Or(o.As, o.Name), o.Source
		}
		return definitionOf(key).names[0], Source{Kind: FromOption} // not of Load: all of it is the program's
	}
	observation{&s, origin, func(key, text string) {
		name, source := origin(key)
		explained.Notices = append(explained.Notices, fmt.Sprintf("%s (%s) %s", name, source, text))
		if o := origins[key]; o != nil {
			o.Mark = strings.TrimPrefix(o.Mark+"; "+text, "; ")
		}
	}}.look()
	s.explained = explained
	return s
}
