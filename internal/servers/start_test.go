// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package servers

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestAServerThatDoesNotComeUpSaysWhyAndLeavesNothing(t *testing.T) {
	reason := errors.New("no more patience")
	tests := []struct {
		name, server string
		wants        []string
		launches     int
	}{
		{"it ends at once", "echo boom; exit 3", []string{"prefect 3.8.8 on sqlite did not start", "exit code 3", "boom"}, 1},
		{"its port is taken each time", "echo 'address already in use'; exit 1", []string{"port was taken"}, 3},
		{"it never answers", "echo thinking; echo >$here/thinks; exec sleep 1000", []string{reason.Error(), "thinking"}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder, calls := useFakePython(t, 11)
			temp := t.TempDir()
			t.Setenv("TMPDIR", temp)
			if err := os.WriteFile(filepath.Join(folder, "server"), []byte(test.server+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := Environment(t.Context(), Prefect38); err != nil { // outside of the server's time
				t.Fatal(err)
			}
			before := runningServers()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			thinks := filepath.Join(folder, "thinks")
			if err := syscall.Mkfifo(thinks, 0o600); err != nil {
				t.Fatal(err)
			}
			go func() { // patience is at an end as soon as the server thinks
				if said, err := os.ReadFile(thinks); err == nil && len(said) > 0 {
					cancel(reason)
				}
			}()
			_, err := Start(ctx, Prefect38SQLite)
			// Where no server thought, this ends the reading.
			if end, err := os.OpenFile(thinks, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
				end.Close()
			}
			if err == nil {
				t.Fatal("it started")
			}
			for _, want := range test.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
			if got := strings.Count(calls(), "uvicorn"); got != test.launches {
				t.Errorf("launched %d times, want %d", got, test.launches)
			}
			left, err := os.ReadDir(temp)
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			if after := runningServers(); after != before {
				t.Errorf("%d servers count as running, before there were %d", after, before)
			}
		})
	}
}

func runningServers() int {
	running.mu.Lock()
	defer running.mu.Unlock()
	return len(running.servers)
}

func TestStopLeavesNothingOfAServerAndItsDatabase(t *testing.T) {
	skipWithout(t, Prefect220PostgreSQL.String())
	s, err := Start(t.Context(), Prefect220PostgreSQL)
	if err != nil {
		t.Fatal(err)
	}
	group, c := s.program.group, running.cluster
	if !groupAlive(group) {
		t.Errorf("process group %d is not there to begin with", group)
	}
	if err := c.sql(t.Context(), `CREATE DATABASE "`+s.database+`"`); err == nil {
		t.Error("the server's database is not there to begin with")
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitNothing(t, []int{group}, []string{s.home})
	if err := c.sql(t.Context(), `CREATE DATABASE "`+s.database+`"`); err != nil {
		t.Errorf("the server's database is still there: %v", err)
	}
}

func TestPostgreSQLEndsWithItsClientsAndLeavesNothing(t *testing.T) {
	skipWithout(t, Prefect220PostgreSQL.String())
	c, err := startCluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error)
	go func() { waiting <- c.sql(context.WithoutCancel(t.Context()), "SELECT pg_sleep(1000)") }()
	for err := errors.New("not yet"); err != nil && t.Context().Err() == nil; { // a division by zero: not there yet
		err = c.sql(t.Context(), "SELECT 1/count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()")
	}
	if err := c.stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-waiting; err == nil {
		t.Error("a statement of 1000 s came to its end")
	}
	awaitNothing(t, []int{c.program.group}, []string{c.folder})
}

func TestWithPassesASignalOnAndWaitsForTheCommand(t *testing.T) {
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		if _, err := out.Read(make([]byte, 1)); err == nil {
			cancel(&SignalError{os.Interrupt})
		}
	}()
	// The interrupted sleep ends the wait; then the shell has its say.
	code, err := With(ctx, nil, []string{"sh", "-c", "trap 'exit 9' INT; echo up; sleep 1000 & wait"}, in, nil)
	if err != nil || code != 9 {
		t.Errorf("exit code %d, error %v; want 9 from the command's own trap", code, err)
	}
}

func TestWithGivesItsCommandTheServersAndTakesItsExitCode(t *testing.T) {
	tests := []struct {
		name    string
		rows    []Row
		require string
		argv    []string
		code    int
		err     string
	}{
		{"a command that ends well", nil, "", []string{"sh", "-c", `test "$PREFECTLOGS_SERVERS" = '[]'`}, 0, ""},
		{"a command that fails", nil, "", []string{"sh", "-c", "exit 7"}, 7, ""},
		{"a command that a signal ends", nil, "", []string{"sh", "-c", "kill -KILL $$"}, 137, ""},
		{"a row that cannot be had is left out", []Row{Prefect27SQLite}, "", []string{"true"}, 0, ""},
		{"a row that cannot be had but must", []Row{Prefect27SQLite}, "1", []string{"true"}, 0, "prefect 2.7.0 needs Python 3.11"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			useFakePython(t, 14)
			t.Setenv("CI", "")
			t.Setenv(RequireVariable, test.require)
			code, err := With(t.Context(), test.rows, test.argv, nil, nil)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if test.err == "" && err != nil {
				t.Error(err)
			}
			if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("got %v, want an error with %q", err, test.err)
			}
		})
	}
}
