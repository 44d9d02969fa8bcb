// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"io"
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

// grace is how long a program has for ending in order before its process group is killed.
const grace = 10 * time.Second
