// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DurableVariable set to true makes PostgreSQL wait for the disk at each commit, as it does for users. Tests do without.
const DurableVariable = "PREFECTLOGS_POSTGRESQL_FSYNC"

// cluster is PostgreSQL for this process: started when first needed, with data of its own, on a loopback port, with a
// password. It runs as the user postgres if we are root.
type cluster struct {
	programs string // folder of initdb, postgres and psql
	folder   string // holds password, data and output; removed by stop
	user     *account
	port     int
	password string
	program  *program
}

// sharedCluster starts the cluster on the first call.
func sharedCluster(ctx context.Context) (*cluster, error) {
	running.mu.Lock()
	defer running.mu.Unlock()
	if running.cluster == nil {
		c, err := startCluster(ctx)
		if err != nil {
			return nil, err
		}
		running.cluster = c
	}
	return running.cluster, nil
}

// dropDatabase removes a server's database, for other servers to have the room.
func dropDatabase(ctx context.Context, name string) error {
	running.mu.Lock()
	c := running.cluster
	running.mu.Unlock()
	if c == nil {
		return nil
	}
	return c.sql(ctx, `DROP DATABASE IF EXISTS "`+name+`" WITH (FORCE)`)
}

func startCluster(ctx context.Context) (_ *cluster, err error) {
	began := time.Now()
	programs, err := findPostgres(ctx)
	if err != nil {
		return nil, err
	}
	user, err := serverAccount()
	if err != nil {
		return nil, err
	}
	parent := ""
	if user != nil {
		parent = "/tmp" // which every user can reach; a checkout and TMPDIR may be private
	}
	folder, err := os.MkdirTemp(parent, "prefectlogs-postgresql-")
	if err != nil {
		return nil, fmt.Errorf("servers: making a folder for PostgreSQL: %w", err)
	}
	c := &cluster{programs: programs, folder: folder, user: user, password: rand.Text()}
	if err := c.begin(ctx); err != nil {
		return nil, errors.Join(err, c.stop(context.WithoutCancel(ctx)))
	}
	progress("PostgreSQL: ready in %.1f s on port %d", time.Since(began).Seconds(), c.port)
	return c, nil
}

func (c *cluster) begin(ctx context.Context) error {
	passwordPath := filepath.Join(c.folder, "password")
	if err := os.WriteFile(passwordPath, []byte(c.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("servers: writing PostgreSQL's password: %w", err)
	}
	if c.user != nil {
		for _, path := range []string{c.folder, passwordPath} {
			if err := os.Chown(path, c.user.uid, c.user.gid); err != nil {
				return fmt.Errorf("servers: giving PostgreSQL its folder: %w", err)
			}
		}
	}
	err := c.run(ctx, command{argv: []string{filepath.Join(c.programs, "initdb"), "--pgdata", c.data(), "--username", "postgres",
		"--auth", "scram-sha-256", "--pwfile", passwordPath, "--encoding", "UTF8", "--locale", "C", "--no-sync"}}, "initdb")
	if err != nil {
		return err
	}
	if c.port, err = FreePort(ctx); err != nil {
		return err
	}
	output, err := os.OpenFile(c.outputPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("servers: opening PostgreSQL's output: %w", err)
	}
	defer output.Close()
	c.program, err = startProgram(command{
		argv: []string{filepath.Join(c.programs, "postgres"), "-D", c.data(), "-p", strconv.Itoa(c.port),
			"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
			"-c", "max_connections=300", "-c", "fsync=" + durability()},
		env: cleanEnvironment(), dir: c.folder, user: c.user, stdout: output, stderr: output, interrupt: true, folder: c.folder,
	})
	if err != nil {
		return err
	}
	return c.awaitReady(ctx)
}

func durability() string {
	if on, err := strconv.ParseBool(os.Getenv(DurableVariable)); err == nil && on {
		return "on"
	}
	return "off"
}

// run runs a program as the cluster's user to its end.
func (c *cluster) run(ctx context.Context, cmd command, what string) error {
	output, err := os.OpenFile(c.outputPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("servers: opening PostgreSQL's output: %w", err)
	}
	defer output.Close()
	cmd.env, cmd.dir, cmd.user, cmd.folder = cleanEnvironment(), c.folder, c.user, c.folder
	cmd.stdout, cmd.stderr = output, output
	p, err := startProgram(cmd)
	if err != nil {
		return err
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("servers: %s: %w", what, context.Cause(ctx)), p.kill())
	}
	if err := p.kill(); err != nil {
		return err
	}
	if code := p.exitCode(); code != 0 {
		return fmt.Errorf("servers: PostgreSQL's %s ended with exit code %d; the output ends:\n%s", what, code, c.output())
	}
	return nil
}

