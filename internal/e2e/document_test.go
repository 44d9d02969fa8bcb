// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/servers"
)

func TestTheDocumentNamesExactlyTheServersUnderTest(t *testing.T) {
	document, err := os.ReadFile("../../docs/servers.md")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for line := range strings.Lines(string(document)) {
		if strings.HasPrefix(line, "| Prefect ") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	databases := map[servers.Database]string{servers.SQLite: "SQLite", servers.PostgreSQL: "PostgreSQL"}
	for _, row := range servers.Rows() {
		var asks []string
		if row.AuthString != "" {
			asks = append(asks, "password")
		}
		if row.CSRF {
			asks = append(asks, "CSRF token")
		}
		if asks == nil {
			asks = []string{"nothing"}
		}
		want = append(want, "| Prefect "+row.Version.Exact()+" | "+databases[row.Database]+" | "+strings.Join(asks, " and ")+" |")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table of docs/servers.md (-want +got):\n%s", diff)
	}
}
