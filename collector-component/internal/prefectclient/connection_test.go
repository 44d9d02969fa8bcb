// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectclient_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/prefectclient"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/settings"
)

const local = "http://127.0.0.1:4200/api"

// connection is a connection to a local server, changed.
func connection(change func(*prefectclient.Connection)) *prefectclient.Connection {
	c := &prefectclient.Connection{Path: "watch::", HTTP: prefectclient.DefaultHTTP()}
	c.HTTP.Endpoint = local
	if change != nil {
		change(c)
	}
	return c
}

// check returns what is wrong with a connection, a line each.
func check(c *prefectclient.Connection, fromEnvironment bool) string {
	var problems []string
	c.Check(func(key, format string, args ...any) {
		problems = append(problems, fmt.Errorf(key+": "+format, args...).Error())
	}, fromEnvironment)
	return strings.Join(problems, "\n")
}

func TestTheDefaultClientIsAsPrefectsServersNeedIt(t *testing.T) {
	c := prefectclient.DefaultHTTP()
	keepalive := c.Keepalive.Get()
	if c.Timeout != time.Minute || c.ForceAttemptHTTP2 || c.Compression.IsCompressed() {
		t.Errorf("%+v", c)
	}
	// Prefect's server closes idle connections after 5 seconds.
	if keepalive.IdleConnTimeout <= 0 || keepalive.IdleConnTimeout >= 5*time.Second || keepalive.MaxIdleConnsPerHost != 2 {
		t.Errorf("%+v", keepalive)
	}
	if problems := check(connection(nil), false); problems != "" {
		t.Error(problems)
	}
}

func TestWhatNoClientCanBeMadeOfIsRefused(t *testing.T) {
	tests := []struct {
		name            string
		change          func(*prefectclient.Connection)
		fromEnvironment bool
		want            string // "": nothing is wrong
	}{
		{"an address", nil, false, ""},
		{"no address", func(c *prefectclient.Connection) { c.HTTP.Endpoint = "" }, false, "watch::endpoint: is empty; want the address of Prefect's API"},
		{"no address in the environment", func(c *prefectclient.Connection) { c.HTTP.Endpoint = "" }, true, "watch::from_environment: no setting of the environment names the server: set PREFECT_API_URL"},
		{"an address without a scheme", func(c *prefectclient.Connection) { c.HTTP.Endpoint = "localhost:4200" }, false, "watch::endpoint: prefectapi: the API URL"},
		{"an address with a password", func(c *prefectclient.Connection) { c.HTTP.Endpoint = "http://me:secret@h/api" }, false, "watch::endpoint: holds credentials"},
		{"an address with a password in the environment, as Prefect takes it", func(c *prefectclient.Connection) { c.HTTP.Endpoint = "http://me:secret@h/api" }, true, ""},
		{"a key", func(c *prefectclient.Connection) { c.APIKey = "secret" }, false, ""},
		{"a user and password", func(c *prefectclient.Connection) { c.AuthString = "me:secret" }, false, ""},
		{"a key and a password", func(c *prefectclient.Connection) { c.APIKey, c.AuthString = "secret", "me:secret" }, false, "watch::api_key: is set, and auth_string too"},
		{"an extension beside a key", func(c *prefectclient.Connection) {
			c.APIKey = "secret"
			c.HTTP.Auth.GetOrInsertDefault()
		}, false, "watch::auth: is set, and api_key or auth_string too"},
		{"a key that is no header", func(c *prefectclient.Connection) { c.APIKey = "secret\n" }, false, "watch::api_key: prefectapi: "},
		{"a header", header("X-Team", "data"), false, ""},
		{"a header that follows from the request", header("Content-Length", "secret"), false, "watch::headers: prefectapi: "},
		{"compression", func(c *prefectclient.Connection) { c.HTTP.Compression = "gzip" }, false, `watch::compression: is "gzip"; leave it out`},
		{"cookies", func(c *prefectclient.Connection) { c.HTTP.Cookies = configoptional.Some(confighttp.CookiesConfig{}) }, false, "watch::cookies: are set; leave them out"},
		{"no time-out", func(c *prefectclient.Connection) { c.HTTP.Timeout = 0 }, false, "watch::timeout: is 0s; it must be positive"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := check(connection(test.change), test.fromEnvironment)
			if test.want == "" && got != "" || !strings.HasPrefix(got, test.want) || strings.Contains(got, "\n") {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			if strings.Contains(got, "secret") {
				t.Errorf("it shows a secret: %q", got)
			}
		})
	}
}

func header(name, value string) func(*prefectclient.Connection) {
	return func(c *prefectclient.Connection) { c.HTTP.Headers.Set(name, configopaque.String(value)) }
}

func TestAllThatIsWrongIsToldAtOnce(t *testing.T) {
	got := check(connection(func(c *prefectclient.Connection) {
		c.HTTP.Endpoint, c.HTTP.Timeout, c.HTTP.Compression = "", 0, "zstd"
	}), false)
	if strings.Count(got, "\n") != 2 {
		t.Error(got)
	}
}

// set are Prefect's own settings, all of them.
func set() settings.Settings {
	var s settings.Settings
	s.APIURL = "https://prefect.example/api"
	s.APIKey = settings.NewSecret("environment-key")
	s.SSLCertFile = "environment.pem"
	s.TLSInsecureSkipVerify = true
	s.RequestTimeout = 7 * time.Second
	s.Client.CustomHeaders = map[string]settings.Secret{"X-Team": settings.NewSecret("environment")}
	return s
}

