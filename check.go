// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs

import (
	"context"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// Check says why logs are missing: it goes the way that a log of a pipeline with the same options would
// go, and reports of each step what it found and what to do. The steps are those of docs/check.md.
//
// The run is that of ctx ([run.NewContext]), else the one of [exporter.WithDefaultRun] or the environment. If the
// server knows it, one log is written into it, which says what it is, and read back; [WithoutWriting]
// leaves that out. Nothing else is changed anywhere.
//
// The error is nil if no step failed. It and the report hold no secret and nothing of what the server
// sent but its version. Each request may take 10 seconds, or PREFECT_API_REQUEST_TIMEOUT where that is
// less; ctx bounds all of them. Options of the batch processor, of the provider and of the console are not looked at.
func Check(ctx context.Context, opts ...Option) (Report, error) {
	c := &checker{config: newConfig(opts)}
	var report Report
	stopped := ""
	for _, check := range checks {
		step := stepSkipped("not looked at, because step " + stopped + " failed")
		if stopped == "" {
			step = check.look(c, ctx)
		}
		step.Name = check.name
		report.Steps = append(report.Steps, step)
		if check.stops && step.Status == StatusFail {
			stopped = check.name
		}
	}
	if c.client != nil {
		c.client.Close()
	}
	return report, report.err()
}

// WithoutWriting makes [Check] write no log. For [Setup] it means nothing.
func WithoutWriting() Option {
	return optionFunc(func(c config) config {
		c.readOnly = true
		return c
	})
}

// checks are the steps of [Check], in the order in which a log meets them.
var checks = []struct {
	name  string
	stops bool // what follows cannot be looked at if it fails
	look  func(*checker, context.Context) Step
}{
	{"settings", true, (*checker).checkSettings},
	{"logging", false, (*checker).checkLogging},
	{"run-id", false, (*checker).checkRunID},
	{"url", true, (*checker).checkURL},
	{"client", true, (*checker).checkClient},
	{"proxy", true, (*checker).checkProxy},
	{"dns", true, (*checker).checkDNS},
	{"tcp", true, (*checker).checkTCP},
	{"tls", true, (*checker).checkTLS},
	{"api", true, (*checker).checkAPI},
	{"auth", true, (*checker).checkAuth},
	{"csrf", true, (*checker).checkCSRF},
	{"version", false, (*checker).checkVersion},
	{"clock", false, (*checker).checkClock},
	{"run", false, (*checker).checkRun},
	{"log", false, (*checker).checkLog},
}

// checker is one [Check] under way: what its steps know from the ones before.
type checker struct {
	config   config
	settings settings.Settings
	resolved exporter.Resolved
	client   *prefectapi.Client // nil before the step client

	ids      run.IDs
	runKnown bool // to the server

	probe  *prefectapi.Probe // of /health; nil before it was asked for
	asked  bool              // refused is known
	refuse error             // what reading a log with the credentials came to
}

// maxRequest bounds one request of a check: people wait for it.
const maxRequest = 10 * time.Second

// clientConfig is how the pipeline would reach the server, at a shorter patience.
func (c *checker) clientConfig() prefectapi.Config {
	config := c.resolved.Client
	if config.Timeout <= 0 || config.Timeout > maxRequest {
		config.Timeout = maxRequest
	}
	return config
}

// reach asks the server for its health, once.
func (c *checker) reach(ctx context.Context) prefectapi.Probe {
	if c.probe == nil {
		c.probe = new(c.client.Probe(ctx, "/health"))
	}
	return *c.probe
}

// ask reads a log with the credentials, once: what every server answers to whom it lets in.
func (c *checker) ask(ctx context.Context) error {
	if !c.asked {
		c.asked, c.refuse = true, c.client.Check(ctx)
	}
	return c.refuse
}
