// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package autoexport_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	_ "github.com/prefectlogs/prefectlogs/autoexport" // the line to add
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// A program that takes its exporters from the environment.
func Example() {
	server, err := prefecttest.Start(prefecttest.WithLoopback())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	for name, value := range map[string]string{ // by whoever starts the program
		"OTEL_LOGS_EXPORTER":   "prefect",
		"PREFECT_API_URL":      server.URL(),
		"PREFECT__FLOW_RUN_ID": "11111111-2222-3333-4444-555555555555",
	} {
		os.Setenv(name, value)
		defer os.Unsetenv(name)
	}

	exporter, err := autoexport.NewLogExporter(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)))
	otelslog.NewLogger("orders", otelslog.WithLoggerProvider(provider)).Warn("stock is low")
	if err := provider.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}

	for _, l := range server.Logs() {
		fmt.Println(l.Level, l.Name, l.Message)
	}
	// Output: 30 orders stock is low
}
