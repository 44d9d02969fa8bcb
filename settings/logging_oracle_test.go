// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/dictconfig"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/settings"
)

// loggingCase is a logging.yml, nil for the one that Prefect ships, and an
// environment, in which "@" at the start stands for the directory of the case.
type loggingCase struct {
	Name string            `json:"-"`
	Env  map[string]string `json:"env"`
	File *string           `json:"file"`
}

// loggingCases are the files of testdata/logging, each alone and with some of
// the sets of overrides, and all sets with the file that Prefect ships.
func loggingCases(t *testing.T) (cases []loggingCase) {
	t.Helper()
	raw, err := os.ReadFile("testdata/logging/overrides.json")
	if err != nil {
		t.Fatal(err)
	}
	var overrides []map[string]string
	if err := json.Unmarshal(raw, &overrides); err != nil {
		t.Fatal(err)
	}
	for i, env := range overrides {
		cases = append(cases, loggingCase{fmt.Sprintf("shipped, overrides %d", i), env, nil})
	}
	files, err := filepath.Glob("testdata/logging/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for j, env := range overrides {
			if j == 0 || (i+j)%11 == 0 {
				cases = append(cases, loggingCase{fmt.Sprintf("%s, overrides %d", filepath.Base(file), j), env, new(string(text))})
			}
		}
	}
	return cases
}

func TestLoadLoggingResolvesWhatPrefectResolves(t *testing.T) {
	for version, generation := range map[servers.Version]settings.Generation{
		servers.Prefect38: settings.Prefect3, servers.Prefect27: settings.Prefect2,
	} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			cases := loggingCases(t)
			refused, reached := 0, 0
			for i, want := range askLogging(t, version, cases) {
				config, logging, err := loadLogging(t, version, generation, cases[i])
				sources, _ := json.MarshalIndent(cases[i], "", "  ")
				switch {
				case want.Error != "":
					refused++
					if err == nil {
						t.Errorf("%s\n%s\nLoadLogging takes what Prefect refuses: %s", cases[i].Name, sources, want.Error)
					}
				case err != nil:
					t.Errorf("%s\n%s\nLoadLogging refuses what Prefect takes: %v", cases[i].Name, sources, err)
				default:
					if diff := cmp.Diff(want.Config, config); diff != "" {
						t.Errorf("%s\n%s\n(-Prefect +LoadLogging):\n%s", cases[i].Name, sources, diff)
					}
					n, problems := compareReached(logging, cases[i], want)
					for _, problem := range problems {
						t.Errorf("%s\n%s\n%s", cases[i].Name, sources, problem)
					}
					reached += n
				}
			}
			t.Logf("%d files and sets of overrides, of which Prefect refuses %d; %d pairs of logger and level", len(cases), refused, reached)
			if reached < 5000 {
				t.Errorf("%d pairs of logger and level were compared: they say too little", reached)
			}
			if len(cases) < 60 || refused == 0 || refused > len(cases)/2 {
				t.Errorf("Prefect refuses %d of %d: the cases say too little", refused, len(cases))
			}
		})
	}
}

// loggingAnswer is what testdata/logconfig.py makes of a case.
type loggingAnswer struct {
	Config  any
	Error   string
	Refused string                       // by dictConfig
	Reached map[string]map[string]string // by logger and level: "api console"
}

// loggers are those that are asked about. What no entry names counts here as a run
// logger, and is asked about under that name there.
var loggers = []string{
	"prefect", "prefect.flow_runs", "prefect.task_runs", "prefect.flow_runs.sub", "prefect.extra", "prefect.client", "prefect.server", "prefect.orion",
	"prefect.workers", "prefect._internal", "prefect.etl", "uvicorn", "uvicorn.access", "mine", "mine.sub", "minefield", "yours", "myapp", "myapp.db",
	"myapp.db.pool", "myapp.db.pool.conn", "myapplication", "other", "other.thing", "orders", "",
}

// compareReached holds which handlers records reach against Prefect's answer.
func compareReached(l settings.Logging, c loggingCase, want loggingAnswer) (n int, problems []string) {
	config, err := dictconfig.New(l)
	if want.Refused != "" {
		// Orion's handler is there in Prefect 2 alone, and lists cannot be overridden there: dictConfig takes a text for a list of letters.
		overridden := l.Generation == settings.Prefect3 && strings.Contains(want.Refused, "'orion'")
		if l.Generation == settings.Prefect2 && strings.HasPrefix(c.Name, "handlers-as-text") {
			overridden = true // as an override leaves it
		}
		for name := range c.Env {
			overridden = overridden || l.Generation == settings.Prefect2 && strings.HasSuffix(name, "_HANDLERS")
		}
		if err == nil && !overridden {
			problems = append(problems, "dictconfig takes what dictConfig refuses: "+want.Refused)
		}
		return 0, problems
	}
	if err != nil {
		return 0, append(problems, "dictconfig refuses what dictConfig takes: "+err.Error())
	}
	for _, name := range loggers {
		for _, inTask := range []bool{false, true} {
			route := config.Routes(name).Flow
			if inTask {
				route = config.Routes(name).Task
			}
			for level, there := range want.Reached[config.Stands(name, inTask)] {
				number, _ := strconv.Atoi(level)
				var here []string
				if route.API <= number {
					here = append(here, "api")
				}
				if slices.ContainsFunc(route.Lines, func(t dictconfig.Target) bool { return t.Least <= number }) {
					here = append(here, "console")
				}
				if got := strings.Join(here, " "); got != there || (route.Any <= number) != (got != "") {
					problems = append(problems, fmt.Sprintf("%q (task: %v) at level %s reaches %q, in Prefect %q", name, inTask, level, got, there))
				}
				n++
			}
		}
	}
	return n, problems
}

