// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The files that Prefect ships: of 3.8.8, and for the second generation of
// Orion, 2.7.0.
var (
	//go:embed shipped/logging3.yml
	shippedLogging3 string
	//go:embed shipped/logging2.yml
	shippedLogging2 string
)

// Logging is a configuration of Python's logging, as Prefect resolves it from a
// logging.yml. It prints nothing of its content, which settings were filled into.
type Logging struct {
	// Config is the dictionary that Prefect hands to logging.config.dictConfig:
	// of string, int64, float64, bool, nil, []any and map[string]any. It is the
	// caller's.
	Config map[string]any
	// File is where it was read from; "" where Prefect's own file holds.
	File string
	// Generation is whose rules were followed.
	Generation Generation
	// ExtraLoggers is PREFECT_LOGGING_EXTRA_LOGGERS.
	ExtraLoggers []string
	// Colors is PREFECT_LOGGING_COLORS, true by default.
	Colors bool
	// Notices is what is worth telling a person though it stops nothing.
	Notices []string
}

// String says where the configuration is from.
func (l Logging) String() string {
	if l.File == "" {
		return "the logging.yml that Prefect ships"
	}
	return l.File
}

// Format prints what String returns, whatever the verb.
func (l Logging) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, l.String()) // fmt ignores what a Formatter could not write
}

// LoadLogging reads a logging.yml as Prefect's load_logging_config does:
// $SETTING and ${SETTING} stand for any setting of Prefect's, and environment
// variables override single values, their names made of PREFECT_LOGGING_ and
// the path of the key, as PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL; one
// that is empty is passed over. For Prefect 3 an override of a list has its items
// between commas.
//
// Where path is "" the file is found as Prefect finds it: the setting
// PREFECT_LOGGING_CONFIG_PATH, by default logging.yml in Prefect's home, and if
// nothing is there the one that Prefect ships. The options say where settings
// and the environment come from, as for [Load].
//
// An unknown setting, bad YAML, a file that is no configuration and every problem
// of the settings is an error that names the place.
func LoadLogging(path string, opts ...Option) (Logging, error) {
	r, err := resolve(opts)
	if err != nil {
		return Logging{}, err
	}
	return r.loadLogging(path)
}

// Logging reads the logging.yml that these settings name, as [LoadLogging] does
// without a path, from the sources that they were loaded from. Fields that were
// changed since hold. For Settings that did not come from [Load] no
// file is read, and the environment overrides nothing.
func (s Settings) Logging() (Logging, error) {
	opts := s.sources
	if opts == nil {
		opts = []Option{WithoutFiles(), WithEnvironment(nil)}
	}
	r, err := resolve(opts)
	if err != nil {
		return Logging{}, err
	}
	for _, d := range definitions {
		if before, after := d.show(&r.Settings), d.show(&s); before != after {
			r.found[d.key] = value{name: d.names[0], source: Source{Kind: FromOption}}
		}
	}
	r.Settings = s
	return r.loadLogging("")
}

// loadLogging reads the file at path, or where path is "" the one in force.
func (r *resolution) loadLogging(path string) (Logging, error) {
	l := Logging{Generation: r.generation, ExtraLoggers: slices.Clone(r.ExtraLoggers)}
	text, found := "", false
	wanted := path
	if wanted == "" && r.files {
		wanted = r.ConfigPath
	}
	if wanted != "" {
		raw, ok, err := r.read(wanted, false)
		if err != nil {
			return Logging{}, err
		}
		text, found = string(raw), ok
	}
	switch {
	case found:
		l.File = wanted
	case path != "":
		return Logging{}, fmt.Errorf("%s: there is no such file", path)
	default:
		if r.files && r.isSet("logging.config_path") {
			v := r.found["logging.config_path"]
			l.Notices = append(l.Notices, fmt.Sprintf("%s (%s) names a file that is not there; the logging.yml that Prefect ships holds", v.name, v.source))
		}
		text = shippedLogging3
		if r.generation == Prefect2 {
			text = shippedLogging2
		}
	}
	variables := r.newVariables()
	filled, err := fillTemplate(text, variables.text)
	if err == nil {
		l.Config, err = parseYAML(filled)
	}
	if err != nil {
		return Logging{}, fmt.Errorf("%s:%w", l, err)
	}
	l.Config = override(l.Config, nil, r.exact, r.generation)
	colors, err := variables.text("PREFECT_LOGGING_COLORS")
	if err != nil {
		return Logging{}, err
	}
	l.Colors = colors == "True"
	return l, nil
}

// notInVariables are the runs of characters that no variable's name has.
var notInVariables = regexp.MustCompile(`[^0-9a-zA-Z]+`)

// override puts in place of every value in a table, below path, what the
// environment has for it.
func override(table map[string]any, path []string, environment map[string]string, g Generation) map[string]any {
	for key, v := range table {
		here := append(path[:len(path):len(path)], key)
		if below, ok := v.(map[string]any); ok && len(below) > 0 {
			table[key] = override(below, here, environment, g)
			continue
		}
		name := strings.ToUpper(notInVariables.ReplaceAllString("PREFECT_LOGGING_"+strings.Join(here, "_"), "_"))
		text := environment[name]
		if text == "" {
			continue
		}
		table[key] = text
		if _, isList := v.([]any); isList && g == Prefect3 {
			var list []any
			for item := range strings.SplitSeq(text, ",") {
				list = append(list, item)
			}
			table[key] = list
		}
	}
	return table
}

// fillTemplate puts values for $NAME and ${NAME}, and "$" for "$$", as Python's
// string.Template does. Errors begin with the line: "3: ...".
func fillTemplate(text string, lookUp func(name string) (string, error)) (string, error) {
	var out strings.Builder
	var errs []error
	line := 1
	for {
		before, after, ok := strings.Cut(text, "$")
		out.WriteString(before)
		line += strings.Count(before, "\n")
		if !ok {
			return out.String(), errors.Join(errs...)
		}
		if rest, ok := strings.CutPrefix(after, "$"); ok {
			out.WriteByte('$')
			text = rest
			continue
		}
		inner, braced := strings.CutPrefix(after, "{")
		n := 0
		for n < len(inner) && isNameByte(inner[n]) {
			n++
		}
		name := inner[:n]
		if name == "" || isDigit(name[0]) || braced && !strings.HasPrefix(inner[n:], "}") {
			return "", errors.Join(append(errs, fmt.Errorf("%d: a $ that no name of a setting follows; write $$ for the sign itself", line))...)
		}
		text = inner[n:]
		if braced {
			text = text[1:]
		}
		v, err := lookUp(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("%d: %w", line, err))
		}
		out.WriteString(v)
	}
}
