// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

// The lines of the program, in order, as texts that stand one after the other on a page. A page that names task runs beside
// its lines does so before the logger.
var lines = []struct {
	level, message, taskRun, logger string
}{
	{"DEBUG", "connected to the bank host=bank.example:443 tls=1.3", "charge-cards", "shop.cards"},
	{"INFO", "card charged order=4711 customer.country=GB customer.name=Ada", "charge-cards", "shop.cards"},
	{"WARNING", "the bank is slow order=4712 took=3.2s", "charge-cards", "shop.cards"},
	{"ERROR", "card refused order=4713\n*errors.errorString: limit exceeded\nmain.charge()\n\tmain.go:", "charge-cards", "shop.cards"},
	{"INFO", "labels printed, customs form incomplete, scales out of order order=4711", "pack-parcels", "shop.parcels"},
	{"CRITICAL", "out of parcels left=0", "pack-parcels", "shop.parcels"},
}

var (
	comment = regexp.MustCompile(`<!--[^>]*-->`)
	tag     = regexp.MustCompile(`<[^>]*>`)
	ansi    = regexp.MustCompile(`<span class="[^"]*(green|yellow|red)[^"]*"[^>]*>([^<]*)</span>`)
)

func TestAPageShowsTheProgramsLinesInColourAndWithTheirTaskRuns(t *testing.T) {
	t.Parallel()
	chromium, err := findChromium()
	if err != nil && (testing.Short() || !servers.Required()) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := serverstest.Get(t, servers.Prefect38UI)
	flowRun, err := stage(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []struct {
		name, url     string
		level         func(string) string // as the page spells it, before its style sheet does
		namesTaskRuns bool                // beside its lines, and not in the graph alone
	}{
		{"Prefect 3's first pages, which the README shows", pageOf(s, flowRun), capitalized, true},
		{"Prefect 3's second pages", s.UIURL() + "/v2/runs/flow-run/" + flowRun, strings.ToUpper, false},
	} {
		t.Run(page.name, func(t *testing.T) {
			_, err := chromium.document(t.Context(), page.url, func(document string) error {
				document = comment.ReplaceAllString(document, "")
				rest := html.UnescapeString(tag.ReplaceAllString(document, ""))
				for _, line := range lines {
					texts := []string{page.level(line.level) + line.message, line.logger}
					if page.namesTaskRuns {
						texts = []string{texts[0], line.taskRun, line.logger}
					}
					for _, text := range texts {
						var found bool
						if _, rest, found = strings.Cut(rest, text); !found {
							return fmt.Errorf("%q does not stand where it should in\n%s", text, document)
						}
					}
				}
				coloured := map[string]string{}
				for _, match := range ansi.FindAllStringSubmatch(document, -1) {
					coloured[match[2]] = match[1]
				}
				want := map[string]string{"printed": "green", "incomplete": "yellow", "out of order": "red"}
				if diff := cmp.Diff(want, coloured); diff != "" {
					return fmt.Errorf("the colours (-want +got):\n%s\nin\n%s", diff, document)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func capitalized(level string) string { return level[:1] + strings.ToLower(level[1:]) }
