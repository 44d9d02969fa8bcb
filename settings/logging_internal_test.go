// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// loggingIn reads a logging.yml of the text.
func loggingIn(t *testing.T, text string, environ ...string) (Logging, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "logging.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := LoadLogging(path, WithoutFiles(), WithEnvironment(environ))
	if err != nil {
		err = errors.New(strings.ReplaceAll(err.Error(), path, "logging.yml"))
	}
	return l, err
}

func TestErrorsOfALoggingYMLNameFileLineAndSetting(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a: &a [x, x, x, x, x, x, x, x, x, x]\n")
	for c := 'b'; c < 'i'; c++ {
		again := strings.TrimSuffix(strings.Repeat("*"+string(c-1)+", ", 10), ", ")
		fmt.Fprintf(&bomb, "%c: &%c [%s]\n", c, c, again)
	}
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"unknown settings":        {"version: 1\na: $PREFECT_ONE\nb: ${PREFECT_TWO}", []string{"logging.yml:2: $PREFECT_ONE: Prefect 3 has no such setting", "3: $PREFECT_TWO"}},
		"a setting without value": {"a: $PREFECT_API_URL", []string{"logging.yml:1: $PREFECT_API_URL: the setting has no value"}},
		"a lone sign":             {"a: 1\n\n# 5 $", []string{"logging.yml:3: a $ that no name of a setting follows; write $$"}},
		"a bad value":             {"a: $PREFECT_SERVER_API_PORT", []string{"logging.yml:1: PREFECT_SERVER_API_PORT = ******** (environment): want a whole number"}},
		"no YAML":                 {"a: 1\nb: [", []string{"logging.yml:", "is no YAML"}},
		"an unknown anchor":       {"a: *$PREFECT_API_KEY", []string{"logging.yml:1: is no YAML: unknown anchor '…' referenced"}},
		"no table":                {"[a]", []string{"logging.yml:1: want a table"}},
		"nothing":                 {"# nothing", []string{"logging.yml:1: is empty"}},
		"a key of a number":       {"a:\n  5: x", []string{"logging.yml:2: a key that is no text"}},
		"a merge of nothing":      {"a: {<<: 5}", []string{"logging.yml:1: << wants a table"}},
		"a tag":                   {"a: !!binary aGk=", []string{"logging.yml:1: the tag !!binary cannot be read"}},
		"a number too large":      {"a: 99999999999999999999", []string{"logging.yml:1: a number that is too large"}},
		"aliases of aliases":      {bomb.String(), []string{"is too large, or nested too deep"}},
		"lists in lists":          {"a: " + strings.Repeat("[", 500) + strings.Repeat("]", 500), []string{"logging.yml:1: "}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loggingIn(t, tt.text, "PREFECT_SERVER_API_PORT=many", "PREFECT_API_KEY=pnu_hidden")
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
			}
		})
	}
	if _, err := LoadLogging("/nowhere/logging.yml", WithEnvironment(nil)); err == nil || !strings.Contains(err.Error(), "/nowhere/logging.yml: there is no such file") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestALoggingYMLIsFilledFromEverySource(t *testing.T) {
	directory := t.TempDir()
	for file, text := range map[string]string{
		"logging.yml":  "level: $PREFECT_SERVER_LOGGING_LEVEL\nhost: $PREFECT_SERVER_API_HOST\nport: ${PREFECT_SERVER_API_PORT}\nui: $PREFECT_UI_API_URL\nlist: [a]",
		"prefect.toml": "[server]\nlogging_level = \"debug\"\n[server.api]\nhost = \"toml\"\nport = 1\n",
		".env":         "PREFECT_SERVER_API_PORT=2\nPREFECT_LOGGING_SERVER_LEVEL=error\n",
	} {
		if err := os.WriteFile(filepath.Join(directory, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := LoadLogging("", WithDirectory(directory), WithEnvironment([]string{"PREFECT_LOGGING_CONFIG_PATH=logging.yml", "PREFECT_LOGGING_LIST=x,y", "HOME=" + directory}))
	if err != nil {
		t.Fatal(err)
	}
	want := "map[host:toml level:ERROR list:[x y] port:2 ui:http://toml:2/api]"
	if got := fmt.Sprint(l.Config); got != want || l.File != "logging.yml" {
		t.Errorf("got %s from %q, want %s", got, l.File, want)
	}
}

func TestTheLoggingOfSettingsFollowsThem(t *testing.T) {
	level := func(s Settings) any {
		l, err := s.Logging()
		if err != nil {
			t.Fatal(err)
		}
		return l.Config["loggers"].(map[string]any)["prefect"].(map[string]any)["level"]
	}
	t.Setenv("PREFECT_LOGGING_LOGGERS_PREFECT_LEVEL", "CRITICAL")
	loaded, err := Load(WithoutFiles(), WithEnvironment([]string{"PREFECT_LOGGING_LEVEL=ERROR"}))
	if err != nil {
		t.Fatal(err)
	}
	changed := loaded
	changed.LoggingLevel = LevelDebug
	for name, tt := range map[string]struct {
		settings Settings
		want     string
	}{
		"as loaded": {loaded, "ERROR"}, "changed since": {changed, "DEBUG"}, "not from Load": {Settings{LoggingLevel: LevelWarning}, "WARNING"},
	} {
		if got := level(tt.settings); got != tt.want {
			t.Errorf("%s: %v, want %s", name, got, tt.want)
		}
	}
}

func TestALoggingPrintsNothingOfItsContent(t *testing.T) {
	l, err := loggingIn(t, "a: $PREFECT_API_KEY", "PREFECT_API_KEY=pnu_hidden")
	if err != nil || l.Config["a"] != "pnu_hidden" {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if got := fmt.Sprintf(verb, l); strings.Contains(got, "pnu_hidden") || !strings.HasSuffix(got, "logging.yml") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

func FuzzLogging(f *testing.F) {
	for _, seed := range []string{shippedLogging3, shippedLogging2, "a: &a {b: [1, 0x1, 1:30, .5, yes]}\nc: {<<: *a}", "$$ ${A} $A", "!!int x", "? [a]\n: b", "a: |\n  x", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filled, err := fillTemplate(text, func(name string) (string, error) { return name, nil })
		if err != nil {
			return
		}
		config, err := parseYAML(filled)
		if (config == nil) == (err == nil) {
			t.Fatalf("%v and %v", config, err)
		}
		override(config, nil, map[string]string{"PREFECT_LOGGING_A": "x,y"}, Prefect3)
	})
}
