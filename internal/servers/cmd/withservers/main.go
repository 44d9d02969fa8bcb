// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Command withservers runs a command while real Prefect servers run for it, so that the tests of all packages and modules
// share them:
//
//	withservers [-rows ROW,ROW...] [--] COMMAND [ARGUMENT...]
//
// Without -rows it starts every row (see package servers). It exits as the command does, with 1 if servers did not
// start, with 2 if it was called wrongly; SIGINT, SIGTERM and SIGHUP are passed on. However it ends, the servers and the command end with it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/prefectlogs/prefectlogs/internal/servers"
)

func main() { os.Exit(run()) }

func run() int {
	rows := flag.String("rows", "", "comma-separated rows to start (default: all)")
	flag.Usage = usage
	flag.Parse()
	if flag.NArg() == 0 {
		usage()
		return 2
	}
	wanted, err := parseRows(*rows)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}

	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() { cancel(&servers.SignalError{Signal: <-signals}) }()

	code, err := servers.With(ctx, wanted, flag.Args(), os.Stdout, os.Stderr)
	if err := errors.Join(err, servers.Close(context.WithoutCancel(ctx))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: withservers [-rows ROW,ROW...] [--] COMMAND [ARGUMENT...]")
	fmt.Fprintln(os.Stderr, "rows:")
	for _, row := range servers.Rows() {
		fmt.Fprintln(os.Stderr, "  "+row.String())
	}
}

// parseRows reads the names of rows; none means all.
func parseRows(names string) ([]servers.Row, error) {
	if names == "" {
		return servers.Rows(), nil
	}
	var rows []servers.Row
	var errs []error
	for name := range strings.SplitSeq(names, ",") {
		row, err := servers.ParseRow(strings.TrimSpace(name))
		rows, errs = append(rows, row), append(errs, err)
	}
	return rows, errors.Join(errs...)
}
