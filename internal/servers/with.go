// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// SignalError, as the cause of a context's end, names the signal that [With] passes on to its command.
type SignalError struct{ Signal os.Signal }

func (e *SignalError) Error() string { return "got signal " + e.Signal.String() }

// With runs a command, with no standard input, while servers of the rows run for it and all its children, which find them
// through [SharedVariable]. It gives the command's exit code (128 and the signal's number if one ended it) and stops the
// servers it started; PostgreSQL is left to [Close]. When ctx ends, the command and its children get the signal of a
// [*SignalError] cause, else SIGTERM, and have 10 s before they are killed.
//
// A row that this machine lacks something for is left out, saying so, unless [Required]; then, and if
// a server does not start, the command does not run.
func With(ctx context.Context, rows []Row, argv []string, stdout, stderr io.Writer) (code int, err error) {
	all, err := startAll(ctx, rows)
	defer func() { err = errors.Join(err, stopAll(context.WithoutCancel(ctx), all)) }()
	if err != nil {
		return 0, err
	}
	described, err := Describe(all)
	if err != nil {
		return 0, err
	}
	p, err := startProgram(command{
		argv: argv, env: append(os.Environ(), SharedVariable+"="+described), stdout: stdout, stderr: stderr,
	})
	if err != nil {
		return 0, err
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		if err := passOn(p, context.Cause(ctx)); err != nil {
			return 0, errors.Join(err, p.kill())
		}
	}
	// What the command left running in its group ends with it.
	if err := p.end(context.WithoutCancel(ctx)); err != nil {
		return 0, err
	}
	return p.exitCode(), nil
}

// passOn sends the signal that ended a context, if one did, and gives the group the time to heed it.
func passOn(p *program, cause error) error {
	signalled, ok := errors.AsType[*SignalError](cause)
	if !ok {
		return nil
	}
	if err := p.signal(signalled.Signal); err != nil {
		return err
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
	}
	return nil
}

// startAll starts the rows side by side, in so far as [Start] lets them. With an error, it gives those that had started.
func startAll(ctx context.Context, rows []Row) ([]*Server, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	began := time.Now()
	started := make([]*Server, len(rows))
	errs := make([]error, len(rows))
	var wg sync.WaitGroup
	for i, row := range rows {
		wg.Go(func() {
			s, err := Start(ctx, row)
			if missing, ok := errors.AsType[*MissingError](err); ok && !Required() {
				progress("%s is left out: %s", row, strings.TrimPrefix(missing.Error(), "servers: "))
				return
			}
			if err != nil {
				errs[i] = err
				cancel(fmt.Errorf("%s did not start", row)) // one failure is enough
				return
			}
			started[i] = s
		})
	}
	wg.Wait()
	all := slices.DeleteFunc(started, func(s *Server) bool { return s == nil })
	progress("%d of %d rows ready in %.1f s", len(all), len(rows), time.Since(began).Seconds())
	return all, errors.Join(errs...)
}
