// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
)

// modulePath is what this module is called in a build.
const modulePath = "github.com/prefectlogs/prefectlogs"

// IgnoredHeader reports whether a custom header of that name is left out, as
// Prefect's own client does with a warning: the client itself must set it.
func IgnoredHeader(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "User-Agent", csrfTokenHeader, csrfClientHeader:
		return true
	}
	return false
}

// newHeader returns what all requests carry. The error names all custom headers
// that cannot be sent, and no value.
func newHeader(config Config) (http.Header, error) {
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {userAgent(config.UserAgent)}}
	switch {
	case config.AuthString != "":
		header.Set("Authorization", basic(config.AuthString))
	case config.APIKey != "":
		header.Set("Authorization", "Bearer "+config.APIKey)
	}
	var problems []error
	if !validValue(config.APIKey) {
		problems = append(problems, errors.New("prefectapi: the API key holds a line break or another control character"))
	}
	if !validValue(config.UserAgent) {
		problems = append(problems, fmt.Errorf("prefectapi: the user agent %q holds a control character", config.UserAgent))
	}
	for _, name := range slices.Sorted(maps.Keys(config.Headers)) {
		value := config.Headers[name]
		switch {
		case !validName(name):
			problems = append(problems, fmt.Errorf("prefectapi: %q is no name of a header", name))
		case !validValue(value):
			problems = append(problems, fmt.Errorf("prefectapi: the value of header %s holds a line break or another control character", name))
		case determined(name):
			problems = append(problems, fmt.Errorf("prefectapi: header %s cannot be set: it follows from the request", name))
		case !IgnoredHeader(name):
			header.Set(name, value)
		}
	}
	return header, errors.Join(problems...)
}

// determined reports whether a header says what a request is, so that another
// value would break it.
func determined(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Host", "Connection", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding",
		"Accept-Encoding", "Expect", "Trailer", "Upgrade":
		return true
	}
	return false
}

// validName reports whether name is a token of RFC 9110.
func validName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

func validValue(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// userAgent names the caller's product, if any, and this module's.
func userAgent(product string) string {
	return strings.TrimSpace(product + " prefectlogs" + version())
}

// version is "/v1.2.3" where the build knows it.
var version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, module := range append(info.Deps, &info.Main) {
		if module.Path == modulePath && strings.HasPrefix(module.Version, "v") {
			return "/" + module.Version
		}
	}
	return ""
})
