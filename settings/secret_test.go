// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/settings"
)

// canary is in every secret that the tests plant. Nothing printed may hold it.
const canary = "hunter2canary"

func TestSettingsNeverPrintASecret(t *testing.T) {
	s := mustLoad(t, "PREFECT_API_KEY="+canary, "PREFECT_API_AUTH_STRING=user:"+canary, "PREFECT_API_URL=https://me:"+canary+"@h/api")
	if s.APIKey.Reveal() != canary || s.APIAuthString.Reveal() != "user:"+canary {
		t.Fatal("the secrets are not there to be hidden")
	}
	type wrapped struct {
		Open   settings.Settings
		hidden settings.Secret // fmt asks no method of an unexported field
	}
	things := map[string]any{
		"settings": s, "pointer": &s, "secret": s.APIKey, "slice": []settings.Settings{s},
		"wrapped": wrapped{s, s.APIKey}, "map": map[string]settings.Secret{"k": s.APIKey},
	}
	for name, thing := range things {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			if out := fmt.Sprintf(verb, thing); strings.Contains(out, canary) {
				t.Errorf("%s of %s shows the secret: %s", verb, name, out)
			}
		}
		out, err := json.Marshal(thing)
		if err != nil || bytes.Contains(out, []byte(canary)) {
			t.Errorf("JSON of %s (error %v): %s", name, err, out)
		}
		var text, lines bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("m", "s", thing)
		slog.New(slog.NewJSONHandler(&lines, nil)).Info("m", "s", thing)
		if out := text.String() + lines.String(); strings.Contains(out, canary) {
			t.Errorf("slog of %s shows the secret: %s", name, out)
		}
	}
	if out := fmt.Sprintf("%v", s); !strings.Contains(out, "********") || !strings.Contains(out, "h/api") {
		t.Errorf("%%v shows neither mask nor URL: %s", out)
	}
}

func TestErrorsNeverShowASecret(t *testing.T) {
	const number = "918273645"
	headers := `{"X": "` + canary
	tests := map[string]struct {
		files   map[string]string
		environ []string
	}{
		"environment":  {environ: []string{"PREFECT_CLIENT_CUSTOM_HEADERS=" + headers}},
		"group":        {environ: []string{`PREFECT_API={"key": ` + number + `}`}},
		".env":         {files: map[string]string{"work/.env": "PREFECT_CLIENT_CUSTOM_HEADERS='" + headers + "'"}},
		"prefect.toml": {files: map[string]string{"work/prefect.toml": "[api]\nkey = " + number + "\n[client.custom_headers]\nX = ['" + canary + "']"}},
		"pyproject":    {files: map[string]string{"work/pyproject.toml": "[tool.prefect.api]\nauth_string = {x = '" + canary + "'}\nkey = [" + number + "]"}},
		"profile":      {files: map[string]string{profiles: "active = 'a'\n[profiles.a]\nPREFECT_API_KEY = " + number + "\nPREFECT_CLIENT_CUSTOM_HEADERS = '" + canary + "'"}},
		"broken TOML":  {files: map[string]string{profiles: "[profiles.a]\nPREFECT_API_KEY = " + canary}},
		"broken text":  {files: map[string]string{"work/prefect.toml": "[api]\nkey = '" + canary + "\n"}},
		"URL":          {environ: []string{"PREFECT_LOGGING_LEVEL=https://me:" + canary + "@h/"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := settings.Explain(layOut(t, tt.files, tt.environ...)...)
			if err == nil {
				t.Fatal("no error")
			}
			for _, text := range []string{err.Error(), fmt.Sprintf("%#v", err), e.String()} {
				if strings.Contains(text, canary) || strings.Contains(text, number) {
					t.Errorf("shows a secret: %s", text)
				}
			}
		})
	}
}

func TestSecretsAreComparedByText(t *testing.T) {
	a, b := settings.NewSecret("x"), settings.NewSecret("x")
	if !a.Equal(b) || a.Equal(settings.NewSecret("y")) || !settings.NewSecret("").Equal(settings.Secret{}) {
		t.Error("Equal does not compare texts")
	}
	if settings.NewSecret("").IsSet() || settings.NewSecret("").String() != "" {
		t.Error("an empty secret counts as set")
	}
}

func TestAnErrorShowsNoPasswordOfAURLInAList(t *testing.T) {
	for _, group := range []string{`PREFECT_API={"url":["http://u:hunter2@h/api"]}`, `PREFECT_API={"url":{"x":"http://u:hunter2@h/api"}}`} {
		_, err := settings.Load(settings.WithoutFiles(), settings.WithEnvironment([]string{group}))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}
