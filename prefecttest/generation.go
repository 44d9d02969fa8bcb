// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"fmt"
	"net/http"
)

// Generation is a release of Prefect that a [Server] plays. The zero value is [Prefect38].
type Generation int

// The generations that can be played, each as measured on the release in its comment.
const (
	Prefect38  Generation = iota // 3.8.8: pydantic 2, log records need no run, NUL is stripped
	Prefect220                   // 2.20.26: pydantic 1, log records need no run
	Orion27                      // 2.7.0: a log record needs a flow run, a missing field is a 409
)

// String returns the release as Prefect writes it, "3.8.8" for [Prefect38].
func (g Generation) String() string {
	switch g {
	case Prefect38:
		return "3.8.8"
	case Prefect220:
		return "2.20.26"
	case Orion27:
		return "2.7.0"
	}
	return fmt.Sprintf("Generation(%d)", int(g))
}

func (g Generation) valid() bool { return g >= Prefect38 && g <= Orion27 }

// modern reports whether the generation validates with pydantic 2, which is stricter about text and laxer about
// time stamps, and says more in its errors.
func (g Generation) modern() bool { return g == Prefect38 }

// apiVersion is the answer of /version, and the version that a request header is held against. 2.7 has no such page.
func (g Generation) apiVersion() string {
	if g == Orion27 {
		return ""
	}
	return "0.8.4"
}

// Database is the database behind the server that is played. The zero value is [SQLite].
type Database int

// The two databases. They differ in what they refuse (levels outside 16 bits and NUL on PostgreSQL), in the status of
// such a refusal, and in the order of log records that share a time stamp.
const (
	SQLite Database = iota
	PostgreSQL
)

// String returns "SQLite" or "PostgreSQL".
func (d Database) String() string {
	switch d {
	case SQLite:
		return "SQLite"
	case PostgreSQL:
		return "PostgreSQL"
	}
	return fmt.Sprintf("Database(%d)", int(d))
}

func (d Database) valid() bool { return d == SQLite || d == PostgreSQL }

// dataError is the answer to data that passes validation and that the database then refuses. On PostgreSQL, from
// 2.10.10, every such error reads as one worth a retry.
func dataError(g Generation, d Database) answer {
	if d == PostgreSQL && g != Orion27 {
		a := message(http.StatusServiceUnavailable, "Service Unavailable")
		a.drop = true
		return a
	}
	return internalError()
}

// internalError is what the server says to an exception that nobody caught.
func internalError() answer {
	a := message(http.StatusInternalServerError, "Internal Server Error")
	a.drop = true
	return a
}
