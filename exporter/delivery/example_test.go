// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"fmt"
	"log"

	"github.com/prefectlogs/prefectlogs/exporter/delivery"
	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// The server refuses the second of three records, and the answer to the others is lost behind the commit: each record that
// can be stored is stored once.
func ExampleDeliverer_Deliver() {
	server, err := prefecttest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.Fault(prefecttest.Refuse(1), prefecttest.CutAfterCommit())

	client, err := prefectapi.New(prefectapi.Config{APIURL: server.URL(), Transport: server.Transport()})
	if err != nil {
		log.Fatal(err)
	}
	page := payload.NewPage(64 << 10)
	for i, message := range []string{"a", "b", "c"} {
		line := payload.AppendHead(nil, 20, 1_767_323_045_000_006+int64(i), []byte("11111111-2222-3333-4444-555555555555"), nil)
		page.Append(append(line, `orders","message":"`+message+`"}`...))
	}
	var request payload.Request
	request.Add(page.Lines(), payload.Limits{LogBytes: 1_000_000, Bytes: 4_000_000, Records: 1000})

	outcome := delivery.New(client, nil).Deliver(context.Background(), request, nil)
	fmt.Println(outcome.Stored, "stored, of which", outcome.Resolved, "were found on the server;", len(outcome.Refused), "refused:", outcome.Refused[0].Reason)
	for _, l := range server.Logs() {
		fmt.Println(l.Message)
	}
	// Output:
	// 2 stored, of which 2 were found on the server; 1 refused: invalid
	// a
	// c
}
