// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// resolution is one Load under way.
type resolution struct {
	config
	opened
	Settings
	found   map[string]value  // by key: the value in force, also of a default
	refused map[string]error  // by key
	marks   map[string]string // by key
	notices []string
	errs    []error
}

// resolve reads all sources. What could not be resolved has its default in the
// Settings, and is in the errors.
func resolve(opts []Option) (*resolution, error) {
	r := &resolution{
		config: newConfig(opts), Settings: defaults(),
		found: make(map[string]value), refused: make(map[string]error),
	}
	var err error
	r.opened, err = r.open()
	r.errs = append(r.errs, err)
	r.notices = r.remarks
	r.Profile = r.opened.profile
	for _, d := range definitions {
		r.resolve(d)
	}
	r.derive()
	r.observe()
	return r, errors.Join(r.errs...)
}

// resolve gives one setting its value.
func (r *resolution) resolve(d *definition) {
	v, i, ok := d.lookup(r.places)
	if !ok {
		r.found[d.key] = value{name: d.names[0], source: Source{Kind: FromDefault}}
		return
	}
	r.found[d.key] = v
	before := r.Settings
	if err := d.set(&r.Settings, v, r.generation); err != nil {
		r.Settings = before
		r.refuse(d, err)
		return
	}
	if i > 0 {
		r.note("%s (%s) is an old name of %s", v.name, v.source, d.names[0])
	}
}

// lookup finds the setting's value: under its newest name in any place, the
// highest first, before under an older name.
func (d *definition) lookup(places []place) (v value, i int, ok bool) {
	for i := range d.names {
		for _, p := range places {
			if v, ok := p.find(d, i); ok {
				return v, i, true
			}
		}
	}
	return value{}, 0, false
}

// refuse notes an error for the value that was found.
func (r *resolution) refuse(d *definition, err error) {
	v := r.found[d.key]
	e := &Error{Name: v.name, Source: v.source, Err: err, Value: mask}
	if !d.secret {
		e.Value = shown(v.raw)
	}
	r.refused[d.key] = err
	r.errs = append(r.errs, e)
}

func (r *resolution) note(format string, args ...any) {
	r.notices = append(r.notices, fmt.Sprintf(format, args...))
}

// isSet reports whether a source gave the setting a value that was taken.
func (r *resolution) isSet(key string) bool {
	return r.found[key].source.Kind != FromDefault && r.refused[key] == nil
}

// givenValues indexes the values given by [WithValue]; a name that is no
// setting's is an error.
func givenValues(values []optionValue) (variables, error) {
	found := make(variables)
	var errs []error
	for _, v := range values {
		name := strings.ToUpper(v.name)
		if !isKnown(name) {
			errs = append(errs, &Error{
				Name: v.name, Source: Source{Kind: FromOption},
				Err: errors.New("no such setting; the documentation of package settings lists them"),
			})
			continue
		}
		found[name] = value{raw: v.text, name: v.name, json: true, source: Source{Kind: FromOption}}
	}
	return found, errors.Join(errs...)
}

func isKnown(name string) bool {
	for _, d := range definitions {
		if slices.Contains(d.names, name) {
			return true
		}
	}
	return false
}
