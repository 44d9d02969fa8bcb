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

// readsNoProfile reports whether Prefect 3 is in a test mode, in which it reads
// none. It is enough for the variable to hold anything, "false" included.
func readsNoProfile(exact map[string]string) bool {
	for _, name := range []string{"PREFECT_TEST_MODE", "PREFECT_UNIT_TEST_MODE", "PREFECT_TESTING_UNIT_TEST_MODE", "PREFECT_TESTING_TEST_MODE"} {
		if exact[name] != "" {
			return true
		}
	}
	return false
}

// profilesPath3 finds the file of profiles as Prefect 3 does; "" stands for
// the built-in ones. It goes by what is written, before any "~" or
// $PREFECT_HOME in it would be filled in.
func (c config) profilesPath3(exact map[string]string, f files) (string, error) {
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

// profilesPath2 finds the file of profiles as Prefect 2 does, "" when there is
// no home that it could be in.
func (c config) profilesPath2(exact map[string]string, env variables) string {
	home := "~/.prefect"
	if v, ok := env["PREFECT_HOME"]; ok {
		home = cleanPath(v.raw.(string)) // variables hold nothing but strings
	}
	home, err := expandUser(home, c.userHome(exact))
	if v, ok := env["PREFECT_PROFILES_PATH"]; ok {
		return cleanPath(fillHome(v.raw.(string), home))
	}
	if err != nil {
		return "" // derive tells of it when PREFECT_HOME was set
	}
	return joinPath(home, "profiles.toml")
}

// openProfile adds the active profile of the file at path to o.
func (c config) openProfile(o *opened, path string) error {
	o.profile = "ephemeral"
	if c.generation == Prefect2 {
		o.profile = "default"
	}
	wanted, isSet := o.exact["PREFECT_PROFILE"]
	if c.generation == Prefect3 && wanted == "" {
		isSet = false
	}
	file, active, err := c.readProfiles(path)
	switch {
	case err != nil:
		return err
	case file == nil && path != "":
		if isSet && wanted != o.profile {
			o.notices = append(o.notices, fmt.Sprintf("profile %q (PREFECT_PROFILE) is not there: there is no file %s; no profile is used", wanted, path))
		}
		return nil
	case !isSet:
		wanted = active
	}
	p, ok := findProfile(file, wanted, c.generation)
	if !ok {
		if wanted != "" && wanted != o.profile {
			o.notices = append(o.notices, fmt.Sprintf("profile %q is not there; the default profile %q is used", wanted, o.profile))
		}
		if c.generation == Prefect3 {
			return nil // its default profile is the built-in one, which holds nothing of ours
		}
		if p, ok = findProfile(file, o.profile, c.generation); !ok {
			return nil
		}
	}
	o.profile = p.name
	if p.data == nil {
		source := Source{Kind: FromProfile, Profile: p.name, File: path, Line: file.line("profiles", p.name)}
		return &Error{Name: "profiles." + p.name, Source: source, Err: errors.New("want a table of settings")}
	}
	o.places = append(o.places, p)
	return nil
}

// readProfiles reads the file of profiles, and which of them is the active
// one. The file is nil when path is "", or when there is none.
func (c config) readProfiles(path string) (file *tomlFile, active string, err error) {
	if path == "" {
		return nil, "", nil
	}
	text, ok, err := c.read(path, false)
	if err != nil || !ok {
		return nil, "", err
	}
	if file, err = parseTOML(path, text); err != nil {
		return nil, "", err
	}
	source := Source{Kind: FromProfile, File: path}
	if raw, ok := file.at("active"); ok {
		if active, ok = raw.(string); !ok {
			source.Line = file.line("active")
			return nil, "", &Error{Name: "active", Source: source, Err: errNotText}
		}
	}
	if raw, ok := file.at("profiles"); ok {
		if _, isTable := raw.(map[string]any); !isTable {
			source.Line = file.line("profiles")
			return nil, "", &Error{Name: "profiles", Source: source, Err: errors.New("want a table of profiles")}
		}
	}
	return file, active, nil
}

// findProfile looks a profile up, without a file among Prefect 3's built-in
// ones. Its data is nil when it is no table. None has an empty name.
func findProfile(file *tomlFile, name string, g Generation) (profile, bool) {
	p := profile{name: name, file: file}
	if file == nil {
		var ok bool
		p.data, ok = builtIn[name]
		return p, ok && g == Prefect3
	}
	raw, ok := file.at("profiles", name)
	p.data, _ = raw.(map[string]any)
	return p, ok && name != ""
}
