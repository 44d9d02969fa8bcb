// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"os"
)

// builtIn are the profiles that Prefect 3 ships, with the settings that are
// ours. They count only where there is no file of profiles.
var builtIn = map[string]map[string]any{
	"ephemeral": {},
	"local":     {"PREFECT_API_URL": "http://127.0.0.1:4200/api"},
	"test":      {},
	"cloud":     {},
}

// profilesPath3 finds the file of profiles as Prefect 3 does; "" stands for
// the built-in ones. It goes by what is written, before any "~" or
// $PREFECT_HOME in it would be filled in.
func (c config) profilesPath3(exact map[string]string, f files) (string, error) {
	for _, name := range []string{"PREFECT_TEST_MODE", "PREFECT_UNIT_TEST_MODE", "PREFECT_TESTING_UNIT_TEST_MODE", "PREFECT_TESTING_TEST_MODE"} {
		if exact[name] != "" {
			return "", nil
		}
	}
	if path := exact["PREFECT_PROFILES_PATH"]; path != "" {
		return cleanPath(path), nil
	}
	if path := f.dotEnvExact["PREFECT_PROFILES_PATH"]; path != "" {
		return cleanPath(path), nil
	}
	for _, doc := range f.documents {
		keys := append(doc.root[:len(doc.root):len(doc.root)], "profiles_path")
		raw, ok := doc.file.at(keys...)
		if !ok || raw == "" {
			continue
		}
		path, isText := raw.(string)
		if !isText {
			source := Source{Kind: doc.kind, File: doc.file.path, Line: doc.file.line(keys...)}
			return "", &Error{Name: "profiles_path", Source: source, Value: shown(raw), Err: errNotText}
		}
		return cleanPath(path), nil
	}
	if home := exact["PREFECT_HOME"]; home != "" {
		return joinPath(home, "profiles.toml"), nil
	}
	home := c.userHome(exact)
	if home == "" {
		return "", nil
	}
	path := joinPath(home, ".prefect/profiles.toml")
	if _, err := os.Stat(path); err != nil {
		return "", nil // Prefect asks only whether it exists
	}
	return path, nil
}

// profilesPath2 finds the file of profiles as Prefect 2 does.
func (c config) profilesPath2(exact map[string]string, env variables) string {
	home := "~/.prefect"
	if v, ok := env["PREFECT_HOME"]; ok {
		home = cleanPath(v.raw.(string))
	}
	expanded, err := expandUser(home, c.userHome(exact))
	if err != nil {
		return "" // resolve tells of it when PREFECT_HOME was set
	}
	path := "${PREFECT_HOME}/profiles.toml"
	if v, ok := env["PREFECT_PROFILES_PATH"]; ok {
		path = v.raw.(string)
	}
	return cleanPath(fillHome(path, expanded))
}

// openProfile adds the active profile of the file at path to o.
func (c config) openProfile(o *opened, path string) error {
	fallback := "ephemeral"
	if c.generation == Prefect2 {
		fallback = "default"
	}
	o.profile = fallback
	wanted, isSet := o.exact["PREFECT_PROFILE"]
	if wanted == "" && c.generation == Prefect3 {
		isSet = false
	}

	var file *tomlFile
	if path != "" {
		text, ok, err := c.read(path, false)
		if err != nil {
			return err
		}
		if !ok {
			// Prefect 3 then has one profile, the default one, whatever is wanted.
			if isSet && wanted != fallback {
				o.remarks = append(o.remarks, fmt.Sprintf("profile %q (PREFECT_PROFILE) is not there: there is no file %s; no profile is used", wanted, path))
			}
			return nil
		}
		if file, err = parseTOML(path, text); err != nil {
			return err
		}
		if !isSet {
			raw, _ := file.at("active")
			if wanted, isSet = raw.(string); !isSet && raw != nil {
				return &Error{Name: "active", Source: Source{Kind: FromProfile, File: path, Line: file.line("active")}, Err: errNotText}
			}
			isSet = wanted != ""
		}
		if raw, ok := file.at("profiles"); ok {
			if _, isTable := raw.(map[string]any); !isTable {
				return &Error{Name: "profiles", Source: Source{Kind: FromProfile, File: path, Line: file.line("profiles")}, Err: errors.New("want a table of profiles")}
			}
		}
	}

	p := profile{name: wanted, file: file}
	if !isSet {
		p.name = fallback
	}
	var ok bool
	p.data, ok = lookUpProfile(p, c.generation)
	if !ok && isSet && p.name != fallback {
		o.remarks = append(o.remarks, fmt.Sprintf("profile %q is not there; the default profile %q is used", p.name, fallback))
	}
	if !ok || !isSet {
		// The default profile of Prefect 3 is the built-in one, even where the
		// file has one of that name.
		p = profile{name: fallback}
		if c.generation == Prefect2 {
			p.file = file
		}
		p.data, ok = lookUpProfile(p, c.generation)
	}
	o.profile = p.name
	if ok {
		if p.data == nil {
			return &Error{Name: "profiles." + p.name, Source: Source{Kind: FromProfile, Profile: p.name, File: path, Line: file.line("profiles", p.name)}, Err: errors.New("want a table of settings")}
		}
		o.places = append(o.places, p)
	}
	return nil
}

// lookUpProfile returns the profile's data, nil when it is no table. With a
// file the built-in profiles of Prefect 3 do not count; they hold nothing of
// ours but a URL.
func lookUpProfile(p profile, g Generation) (map[string]any, bool) {
	if p.file == nil {
		data, ok := builtIn[p.name]
		return data, ok && g == Prefect3
	}
	raw, ok := p.file.at("profiles", p.name)
	if !ok {
		return nil, false
	}
	data, _ := raw.(map[string]any)
	return data, true
}
