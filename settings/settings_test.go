// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/prefectlogs/prefectlogs/settings"
)

// load resolves an environment alone, without files.
func load(t *testing.T, environ ...string) (settings.Settings, error) {
	t.Helper()
	return settings.Load(settings.WithEnvironment(environ), settings.WithoutFiles())
}

func mustLoad(t *testing.T, environ ...string) settings.Settings {
	t.Helper()
	s, err := load(t, environ...)
	if err != nil {
		t.Fatalf("Load(%q): %v", environ, err)
	}
	return s
}

func TestLoadWithoutAnySourceGivesPrefectsDefaults(t *testing.T) {
	got := mustLoad(t)
	want := settings.ToAPI{
		Enabled: true, BatchInterval: 2 * time.Second, BatchSize: 4_000_000, MaxLogSize: 1_000_000,
		WhenMissingFlow: settings.MissingFlowWarn,
	}
	if diff := cmp.Diff(want, got.ToAPI); diff != "" {
		t.Errorf("ToAPI (-want +got):\n%s", diff)
	}
	if got.APIURL != "" || got.APIKey.IsSet() || got.APIAuthString.IsSet() || got.LoggingLevel != settings.LevelInfo {
		t.Errorf("got %+v, want no URL, no credentials, INFO", got)
	}
	if n := got.Notices(); len(n) != 0 {
		t.Errorf("notices %q, want none", n)
	}
}

func TestLoadFromTheEnvironment(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		change  func(*settings.Settings)
		notice  string // part of the one notice
	}{
		{
			name:    "the URL is kept as written",
			environ: []string{"PREFECT_API_URL= http://h/api/ "},
			change:  func(s *settings.Settings) { s.APIURL, s.UIURL = " http://h/api/ ", " http://h/ " },
		},
		{
			name:    "names match in any case, and the last of equal names holds",
			environ: []string{"PREFECT_API_URL=http://a/api", "prefect_Api_url=http://b/api"},
			change:  func(s *settings.Settings) { s.APIURL, s.UIURL = "http://b/api", "http://b" },
		},
		{
			name:    "credentials are secrets",
			environ: []string{"PREFECT_API_URL=https://h/api", "PREFECT_API_KEY=k", "PREFECT_API_AUTH_STRING=u:p"},
			change: func(s *settings.Settings) {
				s.APIURL, s.UIURL = "https://h/api", "https://h"
				s.APIKey, s.APIAuthString = settings.NewSecret("k"), settings.NewSecret("u:p")
			},
		},
		{
			name:    "a level is a name in any case",
			environ: []string{"PREFECT_LOGGING_LEVEL=warning"},
			change:  func(s *settings.Settings) { s.LoggingLevel = settings.LevelWarning },
		},
		{
			name: "all five of the API handler",
			environ: []string{
				"PREFECT_LOGGING_TO_API_ENABLED=Off", "PREFECT_LOGGING_TO_API_BATCH_INTERVAL= 1e-1 ",
				"PREFECT_LOGGING_TO_API_BATCH_SIZE=2_000_000.0", "PREFECT_LOGGING_TO_API_MAX_LOG_SIZE=+2000000",
				"PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW=ignore",
			},
			change: func(s *settings.Settings) {
				s.ToAPI = settings.ToAPI{BatchInterval: 100 * time.Millisecond, BatchSize: 2_000_000, MaxLogSize: 2_000_000, WhenMissingFlow: settings.MissingFlowIgnore}
			},
		},
		{
			name:    "an endless interval is the longest one",
			environ: []string{"PREFECT_LOGGING_TO_API_BATCH_INTERVAL=inf"},
			change:  func(s *settings.Settings) { s.ToAPI.BatchInterval = math.MaxInt64 },
		},
		{
			name:    "an Orion name still works, and is noted",
			environ: []string{"PREFECT_LOGGING_ORION_BATCH_SIZE=3000000"},
			change:  func(s *settings.Settings) { s.ToAPI.BatchSize = 3_000_000 },
			notice:  "PREFECT_LOGGING_ORION_BATCH_SIZE (environment) is an old name of PREFECT_LOGGING_TO_API_BATCH_SIZE",
		},
		{
			name:    "the newer name wins over the Orion name",
			environ: []string{"PREFECT_LOGGING_ORION_ENABLED=false", "PREFECT_LOGGING_TO_API_ENABLED=true"},
			change:  func(*settings.Settings) {},
		},
		{
			name:    "settings of others are ignored",
			environ: []string{"PREFECT_SERVER_API_PORT=many", "PREFECT_=", "PATH=/bin", "=C:=c", "NOVALUE"},
			change:  func(*settings.Settings) {},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := mustLoad(t)
			tt.change(&want)
			got := mustLoad(t, tt.environ...)
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(settings.Settings{})); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
			if n := strings.Join(got.Notices(), "\n"); n != tt.notice && (tt.notice == "" || !strings.Contains(n, tt.notice)) {
				t.Errorf("notices %q, want %q", n, tt.notice)
			}
		})
	}
}

