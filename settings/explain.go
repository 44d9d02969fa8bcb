// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// Origin says of one setting which value is in force and where it is from.
type Origin struct {
	// Name is the setting's newest name.
	Name string
	// Value is the value in force, for people: masked when secret, with its
	// unit; "" when unset.
	Value string
	// Source is where the value came from.
	Source Source
	// As is the variable in which the source has it, an old one or one for a
	// whole group; "" when that is Name.
	As string
	// Mark says what is odd about it; "" when nothing is.
	Mark string
}

// Explanation is every setting with its value and source. It holds no secret.
type Explanation struct {
	// Profile is the name of the active profile, "" when files are not read.
	Profile string
	// Settings has one entry for each setting, in the order of the table.
	Settings []Origin
	// Notices are those of [Settings.Notices].
	Notices []string
}

// Explain resolves the settings as [Load] does with the same options, and
// tells where each came from. With an error, the same as Load's, the
// explanation is complete: a refused value is marked, and its default shown.
func Explain(opts ...Option) (Explanation, error) {
	r, err := resolve(opts)
	return r.explain(), err
}

// Explain tells where each setting came from. Of Settings that did not come
// from [Load] it knows nothing, and returns the zero Explanation.
func (s Settings) Explain() Explanation {
	e := s.explained
	e.Settings = slices.Clone(e.Settings)
	e.Notices = slices.Clone(e.Notices)
	return e
}

// explain puts what is known of every setting into words.
func (r *resolution) explain() Explanation {
	e := Explanation{Profile: r.Profile, Notices: r.notices}
	for _, d := range definitions {
		v := r.found[d.key]
		o := Origin{Name: d.names[0], Value: d.show(&r.Settings), Source: v.source, Mark: r.marks[d.key]}
		if !strings.EqualFold(v.name, d.names[0]) && !strings.HasSuffix(v.name, d.key) {
			o.As = v.name
		}
		if err := r.refused[d.key]; err != nil {
			o.Mark = "refused: " + err.Error()
		}
		e.Settings = append(e.Settings, o)
	}
	return e
}

// String lays the explanation out as a table, a line for each setting.
func (e Explanation) String() string {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, o := range e.Settings {
		value := o.Value
		if value == "" {
			value = "-"
		}
		source := o.Source.String()
		if o.As != "" {
			source += " as " + o.As
		}
		if o.Mark != "" {
			source += "  (!) " + o.Mark
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", o.Name, value, source) // a strings.Builder takes all
	}
	_ = table.Flush()
	for _, n := range e.Notices {
		out.WriteString("note: " + n + "\n")
	}
	return out.String()
}
