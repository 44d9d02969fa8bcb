// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/settings"
)

func TestWhatAProgramGivesIsJudgedWithTheSettingsAroundIt(t *testing.T) {
	const elsewhere, plain = " comes from another source than the URL it is sent to", " travels over plain http to another machine"
	key := settings.NewSecret(canary)
	authorization := map[string]settings.Secret{"authorization": key}
	tests := map[string]struct {
		environ []string
		given   settings.Given
		want    []string // what the notices begin with
	}{
		"nothing": {environ: []string{"PREFECT_API_URL=http://far.example/api", "PREFECT_API_KEY=k"}, want: []string{"PREFECT_API_KEY (environment)" + plain}},
		"a URL far away": {
			environ: []string{"PREFECT_API_URL=https://api.prefect.cloud/api", "PREFECT_API_KEY=k"}, given: settings.Given{APIURL: "http://far.example/api"},
			want: []string{"PREFECT_API_KEY (environment)" + elsewhere + " (option)", "PREFECT_API_KEY (environment)" + plain},
		},
		"a URL on this machine for one far away": {
			environ: []string{"PREFECT_API_URL=http://far.example/api", "PREFECT_API_KEY=k"}, given: settings.Given{APIURL: "http://127.0.0.1/api"},
			want: []string{"PREFECT_API_KEY (environment)" + elsewhere + " (option)"},
		},
		"a key": {
			environ: []string{"PREFECT_API_URL=https://h/api", "PREFECT_API_AUTH_STRING=a:b"}, given: settings.Given{APIKey: key},
			want: []string{"PREFECT_API_KEY (option)" + elsewhere + " (environment)"},
		},
		"headers": {
			environ: []string{"PREFECT_API_URL=https://h/api"}, given: settings.Given{CustomHeaders: authorization},
			want: []string{"PREFECT_CLIENT_CUSTOM_HEADERS (option)" + elsewhere + " (environment)"},
		},
		"no headers for those of the environment": {
			environ: []string{"PREFECT_API_URL=http://far.example/api", `PREFECT_CLIENT_CUSTOM_HEADERS={"Authorization": "x"}`},
			given:   settings.Given{CustomHeaders: map[string]settings.Secret{}},
		},
		"all of it":       {given: settings.Given{APIURL: "https://h/api", APIAuthString: key, CustomHeaders: authorization}},
		"a URL that asks": {given: settings.Given{APIURL: "https://me:" + canary + "@h/api"}, want: []string{"PREFECT_API_URL (option) holds a password"}},
		"beside an old name": {
			environ: []string{"PREFECT_LOGGING_ORION_ENABLED=true"}, given: settings.Given{APIURL: "http://far.example/api", APIKey: key},
			want: []string{"PREFECT_LOGGING_ORION_ENABLED (environment) is an old name", "PREFECT_API_KEY (option)" + plain},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := mustLoad(t, tt.environ...)
			before := s.Explain()
			got := s.With(tt.given)
			notices := got.Notices()
			for i, want := range tt.want {
				if len(notices) != len(tt.want) || !strings.HasPrefix(notices[i], want) {
					t.Fatalf("notices %q, want %q", notices, tt.want)
				}
			}
			if len(notices) != len(tt.want) || strings.Contains(fmt.Sprintf("%q %+v", notices, got.Explain()), canary) {
				t.Errorf("notices %q, explained %+v", notices, got.Explain())
			}
			if diff := cmp.Diff(got.Notices(), got.With(settings.Given{}).Notices()); diff != "" {
				t.Errorf("with nothing given besides (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(before, s.Explain()); diff != "" {
				t.Errorf("the settings themselves have changed:\n%s", diff)
			}
		})
	}
}

func TestSettingsOfAProgramsOwnAreJudgedToo(t *testing.T) {
	s := settings.Settings{APIURL: "http://far.example/api", APIKey: settings.NewSecret(canary)}
	if n := s.With(settings.Given{}).Notices(); len(n) != 1 || !strings.HasPrefix(n[0], "PREFECT_API_KEY (option) travels over plain http") {
		t.Errorf("notices %q", n)
	}
}
