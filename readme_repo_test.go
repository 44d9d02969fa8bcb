// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"context"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/processor"
	"github.com/prefectlogs/prefectlogs/run"
)

// mishaps are what the README tells why logs are missing of, each with a program to which it happens.
var mishaps = map[string]struct {
	values []string // settings, besides the address
	env    string   // PREFECT__FLOW_RUN_ID
	fault  *prefecttest.Fault
	opts   []prefectlogs.Option
	logger string
	log    int // records
	attrs  []any
}{
	"no address":                   {values: []string{"PREFECT_API_URL="}},
	"switched off":                 {values: []string{"PREFECT_LOGGING_TO_API_ENABLED=false"}},
	"a logger that is not sent":    {logger: "prefect.client", log: 1},
	"no run":                       {log: 1},
	"an attribute that is no id":   {log: 1, attrs: []any{"flow_run_id", "4711"}},
	"an environment that is wrong": {env: "4711"},
	"a wrong key":                  {env: flowA, fault: new(prefecttest.Status(http.StatusUnauthorized)), log: 1},
	"a wrong address":              {env: flowA, fault: new(prefecttest.Status(http.StatusNotFound)), log: 1},
	"a record that is refused":     {env: flowA, fault: new(prefecttest.Refuse(0)), log: 1},
	"a server that is too slow": {
		env: flowA, fault: new(prefecttest.Hang()), log: 1000, values: []string{"PREFECT_LOGGING_TO_API_MAX_LOG_SIZE=512"},
		opts: []prefectlogs.Option{prefectlogs.WithBatch(processor.WithQueueSize(64 << 10))},
	},
}

// messagesOfMishaps is everything that is said in all mishaps.
func messagesOfMishaps(t *testing.T) (all []string) {
	t.Helper()
	for name, m := range mishaps {
		t.Setenv("PREFECT__FLOW_RUN_ID", m.env)
		synctest.Test(t, func(t *testing.T) {
			server := prefecttest.NewServer(t)
			if m.fault != nil {
				server.FaultAlways(*m.fault)
			}
			told := new(said)
			pipeline, err := prefectlogs.Setup(t.Context(), append([]prefectlogs.Option{
				prefectlogs.WithSettings(isolated(t, append([]string{"PREFECT_API_URL=" + server.URL()}, m.values...)...)),
				prefectlogs.WithExporter(exporter.WithTransport(server.Transport())),
				prefectlogs.WithErrorHandler(told.handle),
			}, m.opts...)...)
			if err != nil {
				told.handle(err)
			} else {
				logger := pipeline.Logger("orders" + m.logger)
				if m.logger != "" {
					logger = pipeline.Logger(m.logger)
				}
				for range m.log {
					logger.Info("hello", m.attrs...)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_ = pipeline.Shutdown(ctx) // what it says is said to people by told, too
			}
			if len(told.all()) == 0 {
				t.Errorf("%s: nothing is said", name)
			}
			all = append(all, told.all()...)
		})
	}
	return append(all, messageOfAServerThatIsDown(t)...)
}

// messageOfAServerThatIsDown is what is said where nobody listens, on a socket.
func messageOfAServerThatIsDown(t *testing.T) []string {
	t.Helper()
	t.Setenv("PREFECT__FLOW_RUN_ID", "")
	told := new(said)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // it ends with the first message
	defer cancel()
	pipeline, err := prefectlogs.Setup(ctx, prefectlogs.WithSettings(isolated(t, "PREFECT_API_URL=http://127.0.0.1:1/api")),
		prefectlogs.WithErrorHandler(func(err error) {
			told.handle(err)
			cancel()
		}))
	if err != nil {
		t.Fatal(err)
	}
	pipeline.Logger("orders").InfoContext(run.NewContext(ctx, run.Info{FlowRunID: flowA}), "hello")
	_ = pipeline.Shutdown(ctx) // as above
	return told.all()
}

// placeholder is what stands in a quoted message for what differs from case to case: "x", n, ….
var placeholder = regexp.MustCompile(`"[a-z_]+"|\bn\b|…`)

// messagePattern is a message of the README as a pattern.
func messagePattern(message string) *regexp.Regexp {
	var pattern strings.Builder
	at := 0
	for _, found := range placeholder.FindAllStringIndex(message, -1) {
		pattern.WriteString(regexp.QuoteMeta(message[at:found[0]]))
		switch text := message[found[0]:found[1]]; {
		case text == "n":
			pattern.WriteString(`\d+`)
		case text == "…":
			pattern.WriteString(`.*`)
		default:
			pattern.WriteString(`"[^"]+"`)
		}
		at = found[1]
	}
	pattern.WriteString(regexp.QuoteMeta(message[at:]))
	return regexp.MustCompile(pattern.String())
}

func TestTheReadmeQuotesMessagesAsTheyAreSaid(t *testing.T) {
	messages := messagesOfMishaps(t)
	quoted := 0
	for _, row := range markdownRows(markdownSection(t, "README.md", "## Why are my logs missing?")) {
		for _, span := range code(row[0]) {
			if !strings.Contains(span, " ") {
				continue // a name
			}
			quoted++
			pattern, said := messagePattern(span), false
			for _, message := range messages {
				said = said || pattern.MatchString(message)
			}
			if !said {
				t.Errorf("README.md quotes %q, which nothing says; what is said:\n%s", span, strings.Join(messages, "\n"))
			}
		}
	}
	if quoted < len(mishaps) {
		t.Errorf("README.md quotes %d messages, of %d mishaps", quoted, len(mishaps))
	}
}

// figure is a measured figure as the README quotes it.
var figure = regexp.MustCompile(`\*\*([0-9.]+)\*\*`)

// The README quotes what docs/performance.md has from the last `make bench`; a figure that is not there any more is
// replaced by the new one.
func TestTheReadmeQuotesFiguresThatWereMeasured(t *testing.T) {
	measured, err := os.ReadFile("docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	section := markdownSection(t, "README.md", "## What it costs")
	figures := figure.FindAllStringSubmatch(section, -1)
	for _, found := range figures {
		if !regexp.MustCompile(`(^|[^0-9.])` + regexp.QuoteMeta(found[1]) + `($|[^0-9.]|\.\s)`).Match(measured) {
			t.Errorf("README.md, What it costs: docs/performance.md has no figure %s; quote what it has now", found[1])
		}
	}
	if len(figures) < 4 || len(figures) > 12 {
		t.Errorf("README.md, What it costs: %d figures in bold, want 4 to 12", len(figures))
	}
	if !strings.Contains(section, "make bench") || !strings.Contains(section, "(docs/performance.md)") {
		t.Error("README.md, What it costs: the command `make bench` or the link to docs/performance.md is missing")
	}
}

func TestTheReadmeHasTheStabilityOfEveryPublicPackage(t *testing.T) {
	said := map[string]string{}
	for _, row := range markdownRows(markdownSection(t, "README.md", "## Stability")) {
		for _, name := range code(row[0]) {
			said[name] = row[1]
		}
		if !slices.Contains([]string{"stable", "may change", "internal"}, row[1]) {
			t.Errorf("README.md, Stability: %s is %q; want stable, may change or internal", row[0], row[1])
		}
	}
	for dir := range publicPackages(t) {
		name := dir
		if dir == "." {
			name = "prefectlogs"
		}
		if said[name] == "" {
			t.Errorf("README.md, Stability: there is no row for %s", name)
		}
	}
	for _, other := range []string{"autoexport", "collector-component", "cmd/prefectlogs", "internal"} {
		if said[other] == "" {
			t.Errorf("README.md, Stability: there is no row for %s", other)
		}
	}
}
