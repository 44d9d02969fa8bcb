// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/prefectlogs/prefectlogs/run"
)

// Stage gives what the program is to do: its work, where the environment names a flow run to log into, else [Quickstart] or, with
// the flag --spool, [Spool].
func Stage(work func(context.Context) error) func(context.Context) error {
	if os.Getenv(run.FlowRunIDVariable) != "" {
		return work
	}
	spool := flag.Bool("spool", false, "show the example longjob, which is killed and started again")
	flag.Parse()
	if *spool {
		return Spool
	}
	return Quickstart
}

// patience is how long a program may take that is shown, and its lines to stand on their pages.
const patience = 5 * time.Minute

// Quickstart runs this program in a flow run with two task runs, whose ids are its arguments, reads back what it has logged, and
// prints it as a table. The error says how many records cannot be read back equal.
func Quickstart(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, err := connect(ctx, "shop.orders")
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.createRuns(ctx, "quickstart", "order-4711", "order-4712"); err != nil {
		return err
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	home, err := os.MkdirTemp("", "quickstart-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()

	program, err := p.place(home).start(ctx, executable, p.tasks[0].ID, p.tasks[1].ID)
	if err != nil {
		return err
	}
	said, err := program.rest()
	if err := errors.Join(err, program.wait()); err != nil {
		return err
	}
	return p.report(ctx, said)
}

// What the program of [Spool] logs before it is killed, and once it was started again.
const (
	beforeKill = 10
	afterKill  = 5
)

// Spool kills the example longjob while it works, starts it again, and shows as [Quickstart] does what both have logged.
func Spool(ctx context.Context) (err error) {
	home, err := os.MkdirTemp("", "longjob-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	executable := filepath.Join(home, "longjob.exe") // a name that every system starts
	if err := command(ctx, "go", "build", "-ldflags=-s -w", "-o", executable, "github.com/prefectlogs/prefectlogs/examples/longjob"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, err := connect(ctx, "shop.longjob")
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.createRuns(ctx, "longjob"); err != nil {
		return err
	}

	state := filepath.Join(home, "state")
	killed, err := p.place(home).start(ctx, executable, "-state", state)
	if err != nil {
		return err
	}
	said, err := killed.next(beforeKill)
	if err != nil {
		return errors.Join(err, killed.stop())
	}
	if err := killed.cmd.Process.Kill(); err != nil {
		return err
	}
	more, err := killed.rest()
	_ = killed.wait() // ended by the kill
	if err != nil {
		return err
	}
	said = append(said, more...)
	// A record is in the spool before it is on the console, and the kill may have come between the two.
	unsaid := said[len(said)-1]
	unsaid.attrs = []attr{{"order", fmt.Sprint(len(said))}}
	fmt.Printf("a program logged %d records and was killed at once; it is started again\n", len(said))

	again, err := p.place(home).start(ctx, executable, "-state", state, "-orders", fmt.Sprint(afterKill))
	if err != nil {
		return err
	}
	more, err = again.rest()
	if err := errors.Join(err, again.wait()); err != nil {
		return err
	}
	fmt.Printf("it logged %d more, found what it had left, and sent both\n\n", len(more))
	return p.report(ctx, append(said, more...), unsaid)
}