func askLogging(t *testing.T, version servers.Version, cases []loggingCase) (answers []loggingAnswer) {
	t.Helper()
	python := serverstest.Python(t, version)
	var in, stderr bytes.Buffer
	encoder := json.NewEncoder(&in)
	for _, c := range cases {
		if err := encoder.Encode(map[string]any{"env": c.Env, "file": c.File, "loggers": loggers[:len(loggers)-1]}); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/logconfig.py")
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "PYTHONUTF8=1", "DO_NOT_TRACK=1"}
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the oracle of %v: %v\n%s", version, err, stderr.String())
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	for decoder.More() {
		var a loggingAnswer
		if err := decoder.Decode(&a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(cases) {
		t.Fatalf("the oracle answered %d of %d cases\n%s", len(answers), len(cases), stderr.String())
	}
	return answers
}

// loadLogging resolves a case here, in the form of the oracle.
func loadLogging(t *testing.T, version servers.Version, generation settings.Generation, c loggingCase) (any, settings.Logging, error) {
	t.Helper()
	directory := t.TempDir()
	environ := []string{"HOME=" + filepath.Join(directory, "home")}
	if version == servers.Prefect27 {
		environ = append(environ, "PREFECT_API_REQUEST_TIMEOUT=30") // its default; ours is the one since 2.13
	}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		text := c.Env[name]
		if rest, ok := strings.CutPrefix(text, "@"); ok {
			text = directory + rest
		}
		environ = append(environ, name+"="+text)
	}
	if c.File != nil {
		handler := "APILogHandler"
		if version == servers.Prefect27 {
			handler = "OrionHandler"
		}
		path := filepath.Join(directory, "logging.yml")
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(*c.File, "@API@", handler)), 0o600); err != nil {
			t.Fatal(err)
		}
		environ = append(environ, "PREFECT_LOGGING_SETTINGS_PATH="+path)
	}
	l, err := settings.LoadLogging("", settings.WithGeneration(generation), settings.WithEnvironment(environ), settings.WithDirectory(directory))
	return asOracle(l.Config, directory), l, err
}

// asOracle gives a value in the form of the oracle, which keeps whole numbers and
// others apart.
func asOracle(v any, directory string) any {
	switch v := v.(type) {
	case map[string]any:
		table := make(map[string]any, len(v))
		for key, item := range v {
			table[key] = asOracle(item, directory)
		}
		return table
	case []any:
		list := make([]any, 0, len(v))
		for _, item := range v {
			list = append(list, asOracle(item, directory))
		}
		return list
	case string:
		return strings.ReplaceAll(v, directory, "@")
	case int64:
		return float64(v)
	case float64:
		text := strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'f', -1, 64), "+"))
		if !strings.ContainsAny(text, ".in") {
			text += ".0"
		}
		return map[string]any{"float": text}
	}
	return v
}

func TestTheTablesOfAllSettingsArePrefects(t *testing.T) {
	for _, tt := range []struct {
		version servers.Version
		table   string
		later   []string // settings whose default is that of another version
	}{
		{servers.Prefect38, "shipped/variables3.tsv", nil},
		{servers.Prefect27, "shipped/variables2.tsv", []string{"PREFECT_API_REQUEST_TIMEOUT"}},
		{servers.Prefect220, "shipped/variables2.tsv", []string{"PREFECT_AGENT_PREFETCH_SECONDS", "PREFECT_AGENT_QUERY_INTERVAL", "PREFECT_CLOUD_URL"}},
	} {
		t.Run(fmt.Sprint(tt.version), func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), serverstest.Python(t, tt.version), "-W", "ignore", "testdata/variables.py")
			cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "PYTHONUTF8=1", "DO_NOT_TRACK=1"}
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(tt.table)
			if err != nil {
				t.Fatal(err)
			}
			rows := strings.Split(string(raw), "\n")
			prefects := strings.Split(strings.TrimSpace(string(out)), "\n")
			for _, row := range prefects {
				name, _, _ := strings.Cut(row, "\t")
				if !slices.Contains(rows, row) && !slices.Contains(tt.later, name) {
					t.Errorf("%s lacks\n%s", tt.table, row)
				}
			}
			if tt.version == servers.Prefect38 && len(rows)-1 != len(prefects) {
				t.Errorf("%s has %d rows, Prefect %d settings", tt.table, len(rows)-1, len(prefects))
			}
		})
	}
}
