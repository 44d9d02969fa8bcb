// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !darwin

package servers

import (
	"context"
	"os"
)

// program stands for what cannot be started on this system.
type program struct {
	exited chan struct{}
	group  int
}

func startProgram(command) (*program, error) {
	return nil, &MissingError{What: "Linux or macOS", Need: "starting a Prefect server", Get: "run these tests there"}
}

func lockFile(context.Context, string) (unlock func(), err error) {
	return nil, &MissingError{What: "Linux or macOS", Need: "an environment for Prefect", Get: "run these tests there"}
}

func serverAccount() (*account, error) { return nil, nil }

func (*program) exitCode() int             { return -1 }
func (*program) signal(os.Signal) error    { return nil }
func (*program) end(context.Context) error { return nil }
func (*program) kill() error               { return nil }
func (*program) pause() error              { return nil }
func (*program) resume() error             { return nil }
