// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// PythonVariable may name the interpreters to make environments with, separated as the folders of PATH are; without it
// PATH is searched.
const PythonVariable = "PREFECTLOGS_PYTHON"

// interpreter is a Python that can make virtual environments.
type interpreter struct {
	path  string
	minor int // 3.minor
}

// interpreters looks for Pythons: the one that is named, else those on PATH under their usual names.
// found describes those that were seen but cannot be used.
func interpreters(ctx context.Context, fits func(minor int) bool) (python interpreter, found []string, ok bool) {
	names := []string{"python3"}
	for minor := 11; minor <= 14; minor++ {
		names = append(names, "python3."+strconv.Itoa(minor))
	}
	if named := os.Getenv(PythonVariable); named != "" {
		names = filepath.SplitList(named)
	}
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		minor, err := probePython(ctx, path)
		switch {
		case err != nil:
			found = append(found, err.Error())
		case !fits(minor):
			found = append(found, fmt.Sprintf("%s is Python 3.%d", path, minor))
		default:
			return interpreter{path, minor}, found, true
		}
	}
	return interpreter{}, found, false
}

// probePython runs a Python to learn its version and whether it can make environments: Debian splits
// that off into another package, and pyenv leaves names on PATH that only print an error.
func probePython(ctx context.Context, path string) (minor int, err error) {
	probe := exec.CommandContext(ctx, path, "-c", "import sys; print(sys.version_info[1]); import venv, ensurepip")
	probe.Env = cleanEnvironment()
	out, err := probe.Output()
	minor, convErr := strconv.Atoi(strings.TrimSpace(string(out)))
	switch {
	case convErr != nil:
		return 0, fmt.Errorf("%s does not run", path)
	case err != nil:
		return 0, fmt.Errorf("%s is Python 3.%d without venv and pip (Debian: apt-get install python3.%d-venv)", path, minor, minor)
	}
	return minor, nil
}

// findPython finds a Python for a release, or says with a [MissingError] which would do.
func findPython(ctx context.Context, r release) (interpreter, error) {
	fits := func(minor int) bool { return r.pythonOldest <= minor && minor <= r.pythonNewest }
	python, found, ok := interpreters(ctx, fits)
	if ok {
		return python, nil
	}
	if err := context.Cause(ctx); err != nil {
		return interpreter{}, fmt.Errorf("servers: looking for Python: %w", err)
	}
	what := fmt.Sprintf("Python 3.%d", r.pythonOldest)
	if r.pythonNewest > r.pythonOldest {
		what += fmt.Sprintf(" to 3.%d", r.pythonNewest)
	}
	get := fmt.Sprintf("install it with venv (Debian: apt-get install python3 python3-venv) or set %s to one", PythonVariable)
	if len(found) > 0 {
		get += "; seen: " + strings.Join(found, "; ")
	}
	return interpreter{}, &MissingError{What: what, Need: "prefect " + r.exact, Get: get}
}

// cleanEnvironment is this process's environment without what would steer a Python, a Prefect, an OpenTelemetry SDK, uvicorn or
// PostgreSQL: their variables.
func cleanEnvironment() []string {
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(strings.ToUpper(entry), "=")
		switch {
		case strings.HasPrefix(name, "PREFECT_"), strings.HasPrefix(name, "OTEL_"), strings.HasPrefix(name, "UVICORN_"):
		case strings.HasPrefix(name, "PYTHON"), name == "VIRTUAL_ENV":
		case strings.HasPrefix(name, "PG"): // PostgreSQL's clients
		default:
			env = append(env, entry)
		}
	}
	return env
}

// pythonEnvironment is a clean environment in which the virtual environment of python comes first, its
// programs are found by name (Prefect 2.7 calls uvicorn so), and home stands in for the user's.
func pythonEnvironment(python, home string) []string {
	path := filepath.Dir(python)
	if rest := os.Getenv("PATH"); rest != "" {
		path += string(filepath.ListSeparator) + rest
	}
	env := slices.DeleteFunc(cleanEnvironment(), func(entry string) bool {
		// Proxies have no business between loopback ports; pip may need them.
		name, _, _ := strings.Cut(strings.ToUpper(entry), "=")
		return name == "HTTP_PROXY" || name == "HTTPS_PROXY" || name == "ALL_PROXY"
	})
	return append(env,
		"PATH="+path,
		"VIRTUAL_ENV="+filepath.Dir(filepath.Dir(python)),
		"HOME="+home,
		"PREFECT_HOME="+home,
		"PREFECT_PROFILES_PATH="+filepath.Join(home, "profiles.toml"),
		"DO_NOT_TRACK=1",
		"PYTHONUNBUFFERED=1",
		"PYTHONUTF8=1",
	)
}

// tail is the end of a program's output, for errors.
func tail(output []byte) string {
	const most = 4000
	if len(output) > most {
		output = output[len(output)-most:]
	}
	return strings.TrimSpace(string(output))
}

// runStep runs one program to its end; its error carries the end of what the program said.
func runStep(cmd *exec.Cmd, what string) error {
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	return fmt.Errorf("servers: %s: %w; its output ends:\n%s", what, err, tail(out))
}