// awaitReady returns when PostgreSQL takes a statement.
func (c *cluster) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not up after %v", startLimit))
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := c.sql(ctx, "SELECT 1"); err == nil {
			return nil
		}
		select {
		case <-c.program.exited:
			return fmt.Errorf("servers: PostgreSQL ended with exit code %d; its output ends:\n%s", c.program.exitCode(), c.output())
		case <-ctx.Done():
			return fmt.Errorf("servers: PostgreSQL did not start: %w; its output ends:\n%s", context.Cause(ctx), c.output())
		case <-tick.C:
		}
	}
}

// create makes an empty database and gives its URL in the form Prefect takes.
func (c *cluster) create(ctx context.Context, name string) (url string, err error) {
	if err := c.sql(ctx, `CREATE DATABASE "`+name+`"`); err != nil {
		return "", err
	}
	return fmt.Sprintf("postgresql+asyncpg://postgres:%s@127.0.0.1:%d/%s", c.password, c.port, name), nil
}

// sql runs one statement with psql.
func (c *cluster) sql(ctx context.Context, statement string) error {
	psql := exec.CommandContext(ctx, filepath.Join(c.programs, "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1",
		"--host=127.0.0.1", "--port="+strconv.Itoa(c.port), "--username=postgres", "--dbname=postgres", "--command="+statement)
	psql.Env = append(cleanEnvironment(), "PGPASSWORD="+c.password)
	psql.Dir = c.folder
	return runStep(psql, "PostgreSQL's "+statement)
}

func (c *cluster) stop(ctx context.Context) error {
	var err error
	if c.program != nil {
		err = c.program.end(ctx)
	}
	return errors.Join(err, removeFolder(c.folder))
}

func (c *cluster) data() string       { return filepath.Join(c.folder, "data") }
func (c *cluster) outputPath() string { return filepath.Join(c.folder, "output.txt") }

func (c *cluster) output() string {
	output, err := os.ReadFile(c.outputPath())
	if err != nil {
		return err.Error()
	}
	return tail(output)
}

// findPostgres finds the folder of PostgreSQL's programs: where pg_config says (Debian's says so without
// having the server), the newest of Debian's folders, PATH.
func findPostgres(ctx context.Context) (string, error) {
	var folders []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	debian, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", fmt.Errorf("servers: looking for PostgreSQL: %w", err)
	}
	slices.SortFunc(debian, func(a, b string) int { return debianMajor(b) - debianMajor(a) })
	folders = append(folders, debian...)
	if path, err := exec.LookPath("postgres"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	for _, folder := range folders {
		missing := slices.ContainsFunc([]string{"initdb", "postgres", "psql"}, func(name string) bool {
			_, err := os.Stat(filepath.Join(folder, name))
			return errors.Is(err, fs.ErrNotExist)
		})
		if !missing {
			return folder, nil
		}
	}
	return "", &MissingError{What: "PostgreSQL's server (initdb, postgres, psql)", Need: "a Prefect server on PostgreSQL",
		Get: "install it (Debian: apt-get install postgresql) or put its programs on PATH"}
}

// debianMajor is the 15 in /usr/lib/postgresql/15/bin; 0 where there is none.
func debianMajor(folder string) int {
	major, err := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	if err != nil {
		return 0
	}
	return major
}
