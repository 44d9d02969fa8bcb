// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// group is a place that holds the settings below one key, as a JSON object in
// the variable that Prefect 3 has for a whole group: PREFECT_API, with the url
// and the key in it.
type group struct {
	key    string         // of the group: logging.to_api
	name   string         // of the variable, as written
	data   map[string]any // by key in lower case
	source Source
}

func (g group) find(d *definition, i int) (value, bool) {
	below, ok := strings.CutPrefix(d.key, g.key+".")
	if !ok {
		return value{}, false
	}
	if i == 0 {
		raw, ok := (&tomlFile{data: g.data}).at(strings.Split(below, ".")...)
		if ok {
			return value{raw: raw, name: g.name + " " + below, source: g.source}, true
		}
	}
	if len(d.names) == 1 || !stillKnown[d.names[1]] {
		return value{}, false
	}
	raw, ok := g.data[strings.ToLower(d.names[i])]
	return value{raw: raw, name: g.name + " " + d.names[i], source: g.source}, ok
}

var errNotGroup = errors.New("want a JSON object of settings, or one variable for each of them")

// openGroups opens the variables that hold a whole group as JSON. They stand
// above all others, also where the lowest place, the profile, holds them.
func openGroups(env, dotEnv variables, lowest place) (places []place, err error) {
	var errs []error
	for _, key := range groups {
		name := "PREFECT_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
		var found []value
		for _, v := range []variables{env, dotEnv} {
			if f, ok := v[name]; ok {
				found = append(found, f)
			}
		}
		if p, isProfile := lowest.(profile); isProfile {
			if f, ok := p.at(name); ok {
				found = append(found, f)
			}
		}
		for _, f := range found {
			text, _ := f.raw.(string) // what is none is no JSON either
			data, err := parseGroup(key, text)
			switch {
			case err != nil, data == nil && f.source.Kind == FromProfile:
				errs = append(errs, &Error{Name: f.name, Source: f.source, Value: mask, Err: errNotGroup})
			case data != nil:
				places = append(places, group{key, f.name, data, f.source})
			}
		}
	}
	return places, errors.Join(errs...)
}

// parseGroup reads the JSON object of a group, with those of the groups within
// it; it is nil where it is null. Keys count in any case: of those that differ
// only in case, the last holds.
func parseGroup(key, text string) (map[string]any, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
		return nil, err
	}
	data := make(map[string]any, len(object))
	d := json.NewDecoder(strings.NewReader(text)) // which keeps the order
	_, err := d.Token()
	for err == nil && d.More() {
		var name json.Token
		if name, err = d.Token(); err != nil {
			break
		}
		var raw json.RawMessage
		if err = d.Decode(&raw); err != nil {
			break
		}
		folded := strings.ToLower(name.(string)) // as every key of JSON is
		if below := key + "." + folded; slices.Contains(groups, below) {
			within, err := parseGroup(below, string(raw))
			if err != nil || within == nil {
				return nil, errNotGroup
			}
			data[folded] = within
			continue
		}
		data[folded], err = parseJSON(string(raw))
	}
	return data, err
}
