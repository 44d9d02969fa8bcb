// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// Every answer that is no success is a typed error, which says what to do about it.
func ExampleClient_PostLogs() {
	server, err := prefecttest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.Fault(
		prefecttest.Status(401),
		prefecttest.Status(429).RetryAfter("3"),
		prefecttest.CutAfterCommit(),
	)

	client, err := prefectapi.New(prefectapi.Config{APIURL: server.URL(), Transport: server.Transport()})
	if err != nil {
		log.Fatal(err)
	}
	for range 4 {
		err := client.PostLogs(context.Background(), new(payload.Request)) // an empty one
		fmt.Println(err)
		if answer, ok := errors.AsType[*prefectapi.Error](err); ok {
			fmt.Println("  wait for", answer.RetryAfter, "- may be stored:", answer.Ambiguous)
		}
	}
	// Output:
	// posting logs to prefect.test: 401 Unauthorized: check PREFECT_API_KEY or PREFECT_API_AUTH_STRING
	//   wait for 0s - may be stored: false
	// posting logs to prefect.test: 429 Too Many Requests: the rate limit of the server or the plan is reached
	//   wait for 3s - may be stored: false
	// posting logs to prefect.test: the connection was closed before the answer had come
	//   wait for 0s - may be stored: true
	// <nil>
}
