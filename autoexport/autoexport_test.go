// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package autoexport_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel/attribute"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	_ "github.com/prefectlogs/prefectlogs/autoexport"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

func TestMain(m *testing.M) {
	if err := serverstest.WithoutSettings(func() { serverstest.Main(m) }); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// program logs as one does that knows nothing of Prefect but the import.
func program(t *testing.T) error {
	t.Helper()
	exporter, err := autoexport.NewLogExporter(t.Context())
	if err != nil {
		return err
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)))
	var record otellog.Record
	record.SetSeverity(otellog.SeverityWarn)
	record.SetBody(attribute.StringValue("stock is low"))
	provider.Logger("shop").Emit(t.Context(), record)
	return provider.Shutdown(t.Context())
}

// environment makes these the only settings of Prefect's and OpenTelemetry's.
func environment(t *testing.T, env map[string]string) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "PREFECT_") || strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "") // so that it is back after the test
			os.Unsetenv(name)
		}
	}
	t.Setenv("PREFECT_HOME", t.TempDir())
	t.Chdir(t.TempDir()) // where there is no prefect.toml
	for name, value := range env {
		t.Setenv(name, value)
	}
}

func TestTheVariableSendsLogsToPrefect(t *testing.T) {
	s := serverstest.Get(t, servers.Prefect38SQLite)
	flowRun, err := s.NewFlowRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	environment(t, map[string]string{"OTEL_LOGS_EXPORTER": "prefect", "PREFECT_API_URL": s.APIURL(), "PREFECT__FLOW_RUN_ID": flowRun})
	if err := program(t); err != nil {
		t.Fatal(err)
	}
	logs, err := s.Logs(t.Context(), flowRun)
	if err != nil || len(logs) != 1 {
		t.Fatalf("%d logs, %v", len(logs), err)
	}
	type line struct {
		level         int
		name, message string
	}
	got := line{logs[0].Level, logs[0].Name, logs[0].Message}
	if diff := cmp.Diff(line{30, "shop", "stock is low"}, got, cmp.AllowUnexported(line{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWithoutTheAddressOfPrefectThereIsNoExporter(t *testing.T) {
	environment(t, map[string]string{"OTEL_LOGS_EXPORTER": "prefect"})
	if err := program(t); err == nil || !strings.Contains(err.Error(), "PREFECT_API_URL") {
		t.Errorf("error %v", err)
	}
}

func TestWithoutTheVariableNothingChanges(t *testing.T) {
	environment(t, map[string]string{"OTEL_LOGS_EXPORTER": "none", "PREFECT_API_URL": "http://127.0.0.1:1/api"})
	if err := program(t); err != nil {
		t.Error(err)
	}
}
