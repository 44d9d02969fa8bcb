// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// program is one that was started. What it says for people goes to standard error; its lines are read.
type program struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
	ended bool
}

// place is where a program is started: the current folder if none is named.
type place struct {
	folder string
	env    []string
}

// start starts a program. When ctx ends it is told to end, and killed twenty seconds later.
func (at place) start(ctx context.Context, name string, args ...string) (*program, error) {
	p := at.prepare(ctx, name, args...)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	p.lines = bufio.NewScanner(out)
	return p, p.cmd.Start()
}

// serve starts a program as start does, but no line of it is read.
func (at place) serve(ctx context.Context, name string, args ...string) (*program, error) {
	p := at.prepare(ctx, name, args...)
	return p, p.cmd.Start()
}

func (at place) prepare(ctx context.Context, name string, args ...string) *program {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = at.folder, at.env, os.Stderr
	cmd.Cancel = func() error { return end(cmd.Process) }
	cmd.WaitDelay = 20 * time.Second
	return &program{cmd: cmd, lines: bufio.NewScanner(strings.NewReader(""))}
}

// end tells a program to end; where that cannot be told, as on Windows, it is killed.
func end(process *os.Process) error {
	if err := process.Signal(os.Interrupt); err == nil || errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return process.Kill()
}

// line is the next line that the program prints.
func (p *program) line() (string, error) {
	if !p.lines.Scan() {
		return "", fmt.Errorf("%s has ended, or says no more: %w", p.cmd.Path, errors.Join(p.lines.Err(), p.wait()))
	}
	return p.lines.Text(), nil
}

// next are the next n records that the program logs.
func (p *program) next(n int) (said []record, err error) {
	for len(said) < n {
		line, err := p.line()
		if err != nil {
			return said, err
		}
		r, err := parse(line)
		if err != nil {
			return said, err
		}
		said = append(said, r)
	}
	return said, nil
}

// rest are the records that the program logs until it ends.
func (p *program) rest() (said []record, err error) {
	for p.lines.Scan() {
		r, err := parse(p.lines.Text())
		if err != nil {
			return said, err
		}
		said = append(said, r)
	}
	return said, p.lines.Err()
}

// wait waits for the end of the program, whatever it still prints. It may be called more than once.
func (p *program) wait() error {
	if p.ended {
		return nil
	}
	p.ended = true
	for p.lines.Scan() { // so that it is not held up
	}
	return p.cmd.Wait()
}

// stop ends the program, unless it has ended already.
func (p *program) stop() error {
	if p.ended {
		return nil
	}
	err := end(p.cmd.Process)
	_ = p.wait() // by a signal
	return err
}

// command runs a program to its end.
func command(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}
