// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"fmt"
	"os"
	"strconv"
)

// MissingError says that this machine lacks something that servers need, and how to get it. Tests skip
// on it, unless [Required]; every other error of this package is a failure.
type MissingError struct {
	What string // such as "Python 3.11"
	Need string // what needs it, such as "prefect 2.7.0"
	Get  string // how to get it, as a sentence
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("servers: %s needs %s, which is missing here: %s", e.Need, e.What, e.Get)
}

// RequireVariable set to a true value makes a missing Python or PostgreSQL a failure of the tests, as
// CI=true does.
const RequireVariable = "PREFECTLOGS_REQUIRE_SERVERS"

// Required reports whether tests must fail, in place of skip, when servers cannot be had.
func Required() bool {
	for _, name := range []string{RequireVariable, "CI"} {
		if on, err := strconv.ParseBool(os.Getenv(name)); err == nil && on {
			return true
		}
	}
	return false
}

// progress tells the person who waits what is being waited for, one line a step.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "servers: "+format+"\n", args...)
}
