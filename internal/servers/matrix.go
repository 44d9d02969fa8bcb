// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

// Version names a generation of Prefect; [Version.Exact] says which release stands for it.
type Version string

// The generations under test. Prefect 2 up to 2.7 calls its server Orion.
const (
	Prefect27  Version = "2.7"
	Prefect220 Version = "2.20"
	Prefect38  Version = "3.8"
)

// Database names the database a server writes to.
type Database string

// The databases under test. PostgreSQL is the distribution's, run for the tests alone.
const (
	SQLite     Database = "sqlite"
	PostgreSQL Database = "postgresql"
)

// Row is one server to test against. Rows are comparable, so they serve as map keys.
type Row struct {
	Version  Version  `json:"version"`
	Database Database `json:"database"`

	// AuthString, as "user:password", is what the server asks of every request; empty: it asks for nothing.
	// Prefect has it since 3.1.8 (PREFECT_SERVER_API_AUTH_STRING).
	AuthString string `json:"authString,omitzero"`

	// CSRF makes the server ask for a CSRF token in every request that changes something.
	// Prefect has it since 2.16.5 (PREFECT_SERVER_CSRF_PROTECTION_ENABLED).
	CSRF bool `json:"csrf,omitzero"`

	// UI serves Prefect's pages too, below the address that [Server.UIURL] gives.
	UI bool `json:"ui,omitzero"`
}

// The rows that tests name directly.
var (
	Prefect27SQLite      = Row{Version: Prefect27, Database: SQLite}
	Prefect220SQLite     = Row{Version: Prefect220, Database: SQLite}
	Prefect220PostgreSQL = Row{Version: Prefect220, Database: PostgreSQL}
	Prefect38SQLite      = Row{Version: Prefect38, Database: SQLite}
	Prefect38PostgreSQL  = Row{Version: Prefect38, Database: PostgreSQL}

	// Prefect38Secured asks for both a password and a CSRF token. The password has the characters that
	// break naive clients: a colon, a space and a percent sign.
	Prefect38Secured = Row{Version: Prefect38, Database: SQLite, AuthString: "admin:pa:ss w%rd", CSRF: true}

	// Prefect38UI is for a browser. It is not among [Rows]: who needs it starts it.
	Prefect38UI = Row{Version: Prefect38, Database: SQLite, UI: true}
)

// Matrix lists every version on every database it is tested on, open to all, oldest first. What
// should hold for each server is tested on these.
func Matrix() []Row {
	return []Row{Prefect27SQLite, Prefect220SQLite, Prefect220PostgreSQL, Prefect38SQLite, Prefect38PostgreSQL}
}

// Rows lists [Matrix] and the servers that ask for credentials: everything a full test run needs.
func Rows() []Row {
	return append(Matrix(), Prefect38Secured)
}

// String is the row's name in subtests and on command lines: "3.8-sqlite", "3.8-sqlite-auth-csrf".
func (r Row) String() string {
	name := string(r.Version) + "-" + string(r.Database)
	if r.AuthString != "" {
		name += "-auth"
	}
	if r.CSRF {
		name += "-csrf"
	}
	if r.UI {
		name += "-ui"
	}
	return name
}

// ParseRow finds the row of [Rows] that has this name.
func ParseRow(name string) (Row, error) {
	var known []string
	for _, row := range Rows() {
		if row.String() == name {
			return row, nil
		}
		known = append(known, row.String())
	}
	return Row{}, fmt.Errorf("servers: no row is called %q: the rows are %s", name, strings.Join(known, ", "))
}

// Exact is the release that stands for the version, as its /admin/version answers: "3.8.8".
// An unknown version has none.
func (v Version) Exact() string {
	release, err := v.release()
	if err != nil {
		return ""
	}
	return release.exact
}

// release is all that differs between the versions: adding one is a row in releases and a lock file.
type release struct {
	version Version
	exact   string

	// oldest and newest Python minor version (3.x) that every package of the lock has a wheel for. Servers
	// were run on 3.11, 3.12 and 3.13, not on 3.14.
	pythonOldest, pythonNewest int

	// fromSource is a package without a wheel for these Pythons, and buildWith the pinned tools that build it.
	fromSource, buildWith string

	factory     string // of the ASGI application, as uvicorn takes it
	databaseURL string // variable that names the database
	authString  string // variable that sets the password; empty: the release has none
	csrf        string // variable that turns on CSRF protection; empty: the release has none
	ui          string // what the variables of the user interface begin with; empty: it is not served for tests
	quiet       []string
}

