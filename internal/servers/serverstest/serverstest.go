// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package serverstest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/servers"
)

// limit is for a server's start, the making of its Python environment included.
const limit = 20 * time.Minute

// Main runs the tests and ends every server they started. A package that uses servers calls it as its
// TestMain; one that forgets leaves its servers to the watchers that end them after the process.
func Main(m *testing.M) {
	m.Run() // which hands the exit code to the testing package itself
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := servers.Close(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// Get gives the server of a row that all tests share: of all processes under withservers, else of this
// process, which starts it at the first call. Safe for parallel tests. A test keeps to flow runs that it made itself,
// and neither ends nor pauses the server.
//
// Without Python or PostgreSQL the test is skipped, saying what is missing; with CI=true or
// PREFECTLOGS_REQUIRE_SERVERS=1 it fails. With -short it is skipped.
func Get(t testing.TB, row servers.Row) *servers.Server {
	t.Helper()
	short(t)
	s, err := get(row)
	check(t, err)
	return s
}

// Each runs a test against the shared server of each row of [servers.Matrix], one subtest each.
func Each(t *testing.T, test func(t *testing.T, s *servers.Server)) {
	t.Helper()
	for _, row := range servers.Matrix() {
		t.Run(row.String(), func(t *testing.T) { test(t, Get(t, row)) })
	}
}

// New starts a server for this test alone, which may kill, pause and restart it, and stops it after the test. It
// takes as long as a start does, so tests that can share use [Get]. It skips and fails as Get does.
func New(t testing.TB, row servers.Row) *servers.Server {
	t.Helper()
	short(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	s, err := servers.Start(ctx, row)
	check(t, err)
	t.Cleanup(func() {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stopping the server: %v", err)
		}
	})
	return s
}

// Python gives the interpreter of a version's environment, for tests that need Prefect's Python side and no server. It
// skips and fails as [Get] does.
func Python(t testing.TB, version servers.Version) string {
	t.Helper()
	short(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	python, err := servers.Environment(ctx, version)
	check(t, err)
	return python
}

func short(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Prefect; run without -short")
	}
}

// check stops a test that has no server: as skipped if this machine lacks something and may, else as failed.
func check(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if _, ok := errors.AsType[*servers.MissingError](err); ok && !servers.Required() {
		t.Skip(err)
	}
	t.Fatal(err)
}

// shared holds the servers of this process's tests, each started once.
var shared struct {
	mu   sync.Mutex // guards rows; not held through a start
	rows map[servers.Row]func() (*servers.Server, error)
}

func get(row servers.Row) (*servers.Server, error) {
	shared.mu.Lock()
	start, ok := shared.rows[row]
	if !ok {
		start = sync.OnceValues(func() (*servers.Server, error) { return attachOrStart(row) })
		if shared.rows == nil {
			shared.rows = make(map[servers.Row]func() (*servers.Server, error))
		}
		shared.rows[row] = start
	}
	shared.mu.Unlock()
	return start()
}

func attachOrStart(row servers.Row) (*servers.Server, error) {
	running, err := servers.Shared()
	if err != nil {
		return nil, err
	}
	if s, ok := running[row]; ok {
		return s, nil
	}
	// Not a test's context: the server outlives the test that asked first.
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return servers.Start(ctx, row)
}