func TestLoadReturnsEveryProblemAtOnce(t *testing.T) {
	_, err := load(t,
		"PREFECT_LOGGING_LEVEL=WARN",
		"PREFECT_LOGGING_TO_API_ENABLED=",
		"PREFECT_LOGGING_TO_API_BATCH_INTERVAL=-1",
		"prefect_logging_to_api_batch_size=2e6",
		"PREFECT_LOGGING_TO_API_MAX_LOG_SIZE=0",
		"PREFECT_LOGGING_ORION_WHEN_MISSING_FLOW=WARN",
	)
	if err == nil {
		t.Fatal("Load took six bad values")
	}
	for _, want := range []string{
		`PREFECT_LOGGING_LEVEL = "WARN" (environment): want DEBUG, INFO, WARNING, ERROR or CRITICAL, in any case`,
		`PREFECT_LOGGING_TO_API_ENABLED = "" (environment): want true, t, 1, yes, y, on or false, f, 0, no, n, off, in any case`,
		`PREFECT_LOGGING_TO_API_BATCH_INTERVAL = "-1" (environment): want a number of seconds, 0 or more`,
		`prefect_logging_to_api_batch_size = "2e6" (environment): want a whole number of bytes, at least 1`,
		`PREFECT_LOGGING_TO_API_MAX_LOG_SIZE = "0" (environment): want a whole number of bytes, at least 1`,
		`PREFECT_LOGGING_ORION_WHEN_MISSING_FLOW = "WARN" (environment): want warn, error or ignore, in lower case`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if _, ok := errors.AsType[*settings.Error](err); !ok {
		t.Errorf("error %T holds no *settings.Error", err)
	}
}

func TestALogLimitAboveTheBatchLimitIsRefused(t *testing.T) {
	_, err := load(t, "PREFECT_LOGGING_TO_API_BATCH_SIZE=500000")
	want := `PREFECT_LOGGING_TO_API_MAX_LOG_SIZE = 1000000 bytes (default): a log cannot be larger than a batch: ` +
		`lower it, or raise PREFECT_LOGGING_TO_API_BATCH_SIZE = 500000 bytes (environment)`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if _, err := load(t, "PREFECT_LOGGING_TO_API_BATCH_SIZE=500000", "PREFECT_LOGGING_TO_API_MAX_LOG_SIZE=500000"); err != nil {
		t.Errorf("equal limits are refused: %v", err)
	}
}

func TestAnOptionWinsOverTheEnvironment(t *testing.T) {
	s, err := settings.Load(settings.WithoutFiles(), settings.WithEnvironment([]string{"PREFECT_API_URL=http://env/api"}),
		settings.WithValue("prefect_api_url", "http://option/api"))
	if err != nil || s.APIURL != "http://option/api" {
		t.Errorf("URL %q, error %v, want the option's", s.APIURL, err)
	}
	_, err = settings.Load(settings.WithoutFiles(), settings.WithValue("PREFECT_API_ULR", "http://option/api"))
	if err == nil || !strings.Contains(err.Error(), "PREFECT_API_ULR (option): no such setting") {
		t.Errorf("error %v, want one naming PREFECT_API_ULR", err)
	}
}
