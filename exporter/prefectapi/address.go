// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// parseAPIURL reads the address of an API. What it says of a bad one holds no
// credentials, wherever in the address they stand.
func parseAPIURL(raw string) (*url.URL, error) {
	const want = `want an address such as "http://127.0.0.1:4200/api"`
	raw = strings.TrimRight(strings.TrimSpace(raw), "/")
	if raw == "" {
		return nil, errors.New("prefectapi: the API URL is empty; set PREFECT_API_URL; " + want)
	}
	shown := " "
	if !strings.ContainsAny(raw, "@?#") { // behind which, or before, a secret may stand
		shown = fmt.Sprintf(" %q ", raw)
	}
	api, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("prefectapi: the API URL" + shown + "cannot be read; " + want) // err would repeat all of it
	}
	if api.Scheme != "http" && api.Scheme != "https" || api.Hostname() == "" {
		return nil, errors.New("prefectapi: the API URL" + shown + "is not absolute; " + want)
	}
	if api.RawQuery != "" || api.ForceQuery || api.Fragment != "" {
		return nil, fmt.Errorf("prefectapi: the API URL of host %q has a query or a fragment; %s", api.Host, want)
	}
	return api, nil
}

// sameServer follows redirects that keep server and method, as from /logs to
// /logs/. Any other one is an answer: credentials and logs go to no other host.
func sameServer(next *http.Request, via []*http.Request) error {
	first := via[0]
	if origin(next.URL) != origin(first.URL) || next.Method != first.Method || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// origin is what must be the same for two addresses to be of one server.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" && u.Scheme == "https" {
		port = "443"
	} else if port == "" {
		port = "80"
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