// releases is the one table of versions. All servers are started as uvicorn with the application's
// factory, which is what `prefect server start` does in a child process of its own: so a server is one
// process, and the database's migrations run as they do for users.
var releases = []release{
	{
		version: Prefect27, exact: "2.7.0",
		pythonOldest: 11, pythonNewest: 11,
		fromSource: "pendulum", buildWith: "poetry-core==1.0.8",
		factory:     "prefect.orion.api.server:create_app",
		databaseURL: "PREFECT_ORION_DATABASE_CONNECTION_URL",
		quiet:       []string{"PREFECT_ORION_ANALYTICS_ENABLED=false", "PREFECT_ORION_UI_ENABLED=false"},
	},
	{
		version: Prefect220, exact: "2.20.26",
		pythonOldest: 11, pythonNewest: 12,
		factory:     "prefect.server.api.server:create_app",
		databaseURL: "PREFECT_API_DATABASE_CONNECTION_URL",
		csrf:        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED",
		quiet:       []string{"PREFECT_SERVER_ANALYTICS_ENABLED=false", "PREFECT_UI_ENABLED=false"},
	},
	{
		version: Prefect38, exact: "3.8.8",
		pythonOldest: 11, pythonNewest: 14,
		factory:     "prefect.server.api.server:create_app",
		databaseURL: "PREFECT_SERVER_DATABASE_CONNECTION_URL",
		authString:  "PREFECT_SERVER_API_AUTH_STRING",
		csrf:        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED",
		ui:          "PREFECT_SERVER_UI",
		quiet:       []string{"PREFECT_SERVER_ANALYTICS_ENABLED=false", "PREFECT_SERVER_UI_ENABLED=false"},
	},
}

// requirements holds a lock file for each release: prefect-<exact>.txt.
//
//go:embed requirements/prefect-*.txt
var requirements embed.FS

func (v Version) release() (release, error) {
	i := slices.IndexFunc(releases, func(r release) bool { return r.version == v })
	if i < 0 {
		return release{}, fmt.Errorf("servers: no Prefect version %q in the table of releases", v)
	}
	return releases[i], nil
}

// lock is the release's lock file.
func (r release) lock() ([]byte, error) {
	lock, err := requirements.ReadFile("requirements/prefect-" + r.exact + ".txt")
	if err != nil {
		return nil, fmt.Errorf("servers: prefect %s has no lock file: %w", r.exact, err)
	}
	return lock, nil
}

// check finds the row's release and refuses what that cannot be.
func (r Row) check() (release, error) {
	found, err := r.Version.release()
	if err != nil {
		return release{}, err
	}
	if r.Database != SQLite && r.Database != PostgreSQL {
		return release{}, fmt.Errorf("servers: no database %q: there are %s and %s", r.Database, SQLite, PostgreSQL)
	}
	_, err = found.settings(r, "", "")
	return found, err
}

// settings are the variables that make a server of this release the row that is wanted.
func (r release) settings(row Row, databaseURL, apiURL string) ([]string, error) {
	env := append([]string{r.databaseURL + "=" + databaseURL}, r.quiet...)
	if row.AuthString != "" {
		if r.authString == "" {
			return nil, fmt.Errorf("servers: prefect %s has no auth string, as row %s asks", r.exact, row)
		}
		env = append(env, r.authString+"="+row.AuthString)
	}
	if row.CSRF {
		if r.csrf == "" {
			return nil, fmt.Errorf("servers: prefect %s has no CSRF protection, as row %s asks", r.exact, row)
		}
		env = append(env, r.csrf+"=true")
	}
	if row.UI {
		if r.ui == "" {
			return nil, fmt.Errorf("servers: prefect %s is tested without its user interface, which row %s asks for", r.exact, row)
		}
		// Of a variable that stands twice the last one counts. Browsers ask for port 4200 unless they are told.
		env = append(env, r.ui+"_ENABLED=true", r.ui+"_API_URL="+apiURL)
	}
	return env, nil
}
