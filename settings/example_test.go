// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/prefectlogs/prefectlogs/settings"
)

// Load reads what Prefect's Python client reads. A program needs no options; here they keep the files of this machine out.
func ExampleLoad() {
	s, err := settings.Load(
		settings.WithoutFiles(),
		settings.WithEnvironment([]string{"PREFECT_API_URL=https://prefect.example/api", "PREFECT_API_KEY=pnu_123"}),
		settings.WithValue("PREFECT_LOGGING_TO_API_BATCH_INTERVAL", "0.5"),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.APIURL, s.ToAPI.BatchInterval)
	fmt.Println(s.APIKey, s.APIKey.Reveal()) // printed by nothing but on purpose
	// Output:
	// https://prefect.example/api 500ms
	// ******** pnu_123
}

// All bad values are in one error, each with where it is from and what is allowed.
func ExampleLoad_wrong() {
	_, err := settings.Load(
		settings.WithoutFiles(),
		settings.WithEnvironment([]string{"PREFECT_LOGGING_TO_API_BATCH_SIZE=4MB", "PREFECT_LOGGING_LEVEL=LOUD"}),
	)
	fmt.Println(err)
	// Output:
	// PREFECT_LOGGING_LEVEL = "LOUD" (environment): want DEBUG, INFO, WARNING, ERROR or CRITICAL, in any case
	// PREFECT_LOGGING_TO_API_BATCH_SIZE = "4MB" (environment): want a whole number of bytes, at least 1
}

// Where each value in force comes from.
func ExampleExplain() {
	e, err := settings.Explain(
		settings.WithoutFiles(),
		settings.WithEnvironment([]string{"PREFECT_API_URL=http://prefect.example/api", "PREFECT_API_KEY=pnu_123"}),
	)
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range e.Settings[:2] {
		fmt.Printf("%s = %s (%s) %q\n", o.Name, o.Value, o.Source, o.Mark)
	}
	// Output:
	// PREFECT_API_URL = http://prefect.example/api (environment) ""
	// PREFECT_API_KEY = ******** (environment) "travels over plain http to another machine, where anyone on the way can read it"
}

// A logging.yml, as Prefect resolves it: settings are filled in, and variables override single values.
func ExampleLoadLogging() {
	dir, err := os.MkdirTemp("", "orders-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "logging.yml")
	const text = `
version: 1
loggers:
  prefect.flow_runs: {level: "${PREFECT_LOGGING_LEVEL}", handlers: [api]}
  db: {level: DEBUG}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}

	l, err := settings.LoadLogging(path, settings.WithoutFiles(), settings.WithEnvironment([]string{
		"PREFECT_LOGGING_LEVEL=ERROR", "PREFECT_LOGGING_LOGGERS_DB_LEVEL=WARNING",
	}))
	fmt.Println(l.Config["loggers"], err)
	// Output: map[db:map[level:WARNING] prefect.flow_runs:map[handlers:[api] level:ERROR]] <nil>
}
