// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Jobs is a service whose logs stand in the run that each message names, as messages of a queue may.
//
//	go run ./http/jobs 127.0.0.1:8081
//
// Expect a line "done" under the sender's task run for each message. Baggage, from whoever it comes, is not looked at.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/run"
)

// message is what a sender posts.
type message struct {
	Job string
	Run run.Info // of the sender: run.Current gives it
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	pipeline, err := prefectlogs.Setup(ctx)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: os.Args[1], Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			http.Error(w, "want a job and its run", http.StatusBadRequest)
			return
		}
		ctx := run.NewContext(r.Context(), m.Run)
		pipeline.Logger("shop.jobs").InfoContext(ctx, "done", "job", m.Job)
	})}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 25*time.Second)
	defer cancel()
	if err := errors.Join(err, server.Shutdown(last), pipeline.Shutdown(last)); err != nil {
		log.Fatal(err)
	}
}
