// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// credentials are the settings that are sent to the API to prove who asks, and whether they do.
var credentials = map[string]func(*Settings) bool{
	"api.key":               func(s *Settings) bool { return s.APIKey.IsSet() },
	"api.auth_string":       func(s *Settings) bool { return s.APIAuthString.IsSet() },
	"client.custom_headers": (*Settings).hasAuthorization,
}

// observation looks for what is allowed and yet likely wrong. Each mark is a notice too.
type observation struct {
	*Settings
	origin func(key string) (name string, source Source)
	mark   func(key, text string)
}

func (r *resolution) observe() {
	r.marks = make(map[string]string)
	r.noted, r.loadedAs = len(r.notices), r.generation
	observation{&r.Settings, r.origin, r.mark}.look()
}

func (r *resolution) origin(key string) (string, Source) {
	return r.found[key].name, r.found[key].source
}

// mark adds a mark to a setting, and a notice that says the same.
func (r *resolution) mark(key, text string) {
	if r.marks[key] != "" {
		r.marks[key] += "; "
	}
	r.marks[key] += text
	r.note("%s (%s) %s", r.found[key].name, r.found[key].source, text)
}

func (o observation) look() {
	for _, d := range definitions {
		if sent := credentials[d.key]; sent == nil || !sent(o.Settings) || o.APIURL == "" {
			continue
		}
		_, from := o.origin(d.key)
		if _, api := o.origin("api.url"); !from.same(api) {
			o.mark(d.key, fmt.Sprintf("comes from another source than the URL it is sent to (%s)", api))
		}
		if isPlain(o.APIURL) {
			o.mark(d.key, "travels over plain http to another machine, where anyone on the way can read it")
		}
	}
	if maskURL(o.APIURL) != o.APIURL {
		o.mark("api.url", "holds a password; PREFECT_API_AUTH_STRING is the place for it")
	}
	if !o.SilenceAPIURLMisconfiguration {
		o.lookAtURL()
	}
}

// lookAtURL warns of the mistakes in a URL of Prefect Cloud that Prefect
// itself warns of.
func (o observation) lookAtURL() {
	for _, mistake := range []struct{ part, text string }{
		{"app.prefect.cloud", "points to the pages of Prefect Cloud; its API is at api.prefect.cloud"},
		{"account/", `has "account/", where Prefect Cloud's API has "accounts/"`},
		{"workspace/", `has "workspace/", where Prefect Cloud's API has "workspaces/"`},
	} {
		if strings.Contains(o.APIURL, mistake.part) {
			o.mark("api.url", mistake.text)
		}
	}
	u, err := url.Parse(o.APIURL)
	if err != nil || u.Path == "" || strings.HasPrefix(u.Path, "/api") {
		return
	}
	if o.loadedAs == Prefect2 || strings.Contains(o.APIURL, "api.prefect.cloud") {
		o.mark("api.url", `lacks "/api" after the host`)
	}
}

func (s *Settings) hasAuthorization() bool {
	for name := range s.Client.CustomHeaders {
		if strings.EqualFold(name, "Authorization") {
			return true
		}
	}
	return false
}

// isPlain reports whether a URL is plain http to another machine.
func isPlain(api string) bool {
	u, err := url.Parse(strings.TrimSpace(api))
	if err != nil || u.Scheme != "http" { // url.Parse makes schemes lower case
		return false
	}
	host := strings.ToLower(u.Hostname())
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return false
	}
	ip := net.ParseIP(host)
	return ip == nil || !ip.IsLoopback()
}
