// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// CacheVariable may name the folder that keeps the Python environments; without it they live in
// .cache/servers at the root of the repository.
const CacheVariable = "PREFECTLOGS_CACHE"

// madeMarker is written last, so an environment whose making was cut off is never taken for a good one
// (a rename would not do: virtual environments carry their own path).
const madeMarker = "made-by-prefectlogs"

// Environment gives the Python interpreter of a virtual environment with exactly the packages of the
// version's lock file. The first call on a machine makes it, which takes about half a minute
// and downloads about 60 MB; later calls find it. Safe for concurrent use, by other processes too.
func Environment(ctx context.Context, version Version) (python string, err error) {
	r, err := version.release()
	if err != nil {
		return "", err
	}
	lock, err := r.lock()
	if err != nil {
		return "", err
	}
	base, err := findPython(ctx, r)
	if err != nil {
		return "", err
	}
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "python3.%d %s\n%s", base.minor, r.buildWith, lock))
	folder := filepath.Join(cache, fmt.Sprintf("%s-%x", r.exact, sum[:6]))
	python = filepath.Join(folder, "bin", "python")
	if isMade(folder, python) {
		return python, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("servers: making the folder of environments: %w", err)
	}
	unlock, err := lockFile(ctx, folder+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if isMade(folder, python) { // by the process that held the lock before us
		return python, nil
	}
	return python, install(ctx, r, base, folder, python, lock)
}

// attempts is how often pip is asked: it tries a connection again, but not a download that breaks off, and there are a hundred and
// fifty of them. What it has downloaded it keeps.
const attempts = 3

func isMade(folder, python string) bool {
	for _, path := range []string{filepath.Join(folder, madeMarker), python} {
		if _, err := os.Stat(path); err != nil {
			return false
		}
	}
	return true
}

// install makes the environment. The caller holds its lock.
func install(ctx context.Context, r release, base interpreter, folder, python string, lock []byte) error {
	began := time.Now()
	progress("prefect %s: installing (once) in %s", r.exact, folder)
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("servers: removing an unfinished environment: %w", err)
	}
	venv := exec.CommandContext(ctx, base.path, "-m", "venv", folder)
	venv.Env = cleanEnvironment()
	if err := runStep(venv, "making a virtual environment for prefect "+r.exact); err != nil {
		return err
	}
	lockPath := filepath.Join(folder, "requirements.txt")
	if err := os.WriteFile(lockPath, lock, 0o644); err != nil {
		return fmt.Errorf("servers: writing the lock file: %w", err)
	}
	args := []string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "10",
		"--no-deps", "--require-hashes", "--only-binary", ":all:"}
	env := cleanEnvironment()
	if r.fromSource != "" {
		args = append(args, "--no-binary", r.fromSource)
		constraint := filepath.Join(folder, "build-constraint.txt")
		if err := os.WriteFile(constraint, []byte(r.buildWith+"\n"), 0o644); err != nil {
			return fmt.Errorf("servers: writing the build constraint: %w", err)
		}
		env = append(env, "PIP_CONSTRAINT="+constraint)
	}
	for attempt := 1; ; attempt++ {
		pip := exec.CommandContext(ctx, python, append(args, "--requirement", lockPath)...)
		pip.Env = env
		err := runStep(pip, "installing prefect "+r.exact+" from its lock file")
		if err == nil {
			break
		}
		if attempt == attempts || ctx.Err() != nil {
			return err
		}
		progress("%v; once more", err)
	}
	if err := os.WriteFile(filepath.Join(folder, madeMarker), nil, 0o644); err != nil {
		return fmt.Errorf("servers: marking the environment as made: %w", err)
	}
	progress("prefect %s: installed in %.1f s", r.exact, time.Since(began).Seconds())
	return nil
}

// begunIn is the folder this process began in, before any test changed it; empty where that cannot be told.
var begunIn, _ = os.Getwd()

// cacheFolder is where environments live: named, or in the repository, whichever of its modules the
// tests run in, or (for a copy of the module without its repository) in the user's cache.
func cacheFolder() (string, error) {
	if named := os.Getenv(CacheVariable); named != "" {
		return filepath.Abs(named)
	}
	dir := begunIn
	for dir != "" {
		isRoot, err := isRepository(dir)
		if err != nil {
			return "", err
		}
		if isRoot {
			return filepath.Join(dir, ".cache", "servers"), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("servers: no repository above the working folder and no cache folder: %w; set %s", err, CacheVariable)
	}
	return filepath.Join(user, "prefectlogs", "servers"), nil
}

func isRepository(dir string) (bool, error) {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("servers: looking for the repository: %w", err)
	}
	first, _, _ := bytes.Cut(mod, []byte("\n"))
	return strings.TrimSpace(string(first)) == "module github.com/prefectlogs/prefectlogs", nil
}
