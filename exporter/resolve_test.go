// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package exporter_test

import (
	"testing"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

func TestResolveTellsWhatNewWouldUse(t *testing.T) {
	t.Setenv(run.FlowRunIDVariable, "no id") // which is not looked at
	s, err := settings.Load(settings.WithoutFiles(), settings.WithEnvironment([]string{
		"PREFECT_API_URL=http://settings.test/api", "PREFECT_API_KEY=of settings", `PREFECT_CLIENT_CUSTOM_HEADERS={"A":"b"}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := exporter.Resolve(exporter.WithSettings(s))
	if err != nil || got.Client.APIURL != s.APIURL || got.Client.APIKey != "of settings" || got.Client.Headers["A"] != "b" || got.DefaultRun != nil {
		t.Errorf("of settings: %+v, %v", got, err)
	}
	const id = "11111111-2222-3333-4444-555555555555"
	got, err = exporter.Resolve(exporter.WithSettings(s), exporter.WithEndpoint("http://option.test/api"),
		exporter.WithAPIKey("of option"), exporter.WithDefaultRun(run.Info{FlowRunID: id}))
	if err != nil || got.Client.APIURL != "http://option.test/api" || got.Client.APIKey != "of option" || got.DefaultRun == nil || got.DefaultRun.FlowRunID != id {
		t.Errorf("of options: %+v, %v", got, err)
	}
	if _, err := exporter.Resolve(exporter.WithSettings(s), exporter.WithBatchSize(1)); err == nil {
		t.Error("an option that is wrong is no error")
	}
}
