// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// startLimit is how long a server may take to answer: a start takes some 10 s on an idle machine, and tests
// often run on a busy one.
const startLimit = 8 * time.Minute

// Server is one Prefect server on a loopback port. Its methods are safe for concurrent use, but those that
// end, kill, pause or restart it disturb whoever else uses it: start one of your own for that.
type Server struct {
	row     Row
	release release
	python  string
	home    string // temporary, removed by Stop; holds the database (SQLite), the output and the clients' homes
	port    int
	api     *prefecttest.Client

	attached    bool   // started by another process, which ends it too
	databaseURL string // with password
	database    string // the name in the cluster; empty for SQLite

	mu      sync.Mutex // guards the fields below; held through a start or an end
	program *program   // nil: not running
	stopped bool       // Stop was called
}

// Start makes the environment of the row's version if this machine has none yet, starts a server of its own for
// the row, and returns when it answers as the version it should be. At most two servers start at a time;
// the wait for a turn counts against ctx.
//
// The server has a home of its own and sees no PREFECT_* variable of this process; analytics and, but for [Row.UI], the user interface are off.
// It ends with [Server.Stop], with [Close], or when this process ends, however that ends.
// A machine that lacks Python or PostgreSQL gives a [*MissingError].
func Start(ctx context.Context, row Row) (*Server, error) {
	r, err := row.check()
	if err != nil {
		return nil, err
	}
	python, err := Environment(ctx, row.Version)
	if err != nil {
		return nil, err
	}
	select {
	case starting <- struct{}{}:
		defer func() { <-starting }()
	case <-ctx.Done():
		return nil, fmt.Errorf("servers: waiting for a turn to start %s: %w", row, context.Cause(ctx))
	}
	home, err := os.MkdirTemp("", "prefectlogs-"+row.String()+"-")
	if err != nil {
		return nil, fmt.Errorf("servers: making a home for %s: %w", row, err)
	}
	s := &Server{row: row, release: r, python: python, home: home}
	remember(s)
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// begin prepares the database and starts the server for the first time, on a port that was free a moment
// before; if another process takes the port in between, it tries the next.
func (s *Server) begin(ctx context.Context) error {
	for _, folder := range []string{"work", "client"} {
		if err := os.Mkdir(filepath.Join(s.home, folder), 0o700); err != nil {
			return fmt.Errorf("servers: making a home for %s: %w", s.row, err)
		}
	}
	if err := s.prepareDatabase(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	const attempts = 3
	for attempt := 1; ; attempt++ {
		port, err := FreePort(ctx)
		if err != nil {
			return err
		}
		s.port = port
		s.api = newClient(s.APIURL(), s.row)
		err = s.launchLocked(ctx)
		if err == nil || attempt == attempts || !errors.Is(err, errPortTaken) {
			return err
		}
	}
}

// prepareDatabase says where the row's database is, making it first if it is in PostgreSQL.
func (s *Server) prepareDatabase(ctx context.Context) error {
	if s.row.Database == SQLite {
		s.databaseURL = "sqlite+aiosqlite:///" + filepath.Join(s.home, "prefect.db")
		return nil
	}
	c, err := sharedCluster(ctx)
	if err != nil {
		return err
	}
	s.database = "prefect_" + strings.ToLower(rand.Text())
	s.databaseURL, err = c.create(ctx, s.database)
	return err
}

// launchLocked starts the server's process and waits until it answers.
func (s *Server) launchLocked(ctx context.Context) error {
	if s.stopped {
		return fmt.Errorf("servers: %s was stopped, which removed its data: start another", s.row)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not up after %v", startLimit))
	defer cancel()
	began := time.Now()
	settings, err := s.release.settings(s.row, s.databaseURL, s.APIURL())
	if err != nil {
		return err
	}
	output, err := os.OpenFile(s.outputPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("servers: opening the output of %s: %w", s.row, err)
	}
	defer output.Close() // the process has its own
	s.program, err = startProgram(command{
		argv: []string{s.python, "-m", "uvicorn", "--factory", s.release.factory,
			"--host", "127.0.0.1", "--port", strconv.Itoa(s.port)},
		env:    append(pythonEnvironment(s.python, s.home), settings...),
		dir:    filepath.Join(s.home, "work"),
		stdout: output, stderr: output,
		folder: s.home,
	})
	if err != nil {
		return err
	}
	if err := s.awaitHealth(ctx); err != nil {
		err = fmt.Errorf("servers: prefect %s on %s did not start: %w; its output ends:\n%s",
			s.release.exact, s.row.Database, err, s.Output())
		return errors.Join(err, s.haltLocked(context.WithoutCancel(ctx)))
	}
	progress("prefect %s (%s): ready in %.1f s at %s", s.release.exact, s.row, time.Since(began).Seconds(), s.APIURL())
	return nil
}

func (s *Server) haltLocked(ctx context.Context) error {
	if s.program == nil {
		return nil
	}
	err := s.program.end(ctx)
	s.program = nil
	return err
}

// errNotOurs is what ending a server of another process gives.
var errNotOurs = errors.New("servers: this server is shared by several test processes: start one of your own to end, kill, pause or restart it")

// Stop ends the server in order and removes its home and its database. What is left of it after 10 s, or when ctx ends, is
// killed. A server that other processes share goes on. Stopping twice is no error.
func (s *Server) Stop(ctx context.Context) error {
	if s.attached {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	forget(s)
	errs := []error{s.haltLocked(ctx)}
	if s.database != "" {
		errs = append(errs, dropDatabase(ctx, s.database))
	}
	errs = append(errs, removeFolder(s.home))
	return errors.Join(errs...)
}

// Kill ends the server at once, as a crash would, and keeps its data for [Server.Restart].
func (s *Server) Kill() error {
	if s.attached {
		return errNotOurs
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.program == nil {
		return nil
	}
	err := s.program.kill()
	s.program = nil
	return err
}

// Restart ends the server in order if it runs, and starts it again with the same port and data.
func (s *Server) Restart(ctx context.Context) error {
	if s.attached {
		return errNotOurs
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.haltLocked(ctx); err != nil {
		return err
	}
	return s.launchLocked(ctx)
}

// Pause makes the server stand still until [Server.Resume]: it takes connections and answers nothing.
func (s *Server) Pause() error { return s.whileRunning((*program).pause) }

// Resume lets a paused server go on.
func (s *Server) Resume() error { return s.whileRunning((*program).resume) }

func (s *Server) whileRunning(do func(*program) error) error {
	if s.attached {
		return errNotOurs
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.program == nil {
		return fmt.Errorf("servers: %s is not running", s.row)
	}
	return do(s.program)
}

// Row is what the server was started as.
func (s *Server) Row() Row { return s.row }

// Version is the exact release, such as "3.8.8".
func (s *Server) Version() string { return s.release.exact }

// APIURL is what PREFECT_API_URL should be: "http://127.0.0.1:PORT/api".
func (s *Server) APIURL() string { return "http://127.0.0.1:" + strconv.Itoa(s.port) + "/api" }

// UIURL is what the addresses of Prefect's pages begin with, if the row serves them: "http://127.0.0.1:PORT".
func (s *Server) UIURL() string { return strings.TrimSuffix(s.APIURL(), "/api") }

// Python is the interpreter of the environment the server runs in; beside it are prefect and uvicorn.
func (s *Server) Python() string { return s.python }

// Home is the server's PREFECT_HOME, a temporary folder.
func (s *Server) Home() string { return s.home }

// Env is the whole environment for a Python program that is a client of this server: a flow, a worker. It has
// the URL and credentials, a Prefect home apart from the server's, and no other PREFECT_* variable.
// The slice is the caller's own.
func (s *Server) Env() []string {
	env := append(pythonEnvironment(s.python, filepath.Join(s.home, "client")), "PREFECT_API_URL="+s.APIURL())
	if s.row.AuthString != "" {
		env = append(env, "PREFECT_API_AUTH_STRING="+s.row.AuthString)
	}
	return env
}

// Output is the end of what the server has printed.
func (s *Server) Output() string {
	output, err := os.ReadFile(s.outputPath())
	if err != nil {
		return err.Error()
	}
	return tail(output)
}

func (s *Server) outputPath() string { return filepath.Join(s.home, "output.txt") }
