// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// A program, or a test that prefers to close the server itself. In a test, NewServer(t) does both.
func ExampleStart() {
	server, err := prefecttest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	ctx := context.Background()
	api := server.API()
	run, err := api.CreateFlowRun(ctx, "etl", "nightly")
	if err != nil {
		log.Fatal(err)
	}

	body := `[{"name":"go","level":20,"message":"hello","timestamp":"2026-01-02T03:04:05Z","flow_run_id":"` + run.ID + `"}]`
	answer, err := server.Client().Post(server.URL()+"/logs/", "application/json", strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()

	logs, err := api.Logs(ctx, prefecttest.Filter{FlowRunID: run.ID})
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range logs {
		fmt.Println(run.Name, l.Timestamp.Format("15:04:05"), l.Level, l.Message)
	}
	// Output: nightly 03:04:05 20 hello
}

// The answer to the first request is lost after its records are stored; the second is told to come back later.
func ExampleServer_Fault() {
	server, err := prefecttest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.Fault(
		prefecttest.CutAfterCommit(),
		prefecttest.Status(http.StatusServiceUnavailable).RetryAfter("3"),
	)

	body := `[{"name":"go","level":20,"message":"hello","timestamp":"2026-01-02T03:04:05Z"}]`
	for range 3 {
		answer, err := server.Client().Post(server.URL()+"/logs/", "application/json", strings.NewReader(body))
		if err != nil {
			fmt.Println("no answer,", len(server.Logs()), "stored")
			continue
		}
		fmt.Printf("%d, Retry-After %q\n", answer.StatusCode, answer.Header.Get("Retry-After"))
		_ = answer.Body.Close()
	}
	fmt.Println(len(server.Logs()), "stored")
	// Output:
	// no answer, 1 stored
	// 503, Retry-After "3"
	// 201, Retry-After ""
	// 2 stored
}
