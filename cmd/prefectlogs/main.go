// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Command prefectlogs answers why the logs of a Go program are not on the page of their Prefect run.
//
//	prefectlogs check                     goes the way of a log with the settings in force here, and says what to fix
//	prefectlogs check -flow-run ID        into this run, in place of the one in the environment
//	prefectlogs check -task-run ID        and this task run
//	prefectlogs check -no-write           writes no log into the run
//	prefectlogs check -json               prints the report as JSON
//	prefectlogs check -timeout 30s        bounds all of it; by default a minute
//
// Run it where the program runs: in its folder, container and environment. The exit status is 0 if nothing
// failed, 1 if something did, and 2 if the command line makes no sense.
//
// The check is that of [prefectlogs.Check]. What a program sets by options, only a call of that
// in the program itself can look at.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/run"
)

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `usage: prefectlogs check [flags]

check goes the way of a log with the settings in force here, and says why logs are missing and what to fix.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command runs the command line args and returns the exit status.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c check
	flags := c.flags()
	if len(args) == 0 {
		return help(flags, stderr, exitUsage)
	}
	switch args[0] {
	case "check":
	case "help", "-h", "-help", "--help":
		return help(flags, stdout, exitOK)
	default:
		return misused(stderr, fmt.Errorf("there is no command %q", args[0]))
	}
	err := flags.Parse(args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return help(flags, stdout, exitOK)
	case err != nil:
		return misused(stderr, err)
	case flags.NArg() > 0:
		return misused(stderr, fmt.Errorf("check takes flags alone, and not %q", flags.Arg(0)))
	case c.timeout <= 0:
		return misused(stderr, fmt.Errorf("the timeout is %v; it must be positive", c.timeout))
	}
	return c.run(ctx, stdout, stderr)
}

func help(flags *flag.FlagSet, to io.Writer, code int) int {
	_, _ = io.WriteString(to, usage) // where it cannot be written there is nobody to tell
	flags.SetOutput(to)
	flags.PrintDefaults()
	return code
}

func misused(stderr io.Writer, err error) int {
	_, _ = fmt.Fprintf(stderr, "prefectlogs: %v; prefectlogs help says more\n", err) // as above
	return exitUsage
}

// check is the command line of prefectlogs check.
type check struct {
	asJSON   bool
	readOnly bool
	flowRun  string
	taskRun  string
	timeout  time.Duration
}

func (c *check) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("prefectlogs check", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are told by command
	flags.BoolVar(&c.asJSON, "json", false, "print the report as JSON")
	flags.BoolVar(&c.readOnly, "no-write", false, "write no log into the run")
	flags.StringVar(&c.flowRun, "flow-run", "", "`ID` of the flow run, in place of "+run.FlowRunIDVariable)
	flags.StringVar(&c.taskRun, "task-run", "", "`ID` of the task run, in place of "+run.TaskRunIDVariable)
	flags.DurationVar(&c.timeout, "timeout", time.Minute, "bound of the whole check")
	return flags
}

// run checks, and prints the report.
func (c *check) run(ctx context.Context, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("the check took longer than %v", c.timeout))
	defer cancel()
	if c.flowRun != "" || c.taskRun != "" {
		ctx = run.NewContext(ctx, run.Info{FlowRunID: c.flowRun, TaskRunID: c.taskRun})
	}
	var opts []prefectlogs.Option
	if c.readOnly {
		opts = append(opts, prefectlogs.WithoutWriting())
	}
	report, failed := prefectlogs.Check(ctx, opts...)
	if err := c.print(report, stdout); err != nil {
		_, _ = fmt.Fprintf(stderr, "prefectlogs: printing the report: %v\n", err) // as above
		return exitFailed
	}
	if failed != nil { // which the report tells
		return exitFailed
	}
	return exitOK
}

func (c *check) print(report prefectlogs.Report, to io.Writer) error {
	if !c.asJSON {
		_, err := io.WriteString(to, report.String())
		return err
	}
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(report)
}
