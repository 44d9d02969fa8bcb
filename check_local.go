// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/internal/dictconfig"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// This file has the steps that need no server.

// checkSettings says where each value comes from.
func (c *checker) checkSettings(context.Context) Step {
	if c.config.settings == nil {
		loaded, err := settings.Load()
		if err != nil {
			return stepFail(err.Error(), "correct the settings that are named, each in the place that is named")
		}
		c.config.settings = &loaded
	}
	c.settings = *c.config.settings
	var optionErr error
	c.resolved, optionErr = exporter.Resolve(append([]exporter.Option{exporter.WithSettings(c.settings)}, c.config.exporter...)...)
	if optionErr != nil {
		return stepFail(optionErr.Error(), "correct the options of the program that are named")
	}

	var lines []string
	explained := c.settings.Explain()
	for _, o := range explained.Settings {
		if o.Source.Kind != settings.FromDefault {
			lines = append(lines, fmt.Sprintf("%s = %s (%s)", o.Name, shownValue(o.Value), sourceOf(o)))
		}
	}
	switch {
	case len(explained.Settings) == 0:
		lines = []string{"the program gives settings of its own"}
	case len(lines) == 0:
		lines = []string{"every setting has its default"}
	}
	if profile := explained.Profile; profile != "" {
		lines = append(lines, fmt.Sprintf("the active profile is %q", profile))
	}
	step := stepOK("%s", strings.Join(lines, "\n"))
	for _, notice := range c.resolved.Notices {
		step.Status = StatusWarn
		step.Found += "\nnote: " + notice
	}
	return step
}

func sourceOf(o settings.Origin) string {
	if o.As != "" {
		return o.Source.String() + " as " + o.As
	}
	return o.Source.String()
}

// shownValue cuts an address before its query, where some write a token.
func shownValue(value string) string {
	if i := strings.IndexAny(value, "?#"); i >= 0 && strings.Contains(value, "://") {
		return value[:i] + "…"
	}
	return value
}

// origin says where a setting comes from, as " (environment)"; "" where that is not known.
func (c *checker) origin(name string) string {
	for _, o := range c.settings.Explain().Settings {
		if o.Name == name {
			return " (" + sourceOf(o) + ")"
		}
	}
	return ""
}

// levelInfo is the level of logs whose absence surprises people.
const levelInfo = 20

// checkLogging says which records are meant to go to Prefect.
func (c *checker) checkLogging(context.Context) Step {
	const enabled = "PREFECT_LOGGING_TO_API_ENABLED"
	switch {
	case isDisabled():
		return stepFail("OTEL_SDK_DISABLED is true: OpenTelemetry is switched off, and nothing is sent", "unset OTEL_SDK_DISABLED")
	case !c.settings.ToAPI.Enabled:
		return stepFail(enabled+" is false"+c.origin(enabled)+": nothing is sent", "set "+enabled+" to true, or unset it there")
	}
	logging, err := c.settings.Logging()
	if err != nil {
		return stepFail(err.Error(), "correct the logging.yml, which holds for Go programs too")
	}
	rules, err := dictconfig.New(logging)
	if err != nil {
		return stepFail(err.Error(), "correct the logging.yml, which holds for Go programs too")
	}
	least := rules.Routes(dictconfig.FlowRuns).Flow.API
	switch {
	case least == dictconfig.Never:
		return stepFail(fmt.Sprintf("by %s no record of a run's logger goes to Prefect", logging), "give logger prefect.flow_runs a handler of class APILogHandler")
	case least > levelInfo:
		return stepWarn(fmt.Sprintf("only records of level %d and above go to Prefect, by %s and PREFECT_LOGGING_LEVEL%s", least, logging, c.origin("PREFECT_LOGGING_LEVEL")),
			"lower the level if INFO (20) is missing")
	}
	return stepOK("records of level %d and above go to Prefect, by %s", least, logging)
}

// checkRunID says whose logs they are.
func (c *checker) checkRunID(ctx context.Context) Step {
	given, _ := run.FromContext(ctx)
	for _, id := range []struct {
		kind, text string
		read       run.ID
	}{{"flow", given.FlowRunID, given.IDs().Flow}, {"task", given.TaskRunID, given.IDs().Task}} {
		if id.text != "" && id.read.IsZero() {
			return stepFail("the id of the "+id.kind+" run that was given is not a UUID", "copy the id from the address of the run's page: 32 hexadecimal digits, with or without dashes")
		}
	}
	if c.resolved.DefaultRun != nil {
		c.ids = given.IDs().Or(c.resolved.DefaultRun.IDs())
	} else {
		found, err := run.Current(ctx)
		if err != nil && !errors.Is(err, run.ErrNoRun) {
			return stepFail(err.Error(), "Prefect's workers set the variable; a flow that starts a program passes it on as it is")
		}
		c.ids = found.IDs()
	}
	const name = "start the program from a flow run, set " + run.FlowRunIDVariable + ", or name the run in the program; to check the way to one: prefectlogs check -flow-run ID"
	switch {
	case c.ids.Flow.IsZero() && c.ids.Task.IsZero():
		return stepWarn("no run is known here: only records that name one by themselves are sent", name)
	case c.ids.Flow.IsZero():
		return stepWarn(fmt.Sprintf("task run %s is known, and no flow run: only records that name one are sent", c.ids.Task), name)
	case c.ids.Task.IsZero():
		return stepOK("flow run %s", c.ids.Flow)
	}
	return stepOK("flow run %s, task run %s", c.ids.Flow, c.ids.Task)
}

