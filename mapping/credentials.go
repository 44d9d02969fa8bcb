// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Credentials are what a client is configured with to prove who it is.
type Credentials struct {
	APIKey, AuthString string
	Headers            map[string]string // of the user's own
	URLs               []string          // of the server and its proxy, which may hold a password
}

// minCredential is the length from which a text is masked that is neither key nor auth string, in bytes:
// shorter ones are likely words of any log.
const minCredential = 8

// Secrets returns what no log may show, for [Config.Secrets]: the key and the auth string, and of at least 8
// bytes: passwords, of the auth string and of URLs, and the values of headers whose names [DefaultDeny] denies, such as
// Authorization, with and without the scheme. Values of other headers, such as X-Team, are no secrets.
func (c Credentials) Secrets() []string {
	var all []string
	add := func(least int, texts ...string) {
		for _, text := range texts {
			if len(text) >= least && !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	_, password, _ := strings.Cut(c.AuthString, ":")
	add(minSecret, c.APIKey, c.AuthString)
	add(minCredential, password)
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if matchesAny(DefaultDeny(), name) {
			value := strings.TrimSpace(c.Headers[name])
			_, behind, _ := strings.Cut(value, " ") // the scheme
			add(minCredential, value, strings.TrimSpace(behind))
		}
	}
	for _, address := range c.URLs {
		add(minCredential, passwordsOf(address)...)
	}
	return all
}

// passwordsOf returns what proves in a URL who asks: as it is, as it is written there, and with the user, as a header has it.
func passwordsOf(address string) []string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.User == nil {
		return nil
	}
	password, ok := u.User.Password()
	if !ok {
		return []string{u.User.Username()} // a token
	}
	_, written, _ := strings.Cut(u.User.String(), ":")
	return []string{u.User.Username() + ":" + password, password, written}
}
