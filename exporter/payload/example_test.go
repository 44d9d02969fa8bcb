// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package payload_test

import (
	"fmt"
	"io"
	"log"
	"strconv"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
)

// Lines collect in a page, and a request takes as many of them as its limits leave room for. The size is known before
// anything is copied.
func ExampleRequest_Add() {
	page := payload.NewPage(64 << 10)
	for i := range 3 {
		line := payload.AppendHead(nil, 20, 1_767_323_045_000_006+int64(i), []byte("11111111-2222-3333-4444-555555555555"), nil)
		page.Append(append(line, `orders","message":"order `+strconv.Itoa(i)+`"}`...))
	}

	var request payload.Request
	rest := request.Add(page.Lines(), payload.Limits{LogBytes: 1_000_000, Bytes: 4_000_000, Records: 2})
	fmt.Println(request.Records(), "records,", request.Size(), "bytes;", rest.Records(), "left")
	body, err := io.ReadAll(request.Body())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(body))
	// Output:
	// 2 records, 328 bytes; 1 left
	// [{"level":20,"timestamp":"2026-01-02T03:04:05.000006Z","flow_run_id":"11111111-2222-3333-4444-555555555555","task_run_id":null,"name":"orders","message":"order 0"},
	// {"level":20,"timestamp":"2026-01-02T03:04:05.000007Z","flow_run_id":"11111111-2222-3333-4444-555555555555","task_run_id":null,"name":"orders","message":"order 1"}]
}

// A server that names bad records gets the others again, without anything being decoded or encoded.
func ExampleRequest_Without() {
	page := payload.NewPage(64 << 10)
	for i := range 4 {
		line := payload.AppendHead(nil, 20, 1_767_323_045_000_006+int64(i), []byte("11111111-2222-3333-4444-555555555555"), nil)
		page.Append(append(line, `orders","message":"order `+strconv.Itoa(i)+`"}`...))
	}
	var request payload.Request
	request.Add(page.Lines(), payload.Limits{LogBytes: 1_000_000, Bytes: 4_000_000, Records: 1000})

	rest, refused := request.Without([]int{1, 3})
	fmt.Println(rest.Records(), "to send,", refused.Records(), "refused:")
	for _, line := range refused.All() {
		record, err := payload.Decode(line)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(record.Message)
	}
	// Output:
	// 2 to send, 2 refused:
	// order 1
	// order 3
}
