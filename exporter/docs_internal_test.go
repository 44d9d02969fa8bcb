// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/settings"
)

func TestThePackageCommentHasTheDefaultsOfTheCode(t *testing.T) {
	comment, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	s, err := settings.Load(settings.WithoutFiles(), settings.WithEnvironment(nil))
	if err != nil {
		t.Fatal(err)
	}
	thousands := func(n int) string {
		return strings.Join([]string{fmt.Sprint(n / 1_000_000), fmt.Sprintf("%03d", n/1000%1000), fmt.Sprintf("%03d", n%1000)}, ",")
	}
	for option, want := range map[string]string{
		"WithBatchSize":      thousands(s.ToAPI.BatchSize) + " bytes",
		"WithMaxLogSize":     thousands(s.ToAPI.MaxLogSize) + " bytes",
		"WithMissingRun":     string(s.ToAPI.WhenMissingFlow),
		"WithBatchRecords":   fmt.Sprintf("%d records", DefaultBatchRecords),
		"WithRequestTimeout": fmt.Sprintf("%.0f s", prefectapi.DefaultTimeout.Seconds()),
		"WithExportTimeout":  fmt.Sprintf("%.0f s", defaultExportTimeout.Seconds()),
		"WithDeadLetterSize": fmt.Sprintf("%d MiB", defaultDeadLetterSize>>20),
	} {
		if !regexp.MustCompile(`(?m)^//\t` + option + ` .* ` + want).Match(comment) {
			t.Errorf("doc.go does not say that the default of %s is %s", option, want)
		}
	}
}
