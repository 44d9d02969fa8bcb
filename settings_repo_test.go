// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notOurs are variables of Prefect that documents speak of and package settings does not read as a setting, with the reason.
var notOurs = map[string]string{
	"PREFECT_PROFILE": "says which profile", "PREFECT_PROFILES_PATH": "says which profiles",
	"PREFECT_API": "a whole group as JSON", "PREFECT_LOGGING_COLORS": "of a logging.yml",
	"PREFECT_SERVER_API_AUTH_STRING": "of the server", "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "of the server",
	"PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL": "of a logging.yml", "PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER": "of a logging.yml", "PREFECT_LOGGING_ROOT_HANDLERS": "of a logging.yml",
}

// The table of docs/settings.md is held against the code by package settings.
func TestDocumentsNameOnlySettingsThatThereAre(t *testing.T) {
	var known []string
	for _, row := range markdownRows(markdownSection(t, "docs/settings.md", "## All settings")) {
		known = append(known, code(row[0])[0])
		known = append(known, code(row[4])...)
	}
	if len(known) < 25 {
		t.Fatalf("docs/settings.md has %d names of settings; its table is not read as it should be", len(known))
	}
	used := map[string]bool{}
	for _, f := range repoFiles(t) {
		isComment := path.Base(f.path) == "doc.go" && !strings.Contains(f.path, "internal/")
		if path.Ext(f.path) != ".md" && !isComment || strings.Contains(f.path, "testdata/") {
			continue
		}
		for _, name := range regexp.MustCompile(`\bPREFECT_[A-Z][A-Z_]*[A-Z]\b`).FindAllString(string(f.text), -1) {
			used[name] = true
			if !slices.Contains(known, name) && notOurs[name] == "" {
				t.Errorf("%s names the setting %s, which there is not", f.path, name)
			}
		}
	}
	for name := range notOurs {
		if !used[name] {
			t.Errorf("notOurs lists %s, which no document names", name)
		}
	}
}
