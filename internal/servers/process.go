// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"io"
	"os"
	"time"
)

// command says how to start a program that must not outlive this process.
type command struct {
	argv []string
	env  []string
	dir  string
	user *account // nil: as ourselves

	stdin          io.Reader // nil: none
	stdout, stderr io.Writer // nil: discarded

	// interrupt ends the program with SIGINT in place of SIGTERM: PostgreSQL then does not wait for its clients.
	interrupt bool

	// folder is removed when this process ends without having ended the program; empty: none.
	folder string
}

// account is a user of this machine.
type account struct{ uid, gid int }

// removeFolder removes a folder of programs that have ended. What PostgreSQL has begun may write into it for a moment after
// PostgreSQL was killed, which makes a removal fail.
func removeFolder(folder string) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-tick.C {
		if err := os.RemoveAll(folder); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// grace is how long a program has for ending in order before its process group is killed.
const grace = 10 * time.Second
