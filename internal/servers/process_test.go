// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package servers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// helperVariable turns this test binary into a process that starts something and waits to be killed.
const helperVariable = "PREFECTLOGS_TEST_HELPER"

// stubborn is a group of three processes that heed no polite signal.
var stubborn = []string{"sh", "-c", `trap '' TERM INT; sh -c 'trap "" TERM INT; sleep 1000 & wait; sleep 1000' & echo up; wait; sleep 1000`}

// TestHelperProcess is no test but what the tests below run and kill.
func TestHelperProcess(t *testing.T) {
	var lines []string
	switch what := os.Getenv(helperVariable); what {
	case "":
		return
	case "stubborn":
		folder, err := os.MkdirTemp("", "prefectlogs-helper-")
		if err != nil {
			t.Fatal(err)
		}
		p, err := startProgram(command{argv: stubborn, stdout: os.Stdout, folder: folder})
		if err != nil {
			t.Fatal(err)
		}
		lines = []string{strconv.Itoa(p.group), folder}
	default:
		row, err := ParseRow(what)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Start(t.Context(), row)
		if err != nil {
			t.Fatal(err)
		}
		lines = []string{strconv.Itoa(s.program.group), s.home}
		if c := running.cluster; c != nil {
			lines = append(lines, strconv.Itoa(c.program.group), c.folder)
		}
	}
	fmt.Println("started " + strings.Join(lines, " "))
	select {}
}

// startHelper runs this test binary as a helper and gives it with the groups and folders it says it has started.
func startHelper(t *testing.T, what string) (helper *exec.Cmd, groups []int, folders []string) {
	t.Helper()
	helper = exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperProcess$")
	helper.Env = append(os.Environ(), helperVariable+"="+what)
	if what != "stubborn" { // whose end by SIGQUIT would print all goroutines
		helper.Stderr = os.Stderr
	}
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
		rest, ok := strings.CutPrefix(lines.Text(), "started ")
		if !ok {
			continue
		}
		fields := strings.Fields(rest)
		for i := 0; i < len(fields); i += 2 {
			group, err := strconv.Atoi(fields[i])
			if err != nil {
				t.Fatal(err)
			}
			groups, folders = append(groups, group), append(folders, fields[i+1])
		}
		return helper, groups, folders
	}
	t.Fatalf("the helper did not start: %q", said)
	return nil, nil, nil
}

// awaitNothing waits until the groups and folders are gone. Nobody tells us: those who would are dead.
func awaitNothing(t *testing.T, groups []int, folders []string) {
	t.Helper()
	left := func() (left []string) {
		for _, group := range groups {
			if groupAlive(group) {
				left = append(left, fmt.Sprintf("process group %d", group))
			}
		}
		for _, folder := range folders {
			if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
				left = append(left, folder)
			}
		}
		return left
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	const patience = 5 * time.Minute
	for deadline := time.Now().Add(patience); len(left()) > 0; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("left behind after %v: %s", patience, strings.Join(left(), ", "))
		}
	}
}

func TestAProgramEndsWithTheProcessThatStartedIt(t *testing.T) {
	tests := []struct {
		name, what string
		signal     syscall.Signal
	}{
		{"stubborn children, when it is killed", "stubborn", syscall.SIGKILL},
		{"stubborn children, when it quits as on a test time-out", "stubborn", syscall.SIGQUIT},
		{"stubborn children, when it is interrupted", "stubborn", syscall.SIGINT},
		{"server and PostgreSQL, when it is killed", "2.20-postgresql", syscall.SIGKILL},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.what != "stubborn" {
				skipWithout(t, test.what)
			}
			helper, groups, folders := startHelper(t, test.what)
			for _, group := range groups {
				if !groupAlive(group) {
					t.Errorf("group %d is not there to begin with", group)
				}
			}
			if err := helper.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			if err := helper.Wait(); err == nil {
				t.Error("the helper ended in order, though it was told not to")
			}
			awaitNothing(t, groups, folders)
		})
	}
}

func skipWithout(t *testing.T, name string) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Prefect; run without -short")
	}
	if Required() {
		return
	}
	row, err := ParseRow(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := row.Version.release()
	if err != nil {
		t.Fatal(err)
	}
	_, pythonErr := findPython(t.Context(), r)
	_, postgresErr := findPostgres(t.Context())
	if err := errors.Join(pythonErr, postgresErr); err != nil {
		t.Skip(err)
	}
}

func TestEndLeavesNoProcessOfTheGroup(t *testing.T) {
	ended := func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx
	}
	tests := []struct {
		name string
		argv []string
		ctx  context.Context
		code int
	}{
		{"a program that heeds the signal ends by it", []string{"sh", "-c", "echo up; exec sleep 1000"}, t.Context(), 128 + int(syscall.SIGTERM)},
		{"a program that ends by itself has its own code", []string{"sh", "-c", "echo up; exit 5"}, t.Context(), 5},
		{"children that outlive their parent end too", []string{"sh", "-c", "sleep 1000 & echo up"}, t.Context(), 0},
		{"a stubborn group is killed when the context ends", stubborn, ended(t.Context()), 128 + int(syscall.SIGKILL)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, in, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			p, err := startProgram(command{argv: test.argv, stdout: in})
			in.Close()
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(out)
			if line, err := lines.ReadString('\n'); err != nil || line != "up\n" {
				t.Fatalf("the program said %q, error %v", line, err)
			}
			if test.code < 128 {
				<-p.exited
			}
			if err := p.end(test.ctx); err != nil {
				t.Error(err)
			}
			if err := p.end(t.Context()); err != nil {
				t.Errorf("ending again: %v", err)
			}
			if code := p.exitCode(); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			// The pipe ends only when every process that has it is gone.
			if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
				t.Errorf("the program went on to say %q, error %v", rest, err)
			}
			if p.watcher.ProcessState == nil {
				t.Error("the watcher is still there")
			}
		})
	}
}

func TestAProgramThatCannotRunIsAnErrorAndLeavesNoWatcher(t *testing.T) {
	_, err := startProgram(command{argv: []string{"true"}, dir: filepath.Join(t.TempDir(), "none")})
	if err == nil {
		t.Fatal("a program began in a folder that is not there")
	}
}

func TestLockFileLetsOneInAtATimeAndWaitsForAsLongAsItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lockFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	if _, err := lockFile(ctx, path); !errors.Is(err, reason) {
		t.Errorf("a second lock gave %v, want the context's cause", err)
	}
	got := make(chan error)
	go func() {
		unlock, err := lockFile(t.Context(), path)
		if err == nil {
			unlock()
		}
		got <- err
	}()
	unlock()
	if err := <-got; err != nil {
		t.Errorf("a lock that was given back: %v", err)
	}
}