// checkURL says whether the address can be one of an API.
func (c *checker) checkURL(context.Context) Step {
	const name = "PREFECT_API_URL"
	address := c.resolved.Client.APIURL
	from := c.origin(name)
	if c.config.hasEndpoint || address != c.settings.APIURL {
		from = " (option of the program)"
	}
	if strings.TrimSpace(address) == "" {
		fix := "set it in the environment, in prefect.toml or in the active profile"
		if c.settings.Profile != "" {
			fix += fmt.Sprintf(" (%q)", c.settings.Profile)
		}
		return stepFail(name+" is not set: nothing is sent", fix+", such as http://127.0.0.1:4200/api")
	}
	// Looks at the address alone: of a transport that is given nothing is read.
	client, err := prefectapi.New(prefectapi.Config{APIURL: address, Transport: http.DefaultTransport})
	if err != nil {
		return stepFail(name+from+": "+err.Error(), "correct "+name)
	}
	api, err := url.Parse(client.Target())
	switch {
	case err != nil:
		return stepFail("the address cannot be read"+from, "correct "+name)
	case api.Hostname() == cloudPages:
		return stepFail(client.Target()+from+" is the address of a page of Prefect Cloud, and not of its API", "set "+name+" to "+cloudAPI(api.Path))
	case c.isCloud() && !strings.Contains(api.Path, "/workspaces/"):
		return stepFail(client.Target()+from+" names no workspace of Prefect Cloud", "set "+name+" to "+cloudAPI(""))
	case !hasAPI(api):
		return stepWarn(client.Target()+from+" does not end in /api", "if it is no proxy that puts the API elsewhere: set "+name+" to "+withAPI(*api))
	}
	return stepOK("%s%s", client.Target(), from)
}

func (c *checker) isCloud() bool {
	s := c.settings
	s.APIURL = c.resolved.Client.APIURL
	return s.IsCloud()
}

// cloudPages is where the pages of Prefect Cloud are, whose address is easily taken for the API's.
const cloudPages = "app.prefect.cloud"

// cloudAPI is the address of the API of the workspace whose page has a path, /account/ID/workspace/ID and so on.
func cloudAPI(path string) string {
	account, workspace := "ID", "ID"
	if parts := strings.Split(path, "/"); len(parts) > 4 && parts[1] == "account" && parts[3] == "workspace" {
		account, workspace = parts[2], parts[4]
	}
	return "https://api.prefect.cloud/api/accounts/" + account + "/workspaces/" + workspace
}

// hasAPI reports whether an address looks like one of an API.
func hasAPI(u *url.URL) bool {
	return strings.HasSuffix(u.Path, "/api") || strings.Contains(u.Path, "/api/")
}

func withAPI(u url.URL) string {
	u.Path += "/api"
	return u.String()
}

// checkClient says whether credentials, headers and files can be used.
func (c *checker) checkClient(context.Context) Step {
	client, err := prefectapi.New(c.clientConfig())
	if err != nil {
		return stepFail(err.Error(), "correct the settings or options that are named")
	}
	c.client = client
	found := "no credentials are sent"
	if credentials := c.credentials(); credentials != "" {
		found = credentials + " is sent"
	}
	if c.resolved.Client.Connection.InsecureSkipVerify {
		return stepWarn(found+", and any certificate is trusted", "unset PREFECT_API_TLS_INSECURE_SKIP_VERIFY where the server is not on this machine")
	}
	return stepOK("%s", found)
}

// credentials names what proves who asks, "" for nothing.
func (c *checker) credentials() string {
	config := c.resolved.Client
	for name := range config.Headers {
		if strings.EqualFold(name, "Authorization") {
			return "the Authorization of PREFECT_CLIENT_CUSTOM_HEADERS"
		}
	}
	api, err := url.Parse(strings.TrimSpace(config.APIURL))
	switch {
	case config.AuthString != "":
		return "the auth string of PREFECT_API_AUTH_STRING"
	case config.APIKey != "":
		return "the key of PREFECT_API_KEY"
	case err == nil && api.User != nil:
		return "the password in PREFECT_API_URL"
	}
	return ""
}
