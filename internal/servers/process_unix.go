// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// gateScript starts a program only when it is told to, so that it never runs unwatched: it reads a line
// from descriptor 3 and becomes the program. End of file, for the starter is gone, means: do not.
const gateScript = `read -r go <&3 || exit 0
exec "$@" 3<&-`

// watchScript ends a process group when whoever started it is gone, however it went: then the pipe that is its
// standard input ends. The first line names the group; a second one says that the group has ended in order. What PostgreSQL has
// begun is in groups of its own, and may write into the folder for a moment after PostgreSQL was killed.
const watchScript = `trap '' HUP INT TERM
read -r group || exit 0
read -r ended && exit 0
kill -s "$1" -- "-$group" 2>/dev/null
n=0
while kill -s 0 -- "-$group" 2>/dev/null && [ "$n" -lt 50 ]; do
	sleep 0.1
	n=$((n + 1))
done
kill -s KILL -- "-$group" 2>/dev/null
n=0
until [ -z "$2" ] || rm -rf "$2" && [ ! -e "$2" ] || [ "$n" -ge 60 ]; do
	sleep 1
	n=$((n + 1))
done`

// program is a running program with its own process group, whose id is group. It ends with this process,
// even if that is killed: a watcher (a shell that waits for a pipe to close) sees to it.
type program struct {
	cmd       *exec.Cmd
	group     int
	polite    syscall.Signal
	exited    chan struct{} // closed when the group's first process has ended and cmd.ProcessState is set
	watcher   *exec.Cmd
	watchPipe io.WriteCloser
	settle    func() error // releases the watcher, once
}

// startProgram starts a program and the watcher that ends it with this process.
func startProgram(c command) (*program, error) {
	p := &program{polite: syscall.SIGTERM, exited: make(chan struct{})}
	polite := "TERM"
	if c.interrupt {
		p.polite, polite = syscall.SIGINT, "INT"
	}
	p.watcher = exec.Command("/bin/sh", "-c", watchScript, "prefectlogs-watch", polite, c.folder)
	p.watcher.Dir = "/"
	p.watcher.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	watchPipe, err := p.watcher.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("servers: making the watcher's pipe: %w", err)
	}
	p.watchPipe = watchPipe
	if err := p.watcher.Start(); err != nil {
		return nil, fmt.Errorf("servers: starting the watcher: %w", err)
	}
	p.settle = sync.OnceValue(func() error {
		_, err := io.WriteString(watchPipe, "ended\n")
		return errors.Join(err, watchPipe.Close(), p.watcher.Wait())
	})
	if err := p.open(c); err != nil {
		// Without a group's name, or with its end said, the watcher just ends.
		return nil, errors.Join(fmt.Errorf("servers: starting %s: %w", c.argv[0], err), p.settle())
	}
	return p, nil
}

// open starts the program behind its gate, tells the watcher, and opens the gate.
func (p *program) open(c command) error {
	gateIn, gateOut, err := os.Pipe()
	if err != nil {
		return err
	}
	defer gateOut.Close()
	p.cmd = exec.Command("/bin/sh", append([]string{"-c", gateScript, "prefectlogs-gate"}, c.argv...)...)
	p.cmd.Env, p.cmd.Dir = c.env, c.dir
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = c.stdin, c.stdout, c.stderr
	p.cmd.ExtraFiles = []*os.File{gateIn}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.user != nil {
		p.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(c.user.uid), Gid: uint32(c.user.gid)}
	}
	err = p.cmd.Start()
	gateIn.Close()
	if err != nil {
		return err
	}
	p.group = p.cmd.Process.Pid
	go func() {
		// The state says all: a server that is told to end does so with an error.
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	if _, err := fmt.Fprintln(p.watchPipe, p.group); err != nil {
		return err // the gate closes unopened, and the program never begins
	}
	_, err = fmt.Fprintln(gateOut, "go")
	return err
}

// exitCode is the first process's, once it has ended: 128 and the signal's number if one ended it.
func (p *program) exitCode() int {
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.cmd.ProcessState.ExitCode()
}

// signal sends a signal to every process of the group; a group that is gone is no error.
func (p *program) signal(s os.Signal) error {
	number, ok := s.(syscall.Signal)
	if !ok {
		return fmt.Errorf("servers: cannot send signal %v", s)
	}
	if err := syscall.Kill(-p.group, number); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("servers: sending %v to process group %d: %w", s, p.group, err)
	}
	return nil
}

// pause makes the group stand still: its sockets stay open and nothing answers.
func (p *program) pause() error { return p.signal(syscall.SIGSTOP) }

// resume lets a paused group go on.
func (p *program) resume() error { return p.signal(syscall.SIGCONT) }

// end asks the group to end, kills what is left after the grace period or when ctx ends, and returns when no
// process of the group is left. A program that has ended already is no error.
func (p *program) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	asked := errors.Join(p.signal(p.polite), p.resume())
	select {
	case <-p.exited:
	case <-ctx.Done():
	}
	return errors.Join(asked, p.kill())
}

// kill ends the group at once, and returns when no process of it is left.
func (p *program) kill() error {
	const patience = 2 * time.Minute // a process that waits for a disk does not even heed SIGKILL
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; {
		if err := p.signal(syscall.SIGKILL); err != nil {
			return err
		}
		if !groupAlive(p.group) {
			<-p.exited
			return p.settle()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("servers: process group %d is still there %v after SIGKILL", p.group, patience)
		}
		<-tick.C
	}
}

// groupAlive reports whether a process group still has a process that runs. Orphans that have ended stay in the group
// until the system's first process collects them, which some containers' never does; on Linux they do not count.
func groupAlive(group int) bool {
	if errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) {
		return false
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return true
	}
	return slices.ContainsFunc(stats, func(path string) bool {
		stat, err := os.ReadFile(path)
		if err != nil {
			return false // it has ended meanwhile
		}
		// "pid (name) state parent group ...", where the name may hold anything.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		return len(fields) > 2 && fields[2] == strconv.Itoa(group) && !strings.Contains("ZX", fields[0])
	})
}

// serverAccount is the user that PostgreSQL runs as: it refuses to be root. Nil: ourselves.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	found, err := user.Lookup("postgres")
	if err != nil {
		return nil, &MissingError{What: "a user called postgres", Need: "PostgreSQL run by root", Get: "install PostgreSQL from the distribution, which makes the user (Debian: apt-get install postgresql)"}
	}
	uid, err := strconv.Atoi(found.Uid)
	if err != nil {
		return nil, fmt.Errorf("servers: user postgres has no numeric id: %w", err)
	}
	gid, err := strconv.Atoi(found.Gid)
	if err != nil {
		return nil, fmt.Errorf("servers: user postgres has no numeric group: %w", err)
	}
	return &account{uid, gid}, nil
}
