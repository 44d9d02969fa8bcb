// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/mapping"
)

// A record becomes the line that is posted.
func ExampleEncoder_Append() {
	encoder, err := mapping.NewEncoder(mapping.Config{})
	if err != nil {
		log.Fatal(err)
	}
	record := mapping.Entry{
		Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
		Severity:  17, // ERROR
		ScopeName: "orders",
		Body:      attribute.StringValue("order refused"),
		Attributes: []attribute.KeyValue{
			attribute.String("prefect.flow_run.id", "11111111-2222-3333-4444-555555555555"),
			attribute.Int("order", 4711),
			attribute.String("password", "hunter2"),
		},
	}
	line, _, err := encoder.Append(nil, &record, 1_000_000)
	fmt.Println(string(line), err)
	// Output:
	// {"level":40,"timestamp":"2026-01-02T03:04:05.000006Z","flow_run_id":"11111111-2222-3333-4444-555555555555","task_run_id":null,"name":"orders","message":"order refused order=4711"} <nil>
}

// An error says why a record has no line.
func ExampleEncoder_Append_none() {
	encoder, err := mapping.NewEncoder(mapping.Config{})
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = encoder.Append(nil, &mapping.Entry{Body: attribute.StringValue("hello")}, 1_000_000)
	fmt.Println(errors.Is(err, mapping.ErrNoRun), err)
	// Output: true mapping: the record names no flow run
}

// A record that is longer than a log may be, split into logs of their own.
func ExampleLines() {
	encoder, err := mapping.NewEncoder(mapping.Config{Format: mapping.FormatMessage, Oversize: mapping.SplitOversize})
	if err != nil {
		log.Fatal(err)
	}
	record := mapping.Entry{
		Timestamp:  time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
		Attributes: []attribute.KeyValue{attribute.String("prefect.flow_run.id", "11111111-2222-3333-4444-555555555555")},
		Body:       attribute.StringValue(fmt.Sprintf("%0600d", 0)),
	}
	encoded, meta, err := encoder.Append(nil, &record, mapping.MinLimit)
	if err != nil {
		log.Fatal(err)
	}
	for line := range mapping.Lines(encoded, meta) {
		fmt.Println(len(line), "bytes")
	}
	// Output:
	// 512 bytes
	// 432 bytes
}

// The level of OpenTelemetry's severities: two digits, since Prefect's pages paint by the first one.
func ExampleLevelOf() {
	fmt.Println(mapping.LevelOf(9, ""), mapping.LevelOf(13, ""), mapping.LevelOf(24, ""), mapping.LevelOf(0, "critical"))
	// Output: 20 30 53 50
}
