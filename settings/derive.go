// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// derive fills in the defaults that hang on other settings, and checks what
// two settings must have in common.
func (r *resolution) derive() {
	r.deriveHome()
	r.checkSizes()
	if (r.DebugMode || r.TestMode && r.generation == Prefect3) && r.refused["logging.level"] == nil {
		r.LoggingLevel = LevelDebug
		cause := "debug_mode"
		if !r.DebugMode {
			cause = "testing.test_mode"
		}
		r.found["logging.level"] = r.found[cause]
	}
	if file, ok := r.exact["SSL_CERT_FILE"]; ok && !r.isSet("api.ssl_cert_file") && r.refused["api.ssl_cert_file"] == nil {
		r.SSLCertFile = file
		r.found["api.ssl_cert_file"] = value{name: "SSL_CERT_FILE", source: Source{Kind: FromEnvironment}}
	}
	if !r.isSet("cloud.ui_url") {
		r.Cloud.UIURL = cloudUIURL(r.Cloud.APIURL, r.generation)
	}
	if !r.isSet("ui_url") {
		r.UIURL = uiURL(r.APIURL, r.Cloud)
	}
	if r.generation == Prefect3 && r.IsCloud() && r.ToAPI.MaxLogSize > r.Cloud.MaxLogSize {
		if r.isSet("logging.to_api.max_log_size") {
			r.note("%s = %d bytes is lowered to PREFECT_CLOUD_MAX_LOG_SIZE, %d bytes, because the API is Prefect Cloud's",
				r.found["logging.to_api.max_log_size"].name, r.ToAPI.MaxLogSize, r.Cloud.MaxLogSize)
		}
		r.ToAPI.MaxLogSize = r.Cloud.MaxLogSize
		r.found["logging.to_api.max_log_size"] = r.found["cloud.max_log_size"]
	}
}

// deriveHome fills in Prefect's home directory, and the path below it. An
// unknown home is an error only when a setting asks for it.
func (r *resolution) deriveHome() {
	user := r.userHome(r.exact)
	if r.isSet("home") {
		home, err := expandUser(r.Home, user)
		if err != nil {
			r.refuse(definitionOf("home"), r.found["home"], err)
		}
		r.Home = home
	} else if user != "" {
		r.Home = joinPath(user, ".prefect")
	}
	switch {
	case !r.isSet("logging.config_path"):
		r.ConfigPath = ""
		if r.Home != "" {
			r.ConfigPath = joinPath(r.Home, "logging.yml")
		}
	case r.generation == Prefect2:
		r.ConfigPath = cleanPath(fillHome(r.ConfigPath, r.Home))
	}
}

func definitionOf(key string) *definition {
	for _, d := range definitions {
		if d.key == key {
			return d
		}
	}
	return nil
}

// checkSizes refuses a log limit above the batch limit, as Prefect does: also
// when only one of the two was set, and the other is a default.
func (r *resolution) checkSizes() {
	const most, size = "logging.to_api.max_log_size", "logging.to_api.batch_size"
	if r.refused[most] != nil || r.refused[size] != nil || r.ToAPI.MaxLogSize <= r.ToAPI.BatchSize {
		return
	}
	e := &Error{
		Name: r.found[most].name, Source: r.found[most].source, Value: fmt.Sprintf("%d bytes", r.ToAPI.MaxLogSize),
		Err: fmt.Errorf("a log cannot be larger than a batch: lower it, or raise %s = %d bytes (%s)",
			r.found[size].name, r.ToAPI.BatchSize, r.found[size].source),
	}
	r.refused[most] = errors.New("larger than a batch")
	r.errs = append(r.errs, e)
}

// cloudHost is how Prefect 3 knows its own cloud, its unescaped dots included.
var cloudHost = regexp.MustCompile(`^https://api[\.\w]*.prefect.[^\.]+/`)

// cloudUIURL is where the pages of Prefect Cloud are, by its API's URL.
func cloudUIURL(api string, g Generation) string {
	ui := api
	switch {
	case g == Prefect2:
		if rest, ok := strings.CutPrefix(api, "https://api.prefect.cloud"); ok {
			ui = "https://app.prefect.cloud" + rest
		}
	case cloudHost.MatchString(api):
		ui = strings.Replace(api, "https://api", "https://app", 1)
	}
	return strings.TrimSuffix(ui, "/api")
}

// uiURL is where the pages are, by the API's URL; "" without one.
func uiURL(api string, cloud Cloud) string {
	if api == "" {
		return ""
	}
	ui := api
	if strings.HasPrefix(api, cloud.APIURL) && cloud.UIURL != "" {
		ui = strings.ReplaceAll(ui, cloud.APIURL, cloud.UIURL)
	}
	ui = strings.TrimSuffix(ui, "/api")
	return strings.NewReplacer("/accounts/", "/account/", "/workspaces/", "/workspace/").
		Replace(strings.ReplaceAll(ui, "/api/", "/"))
}

// IsCloud reports whether the API is Prefect Cloud's, by Prefect's own rule:
// its URL begins with PREFECT_CLOUD_API_URL.
func (s Settings) IsCloud() bool {
	return s.APIURL != "" && s.Cloud.APIURL != "" && strings.HasPrefix(s.APIURL, s.Cloud.APIURL)
}
