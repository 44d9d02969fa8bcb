// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/mapping"
)

// This file has the steps that ask Prefect itself.

// checkAuth says whether the server lets us in.
func (c *checker) checkAuth(ctx context.Context) Step {
	refused, isAnswer := errors.AsType[*prefectapi.Error](c.ask(ctx))
	credentials := c.credentials()
	if !isAnswer {
		if credentials == "" {
			return stepOK("the server asks for no credentials")
		}
		return stepOK("the server lets %s in", credentials)
	}
	const selfHosted = "a server of your own wants PREFECT_API_AUTH_STRING, user:password, as its PREFECT_SERVER_API_AUTH_STRING; Prefect Cloud wants PREFECT_API_KEY"
	switch {
	case refused.WantsCSRF():
		return stepSkipped("the server looks for a CSRF token first")
	case refused.Status == http.StatusUnauthorized && credentials == "":
		return stepFail("the server asks for credentials, and none are set (401)", "set them: "+selfHosted)
	case refused.Status == http.StatusUnauthorized:
		return stepFail("the server refuses "+credentials+" (401)", "correct it, in the place that step settings names: "+selfHosted)
	case refused.Status == http.StatusForbidden:
		return stepFail("the server does not let "+orNobody(credentials)+" read logs (403)", "give the account access to this workspace, or correct the workspace in PREFECT_API_URL; a proxy may refuse too")
	case refused.Status == http.StatusNotFound, refused.Status == http.StatusMethodNotAllowed:
		return stepFail("there are no logs to be read at "+c.client.Target()+" ("+statusText(refused.Status)+")", c.correctPath())
	case refused.Kind == prefectapi.KindBusy:
		return stepFail(refused.Error(), "the server is overloaded, or its database locked: try again later")
	}
	return stepFail(refused.Error(), "see the log of the server")
}

func orNobody(credentials string) string {
	if credentials == "" {
		return "anyone without credentials"
	}
	return credentials
}

// checkCSRF says whether the server asks for a CSRF token, and whether that works.
func (c *checker) checkCSRF(ctx context.Context) Step {
	refused, _ := errors.AsType[*prefectapi.Error](c.ask(ctx))
	switch {
	case refused != nil && refused.WantsCSRF():
		return stepFail("the server wants a CSRF token, and refuses the one that it has given", "see whether a proxy takes the headers Prefect-Csrf-Token and Prefect-Csrf-Client away, or several servers with databases of their own answer in turn")
	case c.client.UsesCSRF():
		return stepOK("protection is on; a token is fetched by itself")
	}
	return stepOK("protection is off")
}

// What is known to work: see docs/servers.md.
var (
	oldestServer = [2]int{2, 0}
	testedServer = [2]int{2, 7}
)

// checkVersion says whether the server is one that is known to work.
func (c *checker) checkVersion(ctx context.Context) Step {
	if c.isCloud() {
		return stepSkipped("Prefect Cloud does not tell its version")
	}
	p := c.client.Probe(ctx, "/admin/version")
	var text string
	if p.Status != http.StatusOK || json.Unmarshal([]byte(p.Answer), &text) != nil {
		return stepWarn("the server does not tell its version", "Prefect 2.7 and later are known to work")
	}
	version, isVersion := versionOf(text)
	switch {
	case !isVersion:
		return stepWarn("what the server tells is no version", "see whether it is Prefect; 2.7 and later are known to work")
	case less(version, oldestServer):
		return stepFail(fmt.Sprintf("the server is Prefect %d.%d, which is too old: it has no logs API", version[0], version[1]), "update the server to 2.7 or later")
	case less(version, testedServer):
		return stepWarn(fmt.Sprintf("the server is Prefect %d.%d, and 2.7 is the oldest that is tested", version[0], version[1]), "update the server")
	}
	return stepOK("Prefect %d.%d", version[0], version[1])
}

// versionOf reads major and minor version. It shows nothing else of what a server says.
func versionOf(text string) (version [2]int, ok bool) {
	parts := strings.SplitN(text, ".", 3)
	if len(parts) < len(version) {
		return version, false
	}
	for i := range version {
		minor, _, _ := strings.Cut(parts[i], "b") // as in 2.0b5
		n, err := strconv.Atoi(minor)
		if err != nil || n < 0 || n > 9999 {
			return version, false
		}
		version[i] = n
	}
	return version, true
}

func less(a, b [2]int) bool { return a[0] < b[0] || a[0] == b[0] && a[1] < b[1] }

// maxSkew is by how much clocks may differ before it is told. The header has whole seconds, and the way takes time.
const maxSkew = 5 * time.Second

