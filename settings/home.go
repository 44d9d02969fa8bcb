// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"os/user"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// userHome is the home directory of the user, "" when there is none. As in
// Python the environment says it first; the user database is asked only when
// the environment is the process's own.
func (c config) userHome(exact map[string]string) string {
	name := "HOME"
	if runtime.GOOS == "windows" {
		name = "USERPROFILE"
	}
	if home := exact[name]; home != "" {
		return home
	}
	if c.ownEnvironment {
		if u, err := user.Current(); err == nil {
			return u.HomeDir
		}
	}
	return ""
}

var errNoHome = errors.New("the home directory that ~ stands for is not known: set HOME, or write the path out")

// expandUser puts home for a leading "~".
func expandUser(p, home string) (string, error) {
	rest, ok := strings.CutPrefix(p, "~")
	if !ok {
		return p, nil
	}
	if rest != "" && !strings.HasPrefix(rest, "/") && !strings.HasPrefix(rest, string(filepath.Separator)) {
		name, below, _ := strings.Cut(rest, "/")
		u, err := user.Lookup(name)
		if err != nil {
			return "", errors.New("the home directory of that user is not known")
		}
		return cleanPath(u.HomeDir + "/" + below), nil
	}
	if home == "" {
		return "", errNoHome
	}
	return cleanPath(home + rest), nil
}

// cleanPath is the form in which Python's pathlib keeps a path: without
// doubled slashes, without "." in it, with its "..".
func cleanPath(p string) string {
	if runtime.GOOS == "windows" {
		return filepath.Clean(p)
	}
	var parts []string
	for part := range strings.SplitSeq(p, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	clean := strings.Join(parts, "/")
	switch {
	case strings.HasPrefix(p, "//") && !strings.HasPrefix(p, "///"):
		return "//" + clean
	case strings.HasPrefix(p, "/"):
		return "/" + clean
	case clean == "":
		return "."
	}
	return clean
}

// joinPath is below under dir, unless below is absolute.
func joinPath(dir, below string) string {
	if path.IsAbs(below) || filepath.IsAbs(below) {
		return cleanPath(below)
	}
	return cleanPath(dir + "/" + below)
}

// fillHome puts home for $PREFECT_HOME and ${PREFECT_HOME}, and "$" for "$$",
// as Prefect 2 does in paths.
func fillHome(p, home string) string {
	var out strings.Builder
	for {
		before, after, ok := strings.Cut(p, "$")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		braced, isBraced := strings.CutPrefix(after, "{PREFECT_HOME}")
		named, isNamed := strings.CutPrefix(after, "PREFECT_HOME")
		switch {
		case strings.HasPrefix(after, "$"):
			out.WriteByte('$')
			p = after[1:]
		case isBraced:
			out.WriteString(home)
			p = braced
		case isNamed && (named == "" || !isNameByte(named[0])):
			out.WriteString(home)
			p = named
		default:
			out.WriteByte('$')
			p = after
		}
	}
}

func isNameByte(c byte) bool {
	return c == '_' || isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z'
}
