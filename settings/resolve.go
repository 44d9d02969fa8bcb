// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"iter"
	"maps"
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
	r.notices = r.opened.notices
	r.Profile = r.opened.profile
	for _, d := range definitions {
		r.resolve(d)
	}
	if r.generation == Prefect2 {
		r.resolveEnvironment()
	}
	r.derive()
	r.observe()
	return r, errors.Join(r.errs...)
}

// resolve gives one setting its value.
func (r *resolution) resolve(d *definition) {
	v, i, ok := r.lookUp(d)
	if !ok {
		r.found[d.key] = value{name: d.names[0], source: Source{Kind: FromDefault}}
		return
	}
	r.found[d.key] = v
	before := r.Settings
	if err := d.set(&r.Settings, v, r.generation); err != nil {
		r.Settings = before
		r.refuse(d, v, err)
		return
	}
	if i > 0 {
		r.note("%s (%s) is an old name of %s", v.name, v.source, d.names[0])
	}
}

// lookUp finds the value in force, which has the i-th of the setting's names.
func (r *resolution) lookUp(d *definition) (best value, i int, ok bool) {
	for v, n := range d.candidates(r.places) {
		if d.decode != nil {
			raw, err := d.decode(v, r.generation)
			if err != nil {
				r.refuse(d, v, err)
				continue
			}
			if raw == nil && v.json {
				continue // a JSON null in a variable is no value
			}
			v.raw = raw
		}
		if !ok {
			best, i, ok = v, n, true
		} else if table, isTable := best.raw.(map[string]any); isTable {
			best.raw = merge(table, v.raw)
		}
		if !d.table {
			break
		}
	}
	return best, i, ok
}

// candidates yields the setting's values, the one in force first, each with
// the number of its name.
func (d *definition) candidates(places []place) iter.Seq2[value, int] {
	return func(yield func(value, int) bool) {
		if len(d.names) > 1 && stillKnown[d.names[1]] {
			for _, p := range places {
				for i := range d.names {
					if v, ok := p.find(d, i); ok && !yield(v, i) {
						return
					}
				}
			}
			return
		}
		for i := range d.names {
			for _, p := range places {
				if v, ok := p.find(d, i); ok && !yield(v, i) {
					return
				}
			}
		}
	}
}

// merge is table with what it lacks from lower, if that is a table.
func merge(table map[string]any, lower any) map[string]any {
	merged := make(map[string]any)
	if lower, ok := lower.(map[string]any); ok {
		maps.Copy(merged, lower)
	}
	maps.Copy(merged, table)
	return merged
}

// resolveEnvironment checks the environment alone: Prefect 2 resolves it once
// without the profile, and refuses what is wrong with it then.
func (r *resolution) resolveEnvironment() {
	alone := &resolution{
		config: r.config, Settings: defaults(),
		found: make(map[string]value), refused: make(map[string]error),
	}
	for _, p := range r.places {
		if v, ok := p.(variables); ok {
			alone.places = append(alone.places, v)
		}
	}
	for _, d := range definitions {
		if !d.lazy {
			alone.resolve(d)
		}
	}
	alone.checkSizes()
	for _, err := range alone.errs {
		known := func(other error) bool { return other != nil && other.Error() == err.Error() }
		if !slices.ContainsFunc(r.errs, known) {
			r.errs = append(r.errs, err)
		}
	}
}

// refuse notes an error for a value of a setting.
func (r *resolution) refuse(d *definition, v value, err error) {
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
