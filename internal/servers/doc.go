// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package servers answers where a real Prefect server to test against comes from: [Start] makes one, of the version and on
// the database that a [Row] names, with nothing prepared but Python and, for PostgreSQL rows, its programs.
//
// Tests use package serverstest, which shares servers and skips where none can be had; this package imports no testing.
//
//	row                    server                        Python       database
//	2.7-sqlite             Prefect 2.7.0 (Orion)         3.11         SQLite
//	2.20-sqlite            Prefect 2.20.26               3.11, 3.12   SQLite
//	2.20-postgresql        Prefect 2.20.26               3.11, 3.12   PostgreSQL of the machine
//	3.8-sqlite             Prefect 3.8.8                 3.11-3.14    SQLite
//	3.8-postgresql         Prefect 3.8.8                 3.11-3.14    PostgreSQL of the machine
//	3.8-sqlite-auth-csrf   Prefect 3.8.8, auth string    3.11-3.14    SQLite
//	                       and CSRF protection on
//	3.8-sqlite-ui          Prefect 3.8.8, and its pages  3.11-3.14    SQLite
//
// # Adding a version
//
// Make its lock file, requirements/prefect-<exact>.txt, as the head of a lock file beside it says: every package pinned with
// its hashes, wheels only where there are wheels, of a day on which the release was current. Add a row to the table of
// releases in matrix.go and its rows to [Matrix]. The tests of this package start every row.
//
// # What is started, and how it ends
//
// A server is the real application with its database migrations, under uvicorn, as one process in a process group of its own. It
// gets a temporary home, a free loopback port and no PREFECT_* variable of its starter. [Server.Stop] and
// [Close] end it; if this process ends first, even by SIGKILL, a watcher (a shell that waits for a pipe to close) ends
// the group and removes its folder. PostgreSQL, one for a process, is held the same way.
//
// Python environments are made once, in .cache/servers at the root of the repository, and reused; a file lock keeps
// processes from making the same one twice. The command withservers runs servers for all the test processes of a run.
//
// # Variables
//
//	PREFECTLOGS_REQUIRE_SERVERS   true: tests fail where they would skip for want of a server (as with CI=true)
//	PREFECTLOGS_PYTHON            Pythons to make environments with, separated as in PATH; default: python3, python3.11 ... on PATH
//	PREFECTLOGS_CACHE             the folder of environments; default: .cache/servers in the repository
//	PREFECTLOGS_POSTGRESQL_FSYNC  true: PostgreSQL waits for the disk at each commit; default: it does not
//	PREFECTLOGS_SERVERS           set by withservers: the servers that run for all test processes, as JSON
package servers
