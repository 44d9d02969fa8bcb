// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi_test

import (
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// Every status that the package comment names is answered, and comes back as the kind that it says.
func TestTheTableOfThePackageHasTheKindsOfTheCode(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]prefectapi.Kind{
		"KindNetwork": prefectapi.KindNetwork, "KindRecords": prefectapi.KindRecords, "KindRequest": prefectapi.KindRequest, "KindConflict": prefectapi.KindConflict,
		"KindTooLarge": prefectapi.KindTooLarge, "KindAccess": prefectapi.KindAccess, "KindBusy": prefectapi.KindBusy, "KindServer": prefectapi.KindServer,
	}
	server := prefecttest.NewServer(t)
	client, err := prefectapi.New(prefectapi.Config{APIURL: server.URL(), Transport: server.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		kindName := regexp.MustCompile(`Kind[A-Z][A-Za-z]+`).FindString(line)
		if !strings.HasPrefix(line, "//\t") || kindName == "" {
			continue
		}
		rows++
		kind, ok := names[kindName]
		if !ok {
			t.Errorf("doc.go names %s, which there is not", kindName)
		}
		for _, status := range regexp.MustCompile(`\b[45]\d\d\b`).FindAllString(line, -1) {
			if kind == prefectapi.KindRecords {
				continue // it depends on the answer's body
			}
			code, _ := strconv.Atoi(status)
			server.Fault(prefecttest.Status(code).Body(http.StatusText(code)))
			if got := answerOf(t, client.PostLogs(t.Context(), new(payload.Request))); got.Kind != kind {
				t.Errorf("a %d is of kind %d; doc.go says %s", code, got.Kind, kindName)
			}
		}
	}
	if rows < len(names) {
		t.Errorf("the table of doc.go has %d rows, want one for each of %d kinds at least", rows, len(names))
	}
}
