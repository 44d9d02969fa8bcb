// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/settings"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

// oracleCase is one combination of sources. "@" at the start of a value or of
// a path stands for the directory of the case, "@@" within a file does too;
// other paths are below the working directory, which is @/work.
type oracleCase struct {
	Name  string            `json:"-"`
	Env   map[string]string `json:"env"`
	Files map[string]string `json:"files"`
}

type oracleAnswer struct {
	Settings map[string]any `json:"settings"`
	Error    string         `json:"error"`
}

// TestLoadResolvesWhatPrefectResolves asks real Prefects what they make of
// several hundred combinations of sources, and expects the same of Load.
func TestLoadResolvesWhatPrefectResolves(t *testing.T) {
	for _, version := range []struct {
		servers.Version
		generation settings.Generation
		generated  int
	}{
		{servers.Prefect38, settings.Prefect3, 350},
		{servers.Prefect220, settings.Prefect2, 400},
		{servers.Prefect27, settings.Prefect2, 400},
	} {
		t.Run(fmt.Sprint(version.Version), func(t *testing.T) {
			t.Parallel()
			cases := handmadeCases(version.Version)
			cases = append(cases, generatedCases(version.Version, version.generated)...)
			refused := 0
			for i, answer := range askPrefect(t, version.Version, cases) {
				compare(t, version.generation, cases[i], answer)
				if answer.Error != "" {
					refused++
				}
			}
			t.Logf("%d combinations, of which Prefect refuses %d", len(cases), refused)
			if refused == 0 || refused > len(cases)/2 {
				t.Errorf("Prefect refuses %d of %d combinations: the cases say too little", refused, len(cases))
			}
		})
	}
}

// askPrefect resolves the cases in one Python process.
func askPrefect(t *testing.T, version servers.Version, cases []oracleCase) []oracleAnswer {
	t.Helper()
	python := serverstest.Python(t, version)
	var in, stderr bytes.Buffer
	for _, c := range cases {
		line, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/resolve.py")
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "PYTHONUTF8=1", "DO_NOT_TRACK=1"}
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the oracle of %v: %v\n%s", version, err, stderr.String())
	}
	var answers []oracleAnswer
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a oracleAnswer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(cases) {
		t.Fatalf("the oracle answered %d of %d cases\n%s", len(answers), len(cases), stderr.String())
	}
	return answers
}

