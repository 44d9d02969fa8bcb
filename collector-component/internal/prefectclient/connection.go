// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectclient

import (
	"cmp"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/settings"
)

// Connection is how to reach a server or workspace.
type Connection struct {
	Path       string // of its keys, before their names, as "watch::"
	HTTP       confighttp.ClientConfig
	APIKey     string
	AuthString string
	OwnTimeout bool              // the time-out was set, and is not Prefect's to say, whatever it is
	headers    map[string]string // each in one spelling
}

// idleTimeout is below the 5 seconds after which Prefect's server closes idle connections: a request on a dying
// connection fails ambiguously.
const idleTimeout = 4 * time.Second

// DefaultHTTP is a client as Prefect's servers need it.
func DefaultHTTP() confighttp.ClientConfig {
	c := confighttp.NewDefaultClientConfig()
	c.Timeout = prefectapi.DefaultTimeout
	c.ForceAttemptHTTP2 = false
	c.MaxIdleConns = 0
	keepalive := confighttp.NewDefaultKeepaliveClientConfig()
	keepalive.IdleConnTimeout = idleTimeout
	keepalive.MaxIdleConns = 0
	keepalive.MaxIdleConnsPerHost = 2
	c.Keepalive = configoptional.Some(keepalive)
	return c
}

// Fill takes what is not set from Prefect's settings.
func (c *Connection) Fill(s settings.Settings) {
	c.HTTP.Endpoint = cmp.Or(c.HTTP.Endpoint, s.APIURL)
	if c.APIKey == "" && c.AuthString == "" && !c.HTTP.Auth.HasValue() {
		c.APIKey, c.AuthString = s.APIKey.Reveal(), s.APIAuthString.Reveal()
		if c.AuthString != "" {
			c.APIKey = "" // as in Prefect
		}
	}
	c.HTTP.TLS.CAFile = cmp.Or(c.HTTP.TLS.CAFile, s.SSLCertFile)
	c.HTTP.TLS.InsecureSkipVerify = c.HTTP.TLS.InsecureSkipVerify || s.TLSInsecureSkipVerify
	if !c.OwnTimeout && c.HTTP.Timeout == prefectapi.DefaultTimeout {
		c.HTTP.Timeout = s.RequestTimeout
	}
	for _, name := range slices.Sorted(maps.Keys(s.Client.CustomHeaders)) { // of two spellings the last holds, as in a Go program
		c.header(name, s.Client.CustomHeaders[name].Reveal())
	}
}

func (c *Connection) header(name, value string) {
	if c.headers == nil {
		c.headers = map[string]string{}
	}
	maps.DeleteFunc(c.headers, func(other, _ string) bool { return strings.EqualFold(other, name) }) // X-A and x-a are one header
	c.headers[name] = value
}

// Check refuses what no client can be made of.
func (c *Connection) Check(bad func(key, format string, args ...any), fromEnvironment bool) {
	for name, value := range c.HTTP.Headers.Iter {
		c.header(name, string(value)) // the client sets them by itself: checked, and without a wrapper of the transport
	}
	c.HTTP.Headers = nil
	endpoint := c.HTTP.Endpoint
	switch address, err := url.Parse(strings.TrimSpace(endpoint)); {
	case endpoint == "" && fromEnvironment:
		bad(c.Path+"from_environment", "no setting of the environment names the server: set PREFECT_API_URL")
	case endpoint == "":
		bad(c.Path+"endpoint", "is empty; want the address of Prefect's API, such as \"http://127.0.0.1:4200/api\"")
	case err == nil && address.User != nil && !fromEnvironment:
		bad(c.Path+"endpoint", "holds credentials, which show wherever it is printed; auth_string is the place for them")
	default:
		c.try(bad, "endpoint", prefectapi.Config{APIURL: endpoint})
	}
	const well = "http://127.0.0.1/api" // so that an error is of the other key
	c.try(bad, "api_key", prefectapi.Config{APIURL: well, APIKey: c.APIKey})
	c.try(bad, "auth_string", prefectapi.Config{APIURL: well, AuthString: c.AuthString})
	c.try(bad, "headers", prefectapi.Config{APIURL: well, Headers: c.headers})
	if c.APIKey != "" && c.AuthString != "" {
		bad(c.Path+"api_key", "is set, and auth_string too; a request has room for one of them")
	}
	if c.HTTP.Auth.HasValue() && (c.APIKey != "" || c.AuthString != "") {
		bad(c.Path+"auth", "is set, and api_key or auth_string too; a request has room for one of them")
	}
	if c.HTTP.Compression.IsCompressed() {
		bad(c.Path+"compression", "is %q; leave it out, since Prefect's server takes no compressed bodies", c.HTTP.Compression)
	}
	if c.HTTP.Cookies.HasValue() {
		bad(c.Path+"cookies", "are set; leave them out, since Prefect's server keeps no state in them")
	}
	if c.HTTP.Timeout <= 0 {
		bad(c.Path+"timeout", "is %v; it must be positive, since a request that is never answered blocks all behind it", c.HTTP.Timeout)
	}
}

// try tells bad of key if no client can be made of a configuration.
func (c *Connection) try(bad func(key, format string, args ...any), key string, config prefectapi.Config) {
	config.Transport = http.DefaultTransport
	if _, err := prefectapi.New(config); err != nil {
		bad(c.Path+key, "%w", err)
	}
}

// Client makes the client, over a transport.
func (c *Connection) Client(userAgent string, transport http.RoundTripper) (*prefectapi.Client, error) {
	return prefectapi.New(prefectapi.Config{
		APIURL: c.HTTP.Endpoint, APIKey: c.APIKey, AuthString: c.AuthString, Headers: c.headers,
		UserAgent: userAgent, Timeout: max(c.HTTP.Timeout, time.Millisecond), Transport: transport,
	})
}

// Secrets are what no log may show.
func (c *Connection) Secrets() []string {
	return mapping.Credentials{
		APIKey: c.APIKey, AuthString: c.AuthString, Headers: c.headers, URLs: []string{c.HTTP.Endpoint, c.HTTP.ProxyURL},
	}.Secrets()
}

// Notices tell what works and is likely a mistake.
func (c *Connection) Notices() []string {
	address, err := url.Parse(c.HTTP.Endpoint)
	if err != nil || address.Scheme != "http" || c.APIKey == "" && c.AuthString == "" {
		return nil
	}
	host := address.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return []string{c.Path + "endpoint: credentials travel over plain http to another machine, where anyone on the way can read them"}
}
