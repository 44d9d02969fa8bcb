//go:build linux || darwin

// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAServerThatDoesNotComeUpSaysWhyAndLeavesNothing(t *testing.T) {
	reason := errors.New("no more patience")
	tests := []struct {
		name, server string
		patience     time.Duration
		wants        []string
		launches     int
	}{
		{"it ends at once", "echo boom; exit 3", time.Minute, []string{"prefect 3.8.8 on sqlite did not start", "exit code 3", "boom"}, 1},
		{"its port is taken each time", "echo 'address already in use'; exit 1", time.Minute, []string{"port was taken"}, 3},
		{"it never answers", "echo thinking; exec sleep 1000", 300 * time.Millisecond, []string{reason.Error(), "thinking"}, 1},
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
			ctx, cancel := context.WithTimeoutCause(t.Context(), test.patience, reason)
			defer cancel()
			_, err := Start(ctx, Prefect38SQLite)
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
