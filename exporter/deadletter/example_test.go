// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package deadletter_test

import (
	"encoding/json"
	"fmt"
	"log"

	"github.com/prefectlogs/prefectlogs/exporter/deadletter"
)

// What a line of a dead letter says. Programs get one by exporter.WithDeadLetter, and send it again by prefectlogs.Replay.
func ExampleEntry() {
	line := `{"time":"2026-01-02T03:04:06Z","reason":"too_large","target":"http://127.0.0.1:4200/api","record":` +
		`{"level":20,"timestamp":"2026-01-02T03:04:05.000006Z","flow_run_id":"11111111-2222-3333-4444-555555555555",` +
		`"task_run_id":null,"name":"orders","message":"order received"}}`
	var entry deadletter.Entry
	if err := json.Unmarshal([]byte(line), &entry); err != nil {
		log.Fatal(err)
	}
	fmt.Println(entry.Reason, "for", entry.Target)
	fmt.Println(string(entry.Record))
	// Output:
	// too_large for http://127.0.0.1:4200/api
	// {"level":20,"timestamp":"2026-01-02T03:04:05.000006Z","flow_run_id":"11111111-2222-3333-4444-555555555555","task_run_id":null,"name":"orders","message":"order received"}
}
