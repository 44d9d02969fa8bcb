// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/run"
)

// Resolved is what [New] makes of settings and options, as far as it concerns the way to the server.
type Resolved struct {
	Client     prefectapi.Config // with credentials: not to be shown
	Secrets    []string          // what no log may show of it
	Notices    []string          // what New would tell
	Allow      []string          // of [WithAllowedAttributes]; nil: all
	Deny       []string          // of [WithDeniedAttributes]; nil: [mapping.DefaultDeny]
	DefaultRun *run.Info         // of [WithDefaultRun]; nil: it is [run.FromEnvironment]'s
}

// Resolve returns what [New] would use, without doing anything with it: for those who look why nothing
// arrives. The error is New's, but for what the environment says of a run, which is not looked at.
func Resolve(opts ...Option) (Resolved, error) {
	notAsked := new(run.Info)
	c, err := newConfig(append([]Option{optionFunc(func(c config) config {
		c.defaultRun = notAsked
		return c
	})}, opts...))
	if c.settings == nil {
		return Resolved{}, err
	}
	r := Resolved{Client: c.client(), Secrets: c.mapping.Secrets, Notices: c.settings.Notices(), Allow: c.mapping.Allow, Deny: c.mapping.Deny, DefaultRun: c.defaultRun}
	if r.DefaultRun == notAsked {
		r.DefaultRun = nil
	}
	return r, err
}

// client is the configuration of the HTTP client.
func (c config) client() prefectapi.Config {
	return prefectapi.Config{
		APIURL:     c.endpoint,
		APIKey:     c.apiKey,
		AuthString: c.authString,
		Headers:    c.headers,
		Timeout:    c.timeout,
		Transport:  c.transport,
		Connection: c.connection,
	}
}
