// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package servers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// fakePython answers as Python 3.11, makes environments that hold itself, and notes each call in the file calls beside it. Its
// pip fails while a file called broken is there, once if the file says so, and its servers do what the shell file called server says.
const fakePython = `#!/bin/sh
here=FOLDER
case "$*" in
-c*) echo MINOR; exit ;;
"-m venv "*) echo venv >>$here/calls; mkdir -p "$3/bin" && cp $here/python "$3/bin/python" ;;
"-m pip install "*)
	echo "pip${PIP_CONSTRAINT:+ with $(cat "$PIP_CONSTRAINT")}" >>$here/calls
	if [ -e $here/broken ]; then
		if grep -q once $here/broken; then rm $here/broken; fi
		echo "no room left"
		exit 1
	fi ;;
"-m uvicorn "*) echo uvicorn >>$here/calls; . $here/server ;;
*) echo "unexpected: $*" >>$here/calls; exit 1 ;;
esac
`

// useFakePython makes it the only Python, with a cache of its own, and gives a function that tells its calls.
func useFakePython(t *testing.T, minor int) (folder string, calls func() string) {
	t.Helper()
	folder = t.TempDir()
	script := strings.NewReplacer("FOLDER", folder, "MINOR", fmt.Sprint(minor)).Replace(fakePython)
	if err := os.WriteFile(filepath.Join(folder, "python"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(PythonVariable, filepath.Join(folder, "python"))
	t.Setenv(CacheVariable, filepath.Join(folder, "cache"))
	return folder, func() string {
		calls, err := os.ReadFile(filepath.Join(folder, "calls"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return string(calls)
	}
}

func TestAnEnvironmentIsMadeOnceHoweverManyAsk(t *testing.T) {
	_, calls := useFakePython(t, 11)
	var wg sync.WaitGroup
	var pythons [4]string
	var errs [4]error
	for i := range pythons {
		wg.Go(func() { pythons[i], errs[i] = Environment(t.Context(), Prefect38) })
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	for _, python := range pythons {
		if python != pythons[0] {
			t.Errorf("one call gave %s, another %s", pythons[0], python)
		}
	}
	if got, want := calls(), "venv\npip\n"; got != want {
		t.Errorf("calls: %q, want %q", got, want)
	}
}

func TestAnEnvironmentWhoseMakingFailedIsMadeAnew(t *testing.T) {
	folder, calls := useFakePython(t, 11)
	broken := filepath.Join(folder, "broken")
	if err := os.WriteFile(broken, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Environment(t.Context(), Prefect27)
	if err == nil || !strings.Contains(err.Error(), "no room left") {
		t.Errorf("a failing pip gave %v, want an error with what it said", err)
	}
	if _, ok := errors.AsType[*MissingError](err); ok {
		t.Error("a failing pip counts as something missing, so tests would skip")
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	python, err := Environment(t.Context(), Prefect27)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(python); err != nil {
		t.Error(err)
	}
	const venv, pip = "venv\n", "pip with poetry-core==1.0.8\n"
	if got, want := calls(), venv+pip+pip+pip+venv+pip; got != want {
		t.Errorf("calls: %q, want %q", got, want)
	}
}

func TestADownloadThatBreaksOffIsDoneAgain(t *testing.T) {
	folder, calls := useFakePython(t, 11)
	if err := os.WriteFile(filepath.Join(folder, "broken"), []byte("once"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Environment(t.Context(), Prefect38); err != nil {
		t.Fatal(err)
	}
	if got, want := calls(), "venv\npip\npip\n"; got != want {
		t.Errorf("calls: %q, want %q", got, want)
	}
}

func TestAMissingPythonIsNamedWithAWayToGetIt(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T)
		want    []string
	}{
		{
			"no Python at all",
			func(t *testing.T) { t.Setenv(PythonVariable, ""); t.Setenv("PATH", t.TempDir()) },
			[]string{"prefect 2.7.0 needs Python 3.11,", "apt-get install", PythonVariable},
		},
		{
			"a Python that is too new",
			func(t *testing.T) { useFakePython(t, 13) },
			[]string{"prefect 2.7.0 needs Python 3.11,", "python is Python 3.13"},
		},
		{
			"a name on PATH that does not run",
			func(t *testing.T) {
				folder := t.TempDir()
				if err := os.WriteFile(filepath.Join(folder, "python3"), []byte("#!/bin/sh\nexit 127\n"), 0o755); err != nil {
					t.Fatal(err)
				}
				t.Setenv(PythonVariable, "")
				t.Setenv("PATH", folder)
			},
			[]string{"prefect 2.7.0 needs Python 3.11,", "python3 does not run"},
		},
		{
			"a Python without venv, as Debian splits it",
			func(t *testing.T) {
				folder, _ := useFakePython(t, 11)
				script := "#!/bin/sh\necho 11\nexit 1\n"
				if err := os.WriteFile(filepath.Join(folder, "python"), []byte(script), 0o755); err != nil {
					t.Fatal(err)
				}
			},
			[]string{"without venv and pip", "apt-get install python3.11-venv"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.prepare(t)
			_, err := Environment(t.Context(), Prefect27)
			if _, ok := errors.AsType[*MissingError](err); !ok {
				t.Fatalf("got %v, want a MissingError", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestProgramsSeeNoVariableThatWouldSteerThem(t *testing.T) {
	for _, name := range []string{"PREFECT_API_URL", "PREFECT_PROFILE", "prefect_api_key", "OTEL_SDK_DISABLED", "PYTHONPATH", "UVICORN_PORT", "PGHOST", "https_proxy"} {
		t.Setenv(name, "stray")
	}
	t.Setenv("PREFECTLOGS_OTHER", "kept")
	env := strings.Join(pythonEnvironment("/env/bin/python", "/home/of/server"), "\n")
	if strings.Contains(env, "stray") {
		t.Errorf("a variable got through:\n%s", env)
	}
	for _, want := range []string{"PREFECTLOGS_OTHER=kept", "PATH=/env/bin:", "\nHOME=/home/of/server", "PREFECT_HOME=/home/of/server"} {
		if !strings.Contains(env, want) {
			t.Errorf("%s is not there:\n%s", want, env)
		}
	}
}

func TestTheCacheIsInTheRepositoryWhateverModuleAndFolderATestRunsIn(t *testing.T) {
	t.Setenv(CacheVariable, "")
	t.Chdir(t.TempDir())
	cache, err := cacheFolder()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Dir(filepath.Dir(cache))
	if _, err := os.Stat(filepath.Join(root, "internal", "servers", "doc.go")); err != nil {
		t.Errorf("the cache is %s: %v", cache, err)
	}
}
