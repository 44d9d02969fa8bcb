// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/settings"
)

// layOut writes files into a new directory, "home/" being the user's home and
// "work/" the working directory, and returns options that look there.
func layOut(t testing.TB, files map[string]string, environ ...string) []settings.Option {
	t.Helper()
	directory := t.TempDir()
	for path, text := range files {
		path = filepath.Join(directory, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	home := filepath.Join(directory, "home")
	return []settings.Option{
		settings.WithDirectory(filepath.Join(directory, "work")),
		settings.WithEnvironment(append([]string{"HOME=" + home, "USERPROFILE=" + home}, environ...)),
	}
}

const profiles = "home/.prefect/profiles.toml"

func TestAHigherSourceWins(t *testing.T) {
	files := map[string]string{
		profiles:              "active = 'a'\n[profiles.a]\nPREFECT_API_URL = 'http://profile/api'\n",
		"work/pyproject.toml": "[tool.prefect.api]\nurl = 'http://pyproject/api'\n",
		"work/prefect.toml":   "api.url = 'http://toml/api'\n",
		"work/.env":           "PREFECT_API_URL=http://dotenv/api\n",
	}
	check := func(want string, opts ...settings.Option) {
		t.Helper()
		s, err := settings.Load(opts...)
		if got := s.APIURL; err != nil || got != "http://"+want+"/api" {
			t.Errorf("URL %q, error %v, want that of %s", got, err, want)
		}
	}
	environ := "PREFECT_API_URL=http://environment/api"
	check("option", append(layOut(t, files, environ), settings.WithValue("PREFECT_API_URL", "http://option/api"))...)
	check("environment", layOut(t, files, environ)...)
	for _, next := range []struct{ source, file string }{
		{"dotenv", "work/.env"}, {"toml", "work/prefect.toml"}, {"pyproject", "work/pyproject.toml"}, {"profile", profiles},
	} {
		check(next.source, layOut(t, files)...)
		delete(files, next.file)
	}
}

func TestErrorsNameVariableSourceFileAndLine(t *testing.T) {
	tests := []struct {
		name    string
		files   map[string]string
		environ []string
		want    string
	}{
		{
			name:  "in .env",
			files: map[string]string{"work/.env": "# c\n\nexport PREFECT_LOGGING_LEVEL='LOUD'\n"},
			want:  `PREFECT_LOGGING_LEVEL = "LOUD" (.env:3): want DEBUG, INFO, WARNING, ERROR or CRITICAL, in any case`,
		},
		{
			name:  "in prefect.toml",
			files: map[string]string{"work/prefect.toml": "[logging.to_api]\nenabled = true\nbatch_size = 1.5\n"},
			want:  `logging.to_api.batch_size = 1.5 (prefect.toml:3): want a whole number of bytes, at least 1`,
		},
		{
			name:  "in an inline table",
			files: map[string]string{"work/prefect.toml": "\nlogging = {to_api = {enabled = 'maybe'}}\n"},
			want:  `logging.to_api.enabled = "maybe" (prefect.toml:2): want true, t, 1, yes, y, on or false, f, 0, no, n, off, in any case`,
		},
		{
			name:  "in pyproject.toml",
			files: map[string]string{"work/pyproject.toml": "[tool.other]\nx = 1\n[[tool.prefect.x]]\n[tool.prefect]\n'api'.\"request_timeout\" = \"1h\"\n"},
			want:  `tool.prefect.api.request_timeout = "1h" (pyproject.toml:5): want a number of seconds above 0`,
		},
		{
			name:  "in a profile",
			files: map[string]string{profiles: "active = 'a b'\n[profiles.'a b']\nPREFECT_CLIENT_RETRY_EXTRA_CODES = '500,1'\n"},
			want:  `PREFECT_CLIENT_RETRY_EXTRA_CODES = "500,1" (profile "a b", HOME/.prefect/profiles.toml:3): want status codes from 100 to 599, with commas between`,
		},
		{
			name:  "a text where a table is wanted",
			files: map[string]string{"work/prefect.toml": "x = 1\nlogging = 'INFO'\n"},
			want:  `logging (prefect.toml:2): want a table of settings`,
		},
		{
			name:  "TOML that is none",
			files: map[string]string{"work/prefect.toml": "[api]\nurl = 'u'\nkey = " + canary + "\n"},
			want:  `prefect.toml:3: not valid TOML at column 7; look for a text without quotes, or a key that is there twice`,
		},
		{
			name:  "a key that is there twice",
			files: map[string]string{"work/prefect.toml": "[api]\nkey = '" + canary + "'\nkey = '" + canary + "'\n"},
			want:  `prefect.toml:3: not valid TOML at column 1; look for a text without quotes, or a key that is there twice`,
		},
		{
			name:  "a file that is no text",
			files: map[string]string{"work/.env": "PREFECT_API_KEY=\xff\n"},
			want:  `.env: cannot be read: not UTF-8`,
		},
		{
			name:    "a directory in place of the profiles",
			files:   map[string]string{"work/dir/x": ""},
			environ: []string{"PREFECT_PROFILES_PATH=dir"},
			want:    `dir: cannot be read: not a plain file`,
		},
		{
			name:  "profiles_path that is no text",
			files: map[string]string{"work/prefect.toml": "profiles_path = 3\n"},
			want:  `profiles_path = 3 (prefect.toml:1): want a text`,
		},
		{
			name:  "active that is no text",
			files: map[string]string{profiles: "active = 3\n"},
			want:  `active (HOME/.prefect/profiles.toml:1): want a text`,
		},
		{
			name:  "profiles that are no table",
			files: map[string]string{profiles: "profiles = 3\n"},
			want:  `profiles (HOME/.prefect/profiles.toml:1): want a table of profiles`,
		},
		{
			name:  "a profile that is no table",
			files: map[string]string{profiles: "active = 'a'\n[profiles]\na = 3\n"},
			want:  `profiles.a (profile "a", HOME/.prefect/profiles.toml:3): want a table of settings`,
		},
		{
			name:    "a group that is no JSON object",
			environ: []string{"PREFECT_API=" + canary},
			want:    `PREFECT_API = ******** (environment): want a JSON object of settings, or one variable for each of them`,
		},
		{
			name:    "a home that is not known",
			environ: []string{"PREFECT_HOME=~nobody-of-that-name/x"},
			want:    `PREFECT_HOME = "~nobody-of-that-name/x" (environment): the home directory of that user is not known`,
		},
		{
			name:    "a header that HTTP cannot carry",
			environ: []string{`PREFECT_CLIENT_CUSTOM_HEADERS={"X Y": "` + canary + `"}`},
			want:    `PREFECT_CLIENT_CUSTOM_HEADERS = ******** (environment): holds what cannot be an HTTP header: a name that is no token, or a line break in a value`,
		},
		{
			name:    "a number beyond 64 bits",
			environ: []string{"PREFECT_CLIENT_MAX_RETRIES=99999999999999999999"},
			want:    `PREFECT_CLIENT_MAX_RETRIES = "99999999999999999999" (environment): want a number of at most 9223372036854775807`,
		},
		{
			name:    "a very long value is cut",
			environ: []string{"PREFECT_LOGGING_LEVEL=" + strings.Repeat("é", 1000)},
			want:    `PREFECT_LOGGING_LEVEL = "` + strings.Repeat("é", 60) + `…" (environment): want DEBUG, INFO, WARNING, ERROR or CRITICAL, in any case`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opts := layOut(t, tt.files, tt.environ...)
			_, err := settings.Load(opts...)
			if err == nil {
				t.Fatal("no error")
			}
			got := err.Error()
			if i := strings.Index(got, "/.prefect"); i >= 0 {
				start := strings.LastIndexAny(got[:i], " (") + 1
				got = got[:start] + "HOME" + got[i:]
			}
			if got != tt.want {
				t.Errorf("error\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestWithoutFilesReadsNoFile(t *testing.T) {
	files := map[string]string{
		profiles:              "broken",
		"work/pyproject.toml": "broken",
		"work/prefect.toml":   "broken",
		"work/.env":           "PREFECT_API_URL=http://dotenv/api\n",
	}
	opts := append(layOut(t, files, "PREFECT_PROFILE=local", "PREFECT_API_KEY=k"), settings.WithoutFiles())
	for _, g := range []settings.Generation{settings.Prefect3, settings.Prefect2} {
		s, err := settings.Load(append(opts, settings.WithGeneration(g))...)
		if err != nil || s.APIURL != "" || s.Profile != "" || s.APIKey.Reveal() != "k" {
			t.Errorf("settings %+v, error %v, want those of the environment", s, err)
		}
	}
}

func TestPrefect2ReadsNoFileButProfiles(t *testing.T) {
	opts := layOut(t, map[string]string{
		"work/pyproject.toml": "broken",
		"work/prefect.toml":   "broken",
		"work/.env":           "PREFECT_API_URL=http://dotenv/api\n",
		profiles:              "active = 'a'\n[profiles.a]\nPREFECT_API_URL = 'http://profile/api'\n",
	})
	s, err := settings.Load(append(opts, settings.WithGeneration(settings.Prefect2))...)
	if err != nil || s.APIURL != "http://profile/api" || s.Profile != "a" {
		t.Errorf("settings %+v, error %v, want those of the profile", s, err)
	}
}

func TestNotices(t *testing.T) {
	tests := []struct {
		name    string
		files   map[string]string
		environ []string
		want    []string // parts of them, in order
	}{
		{
			name:    "key and URL from one source give none",
			environ: []string{"PREFECT_API_URL=https://h/api", "PREFECT_API_KEY=k", `PREFECT_CLIENT_CUSTOM_HEADERS={"Authorization": "x"}`},
		},
		{
			name:    "key and URL from different sources",
			files:   map[string]string{"work/prefect.toml": "[api]\nurl = 'https://h/api'\n"},
			environ: []string{"PREFECT_API_KEY=k", "PREFECT_API_AUTH_STRING=a:b", `PREFECT_CLIENT_CUSTOM_HEADERS={"authorization": "x"}`},
			want: []string{
				"PREFECT_API_KEY (environment) comes from another source than the URL it is sent to (prefect.toml:2)",
				"PREFECT_API_AUTH_STRING (environment) comes from another source",
				"PREFECT_CLIENT_CUSTOM_HEADERS (environment) comes from another source",
			},
		},
		{
			name:    "headers that are no credentials may come from elsewhere",
			files:   map[string]string{"work/prefect.toml": "[api]\nurl = 'https://h/api'\n"},
			environ: []string{`PREFECT_CLIENT_CUSTOM_HEADERS={"X-A": "x"}`},
		},
		{
			name:    "a key over plain http",
			environ: []string{"PREFECT_API_URL=HTTP://prefect.example:4200/api", "PREFECT_API_KEY=k"},
			want:    []string{"PREFECT_API_KEY (environment) travels over plain http to another machine"},
		},
		{name: "an empty key over plain http", environ: []string{"PREFECT_API_URL=http://prefect.example/api", "PREFECT_API_KEY="}},
		{name: "plain http to localhost", environ: []string{"PREFECT_API_URL=http://localhost:4200/api", "PREFECT_API_KEY=k"}},
		{name: "plain http to 127.0.0.2", environ: []string{"PREFECT_API_URL=http://127.0.0.2:4200/api", "PREFECT_API_KEY=k"}},
		{name: "plain http to ::1", environ: []string{"PREFECT_API_URL=http://[::1]:4200/api", "PREFECT_API_KEY=k"}},
		{name: "plain http to a name below localhost", environ: []string{"PREFECT_API_URL=http://p.localhost/api", "PREFECT_API_KEY=k"}},
		{
			name:    "plain http to a name that only looks like this machine",
			environ: []string{"PREFECT_API_URL=http://localhost.example/api", "PREFECT_API_KEY=k"},
			want:    []string{"travels over plain http"},
		},
		{
			name:    "a profile that is not there",
			files:   map[string]string{profiles: "[profiles.a]\n"},
			environ: []string{"PREFECT_PROFILE=b"},
			want:    []string{`profile "b" is not there; the default profile "ephemeral" is used`},
		},
		{
			name:    "no file of profiles where one is asked for",
			environ: []string{"PREFECT_PROFILE=b", "PREFECT_PROFILES_PATH=none.toml"},
			want:    []string{`profile "b" (PREFECT_PROFILE) is not there: there is no file none.toml`},
		},
		{
			name:  "a line of .env that makes no sense",
			files: map[string]string{"work/.env": "A=1\n= " + canary + "\n"},
			want:  []string{".env:2 is no assignment, and was left out"},
		},
		{
			name:  "many lines of .env that make no sense",
			files: map[string]string{"work/.env": strings.Repeat("=\n", 100)},
			want:  []string{".env:1 is", ".env:2 is", ".env:3 is", ".env: 97 more lines are no assignments, and were left out"},
		},
		{
			name:    "the cap of Prefect Cloud",
			environ: []string{"PREFECT_API_URL=https://api.prefect.cloud/api/accounts/a/workspaces/w", "PREFECT_LOGGING_TO_API_MAX_LOG_SIZE=30000"},
			want:    []string{"PREFECT_LOGGING_TO_API_MAX_LOG_SIZE = 30000 bytes is lowered to PREFECT_CLOUD_MAX_LOG_SIZE, 25000 bytes"},
		},
		{
			name:    "the cap of Prefect Cloud on a default says nothing",
			environ: []string{"PREFECT_API_URL=https://api.prefect.cloud/api/accounts/a/workspaces/w"},
		},
		{
			name:    "the pages of Prefect Cloud in place of its API",
			environ: []string{"PREFECT_API_URL=https://app.prefect.cloud/account/a/workspace/w"},
			want: []string{
				"points to the pages of Prefect Cloud", `has "account/"`, `has "workspace/"`,
			},
		},
		{
			name:    "a URL of Prefect Cloud without /api",
			environ: []string{"PREFECT_API_URL=https://api.prefect.cloud/accounts/a"},
			want:    []string{`PREFECT_API_URL (environment) lacks "/api" after the host`},
		},
		{
			name:    "silence about the URL",
			environ: []string{"PREFECT_API_URL=https://app.prefect.cloud/account/a", "PREFECT_SILENCE_API_URL_MISCONFIGURATION=1"},
		},
		{
			name:    "a password in the URL",
			environ: []string{"PREFECT_API_URL=https://me:" + canary + "@h/api"},
			want:    []string{"PREFECT_API_URL (environment) holds a password"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := settings.Load(layOut(t, tt.files, tt.environ...)...)
			if err != nil {
				t.Fatal(err)
			}
			got := s.Notices()
			if len(got) != len(tt.want) {
				t.Fatalf("notices %q, want %q", got, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("notice %q lacks %q", got[i], want)
				}
			}
		})
	}
}