// checkClock compares this machine's clock with the server's.
func (c *checker) checkClock(ctx context.Context) Step {
	p := c.reach(ctx)
	if p.Date.IsZero() {
		return stepSkipped("the server does not tell its time")
	}
	// The header is cut to seconds, and was written at some time between.
	skew := p.Date.Add(time.Second / 2).Sub(p.Sent.Add(p.Got.Sub(p.Sent) / 2))
	way := p.Got.Sub(p.Sent) / 2
	direction := "behind"
	if skew < 0 {
		direction = "ahead of"
	}
	if skew.Abs() <= maxSkew+way {
		return stepOK("this machine's clock and the server's agree")
	}
	return stepWarn(fmt.Sprintf("this machine's clock is %v %s the server's", skew.Abs().Round(time.Second), direction),
		"set the clocks (NTP): a page shows logs by their time, so lines stand far from where they belong")
}

// checkRun says whether the server knows the run.
func (c *checker) checkRun(ctx context.Context) Step {
	if c.ids.Flow.IsZero() {
		return stepSkipped("no flow run is known")
	}
	flow := c.ids.Flow.String()
	known, err := c.client.HasFlowRun(ctx, flow)
	if err != nil {
		return stepFail(err.Error(), "see the log of the server")
	}
	if !known {
		return stepFail("the server does not know flow run "+flow+": it takes its logs, and no page shows them",
			"see whether the run was deleted, and whether PREFECT_API_URL is that of the server or workspace in which it runs")
	}
	c.runKnown = true
	if c.ids.Task.IsZero() {
		return stepOK("the server knows the flow run")
	}
	known, of, err := c.client.HasTaskRun(ctx, c.ids.Task.String())
	switch {
	case err != nil:
		return stepFail(err.Error(), "see the log of the server")
	case !known:
		return stepWarn("the server knows the flow run, and not task run "+c.ids.Task.String(), "see whether the id is right; Prefect 3 learns of a task run some seconds after its begin")
	case of != flow:
		return stepWarn("the server knows the flow run, and the task run is in another one", "pass on both ids of the same run")
	}
	return stepOK("the server knows the flow run, and the task run in it")
}

// checkMessage is the log that a check writes.
const checkMessage = "This line was written by a check of prefectlogs, to see whether logs arrive. It means nothing else."

// checkLog writes a log and reads it back.
func (c *checker) checkLog(ctx context.Context) Step {
	switch {
	case c.config.readOnly:
		return stepSkipped("nothing is written, as was asked for")
	case !c.runKnown:
		return stepSkipped("the server knows no run into which a log could be written")
	}
	request, log, err := c.checkRequest()
	if err != nil {
		return stepFail(err.Error(), "report this as a bug of prefectlogs")
	}
	if err := c.client.PostLogs(ctx, &request); err != nil {
		return stepFail("the log was not stored: "+err.Error(), "see the log of the server; a proxy may let reading through and not writing")
	}
	for _, wait := range []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second} {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		found, err := c.client.CountLogs(ctx, log)
		switch {
		case err != nil:
			return stepFail("the log was taken, and cannot be read back: "+err.Error(), "see the log of the server")
		case found > 0:
			return stepOK("a log was written into the run and read back: %q, from logger %q", checkMessage, log.Name)
		}
	}
	return stepWarn("a log was taken, and is not there yet after 7 seconds", "look for it on the run's page; Prefect Cloud may need longer")
}

// checkRequest is a request with one log, made as any other.
func (c *checker) checkRequest() (payload.Request, prefectapi.Log, error) {
	encoder, err := mapping.NewEncoder(mapping.Config{})
	if err != nil {
		return payload.Request{}, prefectapi.Log{}, err
	}
	entry := mapping.Entry{
		Timestamp: time.Now(), Severity: 9, ScopeName: "prefectlogs.check",
		Body: attribute.StringValue(checkMessage), Context: c.ids,
	}
	const most = 4096
	line, _, err := encoder.Append(nil, &entry, most)
	if err != nil {
		return payload.Request{}, prefectapi.Log{}, err
	}
	stored, err := payload.Decode(line)
	if err != nil {
		return payload.Request{}, prefectapi.Log{}, err
	}
	page := payload.NewPage(len(line))
	page.Append(line)
	var request payload.Request
	request.Add(page.Lines(), payload.Limits{LogBytes: most, Bytes: most + payload.Overhead, Records: 1})
	return request, prefectapi.Log{
		FlowRunID: stored.FlowRunID, Timestamp: stored.Timestamp, Name: stored.Name, Level: stored.Level, Message: stored.Message,
	}, nil
}
