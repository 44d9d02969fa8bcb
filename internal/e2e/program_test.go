// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// limit is for any one program that a test starts. They take some 10 s on an idle machine; it only ends a test that hangs.
const limit = 8 * time.Minute

// programFolder is where the example's program is built.
var programFolder string

func TestMain(m *testing.M) {
	var err error
	if programFolder, err = os.MkdirTemp("", "prefectlogs-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer os.RemoveAll(programFolder)
	serverstest.Main(m)
}

// The servers on which Prefect starts runs: each generation that has workers.
var rowsWithWorkers = []servers.Row{servers.Prefect220SQLite, servers.Prefect38SQLite}

// eachWithWorkers runs a test on each of them, side by side.
func eachWithWorkers(t *testing.T, test func(t *testing.T, s *servers.Server)) {
	t.Helper()
	t.Parallel()
	for _, row := range rowsWithWorkers {
		t.Run(row.String(), func(t *testing.T) {
			t.Parallel()
			test(t, serverstest.Get(t, row))
		})
	}
}

// examples is the folder of the example that the tests run: a Go program, and a flow that starts it.
const examples = "../../examples/worker"

var build = sync.OnceValues(func() (program string, err error) {
	program = filepath.Join(programFolder, "worker")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Dir = examples
	cmd.Stderr = os.Stderr
	return program, cmd.Run()
})

// workerProgram is the example's program. Nothing of it is made for tests.
func workerProgram(t *testing.T) (path string) {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatalf("building %s: %v", examples, err)
	}
	return program
}

// flowFolder is a new folder with the example's flow.py, and as worker a script that writes its environment down and
// becomes the program: see childEnvironment.
func flowFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	flow, err := os.ReadFile(filepath.Join(examples, "flow.py"))
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\nenv >\"$0.${1:-alone}.env\"\nexec '" + workerProgram(t) + "' \"$@\"\n"
	for name, text := range map[string]string{"flow.py": string(flow), "worker": script} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// childEnvironment is what the worker of a flowFolder was started with, when its first argument was the one given; the
// argument of a worker without any is "alone".
func childEnvironment(t *testing.T, folder, argument string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "worker."+argument+".env"))
	if err != nil {
		t.Fatalf("the program was not started: %v", err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env[name] = value
	}
	return env
}

// client is a program of Prefect's Python side that is a client of a server.
type client struct {
	folder string   // its working directory
	argv   []string // with the environment's interpreter and commands on its PATH
	env    []string // besides what [servers.Server.Env] gives
}

// run runs the program to its end, gives what it printed, and expects it to succeed. It has a process group of its own, of
// which nothing is left afterwards, however the test ends.
func (c client) run(t *testing.T, s *servers.Server) (output string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var said strings.Builder
	code, err := servers.With(ctx, nil, c.command(t, s), &said, &said)
	if err != nil || code != 0 || ctx.Err() != nil {
		t.Fatalf("%v ended with %d, %v, %v:\n%s", c.argv, code, err, ctx.Err(), said.String())
	}
	return said.String()
}

// serve starts the program and takes each of the steps when a line matches it, in their order; then it ends the program
// and what that has started. A program that ends before fails the test.
func (c client) serve(t *testing.T, s *servers.Server, steps ...step) (output string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	out, in := io.Pipe()
	defer out.Close() // lets the program's output end where a step ends the test
	ended := make(chan error, 1)
	command := c.command(t, s)
	go func() {
		_, err := servers.With(ctx, nil, command, in, in)
		in.Close()
		ended <- err
	}()
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if len(steps) == 0 || !steps[0].said.MatchString(lines.Text()) {
			continue
		}
		steps[0].then()
		if steps = steps[1:]; len(steps) == 0 {
			cancel() // and read on, so that it is not held up in ending
		}
	}
	io.Copy(io.Discard, out) // what follows a line too long to scan
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(steps) > 0 {
		t.Fatalf("%v ended and never said %q:\n%s", c.argv, steps[0].said, said.String())
	}
	return said.String()
}

// step is what a test does when a program has said something.
type step struct {
	said *regexp.Regexp
	then func()
}

// command makes the program's environment the client's alone and its folder the current one.
func (c client) command(t *testing.T, s *servers.Server) []string {
	return slices.Concat(
		[]string{"/usr/bin/env", "-i"}, s.Env(), c.env,
		[]string{"TMPDIR=" + t.TempDir()}, // where Prefect leaves what it does not clean up
		[]string{"/bin/sh", "-c", `cd "$0" && exec "$@"`, c.folder}, c.argv,
	)
}