// compare resolves a case with Load, and holds it against Prefect's answer.
func compare(t *testing.T, generation settings.Generation, c oracleCase, want oracleAnswer) {
	t.Helper()
	directory := t.TempDir()
	here := func(text string) string {
		if rest, ok := strings.CutPrefix(text, "@"); ok {
			return directory + rest
		}
		return text
	}
	work := filepath.Join(directory, "work")
	if err := os.MkdirAll(work, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range c.Files {
		file := here(path)
		if file == path {
			file = filepath.Join(work, path)
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "@@", directory)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{"HOME=" + filepath.Join(directory, "home")}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) { // as JSON has them
		environ = append(environ, name+"="+here(c.Env[name]))
	}
	s, err := settings.Load(settings.WithGeneration(generation), settings.WithEnvironment(environ), settings.WithDirectory(work))
	sources, _ := json.MarshalIndent(c, "", "  ")
	switch {
	case err != nil && want.Error == "":
		t.Errorf("%s\n%s\nLoad refuses what Prefect takes: %v", c.Name, sources, err)
	case err == nil && want.Error != "":
		t.Errorf("%s\n%s\nLoad takes what Prefect refuses: %s", c.Name, sources, want.Error)
	case err == nil:
		got := asPrefectShows(s, generation, want.Settings)
		for name, v := range got {
			if text, ok := v.(string); ok {
				got[name] = strings.ReplaceAll(text, directory, "@")
			}
		}
		if diff := cmp.Diff(want.Settings, got); diff != "" {
			t.Errorf("%s\n%s\n(-Prefect +Load):\n%s", c.Name, sources, diff)
		}
	}
}

// asPrefectShows gives the settings in the form of the oracle, as far as it
// answered.
func asPrefectShows(s settings.Settings, generation settings.Generation, want map[string]any) map[string]any {
	headers := map[string]any{}
	for name, v := range s.Client.CustomHeaders {
		headers[name] = v.Reveal()
	}
	codes := []any{}
	for _, code := range s.Client.RetryExtraCodes {
		codes = append(codes, float64(code))
	}
	loggers := []any{}
	for _, name := range slices.Sorted(slices.Values(s.ExtraLoggers)) {
		loggers = append(loggers, name)
	}
	all := map[string]any{
		"PREFECT_API_URL":                          s.APIURL,
		"PREFECT_API_KEY":                          s.APIKey.Reveal(),
		"PREFECT_API_AUTH_STRING":                  s.APIAuthString.Reveal(),
		"PREFECT_CLIENT_CUSTOM_HEADERS":            headers,
		"PREFECT_API_SSL_CERT_FILE":                s.SSLCertFile,
		"PREFECT_API_TLS_INSECURE_SKIP_VERIFY":     s.TLSInsecureSkipVerify,
		"PREFECT_API_REQUEST_TIMEOUT":              inSeconds(s.RequestTimeout),
		"PREFECT_CLIENT_MAX_RETRIES":               float64(s.Client.MaxRetries),
		"PREFECT_CLIENT_RETRY_EXTRA_CODES":         codes,
		"PREFECT_CLIENT_RETRY_JITTER_FACTOR":       s.Client.RetryJitterFactor,
		"PREFECT_CLOUD_API_URL":                    s.Cloud.APIURL,
		"PREFECT_CLOUD_UI_URL":                     s.Cloud.UIURL,
		"PREFECT_CLOUD_MAX_LOG_SIZE":               float64(s.Cloud.MaxLogSize),
		"PREFECT_UI_URL":                           s.UIURL,
		"PREFECT_LOGGING_LEVEL":                    s.LoggingLevel.String(),
		"PREFECT_LOGGING_EXTRA_LOGGERS":            loggers,
		"PREFECT_LOGGING_CONFIG_PATH":              s.ConfigPath,
		"PREFECT_LOGGING_SETTINGS_PATH":            s.ConfigPath,
		"PREFECT_LOGGING_TO_API_ENABLED":           s.ToAPI.Enabled,
		"PREFECT_LOGGING_TO_API_BATCH_INTERVAL":    inSeconds(s.ToAPI.BatchInterval),
		"PREFECT_LOGGING_TO_API_BATCH_SIZE":        float64(s.ToAPI.BatchSize),
		"PREFECT_LOGGING_TO_API_MAX_LOG_SIZE":      float64(s.ToAPI.MaxLogSize),
		"PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": string(s.ToAPI.WhenMissingFlow),
		"PREFECT_HOME":                             s.Home,
		"PREFECT_DEBUG_MODE":                       s.DebugMode,
	}
	got := make(map[string]any, len(want))
	for name, v := range want {
		found, ok := all[name]
		if orion, isOrion := strings.CutPrefix(name, "PREFECT_LOGGING_ORION_"); isOrion {
			found, ok = all["PREFECT_LOGGING_TO_API_"+orion]
		}
		if !ok {
			continue
		}
		got[name] = found
		switch {
		case found == "" && v == nil: // Go has no None
			got[name] = nil
		case found == "" && v == "", v == nil:
		case name == "PREFECT_LOGGING_EXTRA_LOGGERS": // Prefect 2 keeps what is there twice
			want[name] = slices.Compact(v.([]any))
		case name == "PREFECT_API_REQUEST_TIMEOUT" && v == 30.0 && s.RequestTimeout == time.Minute:
			got[name] = v // the default of 2.7; ours is the one since 2.13
		case name == "PREFECT_LOGGING_LEVEL" && generation == settings.Prefect2:
			got[name] = map[string]any{"WARN": "WARN", "FATAL": "FATAL"}[fmt.Sprint(v)]
			if got[name] == nil || s.LoggingLevel != map[string]settings.Level{"WARN": 30, "FATAL": 50}[fmt.Sprint(v)] {
				got[name] = found
			}
		}
	}
	return got
}

// inSeconds is a duration as Prefect holds it; endless is "inf".
func inSeconds(d time.Duration) any {
	if d == math.MaxInt64 {
		return "inf"
	}
	return d.Seconds()
}
