// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// credentials are the settings that are sent to the API to prove who asks.
var credentials = []string{"api.key", "api.auth_string", "client.custom_headers"}

// observe marks what is allowed and yet likely wrong. Each mark is a notice
// too.
func (r *resolution) observe() {
	r.marks = make(map[string]string)
	for _, key := range credentials {
		if !r.isSet(key) || r.APIURL == "" {
			continue
		}
		if key == "client.custom_headers" && !r.hasAuthorization() {
			continue
		}
		from, api := r.found[key], r.found["api.url"]
		if !from.source.same(api.source) {
			r.mark(key, fmt.Sprintf("comes from another source than the URL it is sent to (%s)", api.source))
		}
		if isPlain(r.APIURL) {
			r.mark(key, "travels over plain http to another machine, where anyone on the way can read it")
		}
	}
	if maskURL(r.APIURL) != r.APIURL {
		r.mark("api.url", "holds a password; PREFECT_API_AUTH_STRING is the place for it")
	}
	if !r.SilenceAPIURLMisconfiguration {
		r.observeURL()
	}
}

// mark adds a mark to a setting, and a notice that says the same.
func (r *resolution) mark(key, text string) {
	if r.marks[key] != "" {
		r.marks[key] += "; "
	}
	r.marks[key] += text
	r.note("%s (%s) %s", r.found[key].name, r.found[key].source, text)
}

// observeURL warns of the mistakes in a URL of Prefect Cloud that Prefect
// itself warns of.
func (r *resolution) observeURL() {
	for _, mistake := range []struct{ part, text string }{
		{"app.prefect.cloud", "points to the pages of Prefect Cloud; its API is at api.prefect.cloud"},
		{"account/", `has "account/", where Prefect Cloud's API has "accounts/"`},
		{"workspace/", `has "workspace/", where Prefect Cloud's API has "workspaces/"`},
	} {
		if strings.Contains(r.APIURL, mistake.part) {
			r.mark("api.url", mistake.text)
		}
	}
	u, err := url.Parse(r.APIURL)
	if err != nil || u.Path == "" || strings.HasPrefix(u.Path, "/api") {
		return
	}
	if r.generation == Prefect2 || strings.Contains(r.APIURL, "api.prefect.cloud") {
		r.mark("api.url", `lacks "/api" after the host`)
	}
}

func (r *resolution) hasAuthorization() bool {
	for name := range r.Client.CustomHeaders {
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