func TestPrefectsSettingsFillWhatIsNotSet(t *testing.T) {
	tests := []struct {
		name         string
		change       func(*prefectclient.Connection)
		environment  func(*settings.Settings)
		key, auth    string
		file, header string
		timeout      time.Duration
	}{
		{"all", nil, nil, "environment-key", "", "environment.pem", "environment", 7 * time.Second},
		{
			"a password wins over a key, as in Prefect", nil, func(s *settings.Settings) { s.APIAuthString = settings.NewSecret("me:environment") },
			"", "me:environment", "environment.pem", "environment", 7 * time.Second,
		},
		{
			"a key that is set stays alone", func(c *prefectclient.Connection) { c.APIKey = "own-key" }, func(s *settings.Settings) { s.APIAuthString = settings.NewSecret("me:environment") },
			"own-key", "", "environment.pem", "environment", 7 * time.Second,
		},
		{
			"an extension stays alone", func(c *prefectclient.Connection) { c.HTTP.Auth.GetOrInsertDefault() }, nil,
			"", "", "environment.pem", "environment", 7 * time.Second,
		},
		{
			"what is set wins", func(c *prefectclient.Connection) {
				c.HTTP.TLS.CAFile, c.HTTP.Timeout = "own.pem", time.Second
				c.HTTP.Headers.Set("X-Team", "own")
			}, nil,
			"environment-key", "", "own.pem", "own", time.Second,
		},
		{
			"in any spelling, and if it is the default", func(c *prefectclient.Connection) {
				c.OwnTimeout = true
				c.HTTP.Headers.Set("x-teaM", "own")
			}, func(s *settings.Settings) { s.Client.CustomHeaders["x-team"] = settings.NewSecret("environment") },
			"environment-key", "", "environment.pem", "own", time.Minute,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := connection(test.change)
			c.HTTP.Endpoint = ""
			s := set()
			if test.environment != nil {
				test.environment(&s)
			}
			c.Fill(s)
			if problems := check(c, true); problems != "" {
				t.Error(problems)
			}
			if c.HTTP.Endpoint != s.APIURL || c.APIKey != test.key || c.AuthString != test.auth || c.HTTP.TLS.CAFile != test.file ||
				!c.HTTP.TLS.InsecureSkipVerify || c.HTTP.Timeout != test.timeout {
				t.Errorf("%+v", c)
			}
			if diff := cmp.Diff(test.header, sent(t, c).Get("X-Team")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// sent returns the headers of a request of the client.
func sent(t *testing.T, c *prefectclient.Connection) http.Header {
	t.Helper()
	var header http.Header
	client, err := c.Client("otelcol/1", transport(func(r *http.Request) (*http.Response, error) {
		header = r.Header
		return nil, errors.New("seen enough")
	}))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*prefectapi.Error](client.Check(t.Context())); !ok {
		t.Fatal("the client was not asked")
	}
	return header
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRequestsCarryTheCredentials(t *testing.T) {
	tests := []struct {
		name   string
		change func(*prefectclient.Connection)
		want   string
	}{
		{"none", nil, ""},
		{"a key", func(c *prefectclient.Connection) { c.APIKey = "key" }, "Bearer key"},
		{"a user and password", func(c *prefectclient.Connection) { c.AuthString = "user:password" }, "Basic dXNlcjpwYXNzd29yZA=="},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := connection(test.change)
			if problems := check(c, false); problems != "" {
				t.Fatal(problems)
			}
			header := sent(t, c)
			if got := header.Get("Authorization"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got := header.Get("User-Agent"); !strings.HasPrefix(got, "otelcol/1 ") {
				t.Errorf("the user agent is %q", got)
			}
		})
	}
}

// What no log may show is told by mapping.Credentials; here all of it is handed over.
func TestSecrets(t *testing.T) {
	c := connection(func(c *prefectclient.Connection) { c.APIKey, c.AuthString = "the key", "me:pass" })
	c.HTTP.Endpoint, c.HTTP.ProxyURL = "http://me:of-the-endpoint@h/api", "http://me:of-the-proxy@h"
	c.HTTP.Headers.Set("X-Token", "the-token")
	c.HTTP.Headers.Set("X-Team", "the-database")
	check(c, false)
	if c.HTTP.Headers != nil {
		t.Error("the Collector's client would set the headers too, unchecked")
	}
	if diff := cmp.Diff([]string{"the key", "me:pass", "the-token", "me:of-the-endpoint", "of-the-endpoint", "me:of-the-proxy", "of-the-proxy"}, c.Secrets()); diff != "" {
		t.Error(diff)
	}
}

func TestCredentialsOverPlainHTTPAreWarnedOf(t *testing.T) {
	tests := []struct {
		endpoint, key string
		want          bool
	}{
		{"http://prefect.example/api", "secret", true},
		{"http://10.0.0.7:4200/api", "secret", true},
		{"http://prefect.example/api", "", false},
		{"https://prefect.example/api", "secret", false},
		{"http://127.0.0.1:4200/api", "secret", false},
		{"http://[::1]:4200/api", "secret", false},
		{"http://localhost:4200/api", "secret", false},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s with key %q", test.endpoint, test.key), func(t *testing.T) {
			c := connection(func(c *prefectclient.Connection) { c.HTTP.Endpoint, c.APIKey = test.endpoint, test.key })
			notices := c.Notices()
			if (len(notices) > 0) != test.want {
				t.Errorf("%q", notices)
			}
			if test.want && (!strings.HasPrefix(notices[0], "watch::endpoint: ") || strings.Contains(notices[0], "secret")) {
				t.Errorf("%q", notices)
			}
		})
	}
}
