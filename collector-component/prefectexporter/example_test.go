// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/prefectlogs/prefectlogs/collector-component/prefectexporter"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// A Collector does this from its configuration: the exporter sends what it holds when it is shut down.
func ExampleNewFactory() {
	server, err := prefecttest.Start(prefecttest.WithLoopback())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	ctx := context.Background()
	factory := prefectexporter.NewFactory()
	config := factory.CreateDefaultConfig()
	if err := confmap.NewFromStringMap(map[string]any{"endpoint": server.URL()}).Unmarshal(config); err != nil {
		log.Fatal(err)
	}
	logs, err := factory.CreateLogs(ctx, exportertest.NewNopSettings(factory.Type()), config)
	if err != nil {
		log.Fatal(err)
	}
	if err := logs.Start(ctx, componenttest.NewNopHost()); err != nil {
		log.Fatal(err)
	}

	push := plog.NewLogs()
	resource := push.ResourceLogs().AppendEmpty()
	resource.Resource().Attributes().PutStr("flow_run_id", "11111111-2222-3333-4444-555555555555")
	scope := resource.ScopeLogs().AppendEmpty()
	scope.Scope().SetName("orders")
	record := scope.LogRecords().AppendEmpty()
	record.SetSeverityNumber(plog.SeverityNumberWarn)
	record.Body().SetStr("stock is low")
	record.Attributes().PutInt("left", 3)
	if err := logs.ConsumeLogs(ctx, push); err != nil {
		log.Fatal(err)
	}
	if err := logs.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}

	for _, l := range server.Logs() {
		fmt.Println(l.FlowRunID, l.Level, l.Name, l.Message)
	}
	// Output: 11111111-2222-3333-4444-555555555555 30 orders stock is low left=3
}

// All that is wrong with a configuration is told at once, with the paths of the keys.
func ExampleConfig_Validate() {
	config := prefectexporter.NewFactory().CreateDefaultConfig().(*prefectexporter.Config)
	config.ClientConfig.Endpoint = "http://me:password@127.0.0.1:4200/api"
	config.MaxLogSize = 100
	config.LookUp = "sometimes"
	fmt.Println(config.Validate())
	// Output:
	// endpoint: holds credentials, which show wherever it is printed; auth_string is the place for them
	// look_up: is "sometimes"; it must be old, always or never
	// max_log_size: is 100 bytes; it must be at least 512
}
