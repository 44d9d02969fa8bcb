// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/settings"
)

func TestExplainTellsValueAndSourceOfEverySetting(t *testing.T) {
	opts := layOut(t, map[string]string{
		"work/.env":           "PREFECT_API_KEY=" + canary + "\n",
		"work/prefect.toml":   "[logging]\nlevel = 'ERROR'\n[client.custom_headers]\nX-B = '" + canary + "'\nX-A = '" + canary + "'\n",
		"work/pyproject.toml": "[tool.prefect]\ndebug_mode = false\n",
		profiles:              "active = 'prod'\n[profiles.prod]\nPREFECT_API_URL = 'http://me:" + canary + "@prefect.example/api'\n",
	}, "PREFECT_LOGGING_ORION_BATCH_SIZE=2_000_000", "SSL_CERT_FILE=/ca.pem", `PREFECT_CLOUD={"max_log_size": 100}`)
	opts = append(opts, settings.WithValue("PREFECT_CLIENT_RETRY_EXTRA_CODES", "504,500"))

	e, err := settings.Explain(opts...)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, o := range e.Settings {
		source := o.Source.String()
		if o.Source.Kind == settings.FromProfile {
			source = fmt.Sprintf("profile %s:%d", o.Source.Profile, o.Source.Line)
		}
		if o.As != "" {
			source += " as " + o.As
		}
		if o.Source.Kind != settings.FromDefault {
			got[o.Name] = o.Value + " | " + source
		}
	}
	want := map[string]string{
		"PREFECT_API_URL":                   "http://********@prefect.example/api | profile prod:3",
		"PREFECT_API_KEY":                   "******** | .env:1",
		"PREFECT_CLIENT_CUSTOM_HEADERS":     "X-A: ********, X-B: ******** | prefect.toml:3",
		"PREFECT_API_SSL_CERT_FILE":         "/ca.pem | environment as SSL_CERT_FILE",
		"PREFECT_CLIENT_RETRY_EXTRA_CODES":  "500,504 | option",
		"PREFECT_CLOUD_MAX_LOG_SIZE":        "100 bytes | environment as PREFECT_CLOUD max_log_size",
		"PREFECT_LOGGING_LEVEL":             "ERROR | prefect.toml:2",
		"PREFECT_LOGGING_TO_API_BATCH_SIZE": "2000000 bytes | environment as PREFECT_LOGGING_ORION_BATCH_SIZE",
		"PREFECT_DEBUG_MODE":                "false | pyproject.toml:2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if e.Profile != "prod" {
		t.Errorf("profile %q, want prod", e.Profile)
	}

	text := e.String()
	for _, want := range []string{
		"(!) comes from another source than the URL it is sent to (profile \"prod\", ",
		"; travels over plain http to another machine",
		"note: PREFECT_LOGGING_ORION_BATCH_SIZE (environment) is an old name of PREFECT_LOGGING_TO_API_BATCH_SIZE\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("explanation lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, canary) || strings.Contains(fmt.Sprintf("%#v", e), canary) {
		t.Errorf("the explanation shows a secret:\n%s", text)
	}

	s, err := settings.Load(opts...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, s.Explain()); diff != "" {
		t.Errorf("Explain and Load differ (-Explain +Load):\n%s", diff)
	}
}

func TestExplainIsCompleteWhenLoadFails(t *testing.T) {
	opts := layOut(t, map[string]string{"work/prefect.toml": "broken"}, "PREFECT_LOGGING_LEVEL=LOUD", "PREFECT_API_URL=http://h/api")
	_, loadErr := settings.Load(opts...)
	e, err := settings.Explain(opts...)
	if err == nil || loadErr == nil || err.Error() != loadErr.Error() {
		t.Errorf("errors %v and %v, want the same of both", err, loadErr)
	}
	for _, o := range e.Settings {
		switch o.Name {
		case "PREFECT_LOGGING_LEVEL":
			if o.Value != "INFO" || !strings.HasPrefix(o.Mark, "refused: want DEBUG") || o.Source.Kind != settings.FromEnvironment {
				t.Errorf("level is explained as %+v", o)
			}
		case "PREFECT_API_URL":
			if o.Value != "http://h/api" {
				t.Errorf("URL is explained as %+v", o)
			}
		}
	}
	bad, ok := errors.AsType[*settings.Error](err)
	if !ok || bad.Name != "PREFECT_LOGGING_LEVEL" || bad.Value != `"LOUD"` || bad.Source.Kind != settings.FromEnvironment {
		t.Errorf("the error is %+v, want one of PREFECT_LOGGING_LEVEL", bad)
	}
}

func TestDebugModeSetsTheLevelAndSaysSo(t *testing.T) {
	s := mustLoad(t, "PREFECT_DEBUG_MODE=1", "PREFECT_LOGGING_LEVEL=ERROR")
	if s.LoggingLevel != settings.LevelDebug {
		t.Errorf("level %v, want DEBUG", s.LoggingLevel)
	}
	for _, o := range s.Explain().Settings {
		if o.Name == "PREFECT_LOGGING_LEVEL" && o.As != "PREFECT_DEBUG_MODE" {
			t.Errorf("the level is explained as %+v, want one as PREFECT_DEBUG_MODE", o)
		}
	}
}
