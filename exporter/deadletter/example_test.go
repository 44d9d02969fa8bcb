// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package deadletter_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/prefectlogs/prefectlogs/exporter/deadletter"
	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

// What a line of a dead letter says. Programs get one by exporter.WithDeadLetter, and send it again by prefectlogs.Replay.
func ExampleLog_Add() {
	dir, err := os.MkdirTemp("", "orders-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "refused.jsonl")
	dead, err := deadletter.Open(path, 16<<20, "http://127.0.0.1:4200/api")
	if err != nil {
		log.Fatal(err)
	}

	line := payload.AppendHead(nil, 20, 1_767_323_045_000_006, []byte("11111111-2222-3333-4444-555555555555"), nil)
	line = append(line, `orders","message":"order received"}`...)
	if err := dead.Add([]payload.Refusal{{Line: line, Reason: payload.ReasonTooLarge}}); err != nil {
		log.Fatal(err)
	}

	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	var entry deadletter.Entry
	if err := json.Unmarshal(bytes.TrimSpace(text), &entry); err != nil {
		log.Fatal(err)
	}
	fmt.Println(entry.Reason, "for", entry.Target)
	fmt.Println(string(entry.Record))
	// Output:
	// too_large for http://127.0.0.1:4200/api
	// {"level":20,"timestamp":"2026-01-02T03:04:05.000006Z","flow_run_id":"11111111-2222-3333-4444-555555555555","task_run_id":null,"name":"orders","message":"order received"}
}
