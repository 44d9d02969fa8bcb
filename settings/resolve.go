// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"strings"
)

// Origin is where one setting has its value from.
type Origin struct {
	// Name is the setting's newest name.
	Name string
	// Value is the value in force, as a person would write it, masked when secret.
	Value string
	// Source is where it came from.
	Source Source
}

// resolve reads all sources. The Settings it returns with an error hold what
// could be resolved, and default values for the rest.
func resolve(opts []Option) (Settings, error) {
	c := newConfig(opts)
	s := defaults()
	var errs []error
	given, err := givenValues(c.values)
	errs = append(errs, err)
	places := []place{given, environment(c.environment)}

	good := make(map[string]value) // by newest name: what was read without error
	for _, d := range definitions {
		v, found := d.lookup(places)
		if !found {
			v = value{name: d.names[0], source: Source{Kind: FromDefault}}
		} else if err := d.set(&s, v.raw, c.generation); err != nil {
			errs = append(errs, d.refuse(v, err))
			continue
		}
		good[d.names[0]] = v
		s.origins = append(s.origins, Origin{Name: d.names[0], Value: d.show(&s), Source: v.source})
		if found && !strings.EqualFold(v.name, d.names[0]) {
			s.notices = append(s.notices, fmt.Sprintf("%s (%s) is an old name: use %s", v.name, v.source, d.names[0]))
		}
	}
	errs = append(errs, checkSizes(&s, good))
	return s, errors.Join(errs...)
}

// lookup finds the setting's value: under its newest name in any place, the
// highest first, before under an older name.
func (d *definition) lookup(places []place) (value, bool) {
	for i := range d.names {
		for _, p := range places {
			if v, ok := p.find(d, i); ok {
				return v, true
			}
		}
	}
	return value{}, false
}

// refuse makes the error for a value that could not be read.
func (d *definition) refuse(v value, err error) error {
	e := &Error{Name: v.name, Source: v.source, Err: err, Value: mask}
	if !d.secret {
		e.Value = shown(v.raw)
	}
	return e
}

// givenValues indexes the values given by [WithValue]; a name that is no
// setting's is an error.
func givenValues(values []optionValue) (variables, error) {
	known := make(map[string]bool)
	for _, d := range definitions {
		for _, name := range d.names {
			known[name] = true
		}
	}
	found := make(variables)
	var errs []error
	for _, v := range values {
		name := strings.ToUpper(v.name)
		if !known[name] {
			errs = append(errs, &Error{Name: v.name, Source: Source{Kind: FromOption}, Err: errors.New("no such setting; see the table of package settings")})
			continue
		}
		found[name] = value{raw: v.text, name: v.name, source: Source{Kind: FromOption}}
	}
	return found, errors.Join(errs...)
}

// checkSizes refuses a log limit above the batch limit, as Prefect does: also
// when only one of the two was set, and the other is a default.
func checkSizes(s *Settings, good map[string]value) error {
	size, sizeOK := good["PREFECT_LOGGING_TO_API_BATCH_SIZE"]
	most, mostOK := good["PREFECT_LOGGING_TO_API_MAX_LOG_SIZE"]
	if !sizeOK || !mostOK || s.ToAPI.MaxLogSize <= s.ToAPI.BatchSize {
		return nil
	}
	return &Error{
		Name: most.name, Source: most.source, Value: fmt.Sprintf("%d bytes", s.ToAPI.MaxLogSize),
		Err: fmt.Errorf("a log cannot be larger than a batch: lower it, or raise %s = %d bytes (%s)", size.name, s.ToAPI.BatchSize, size.source),
	}
}
