// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
)

// seen is what the null server has got since it was last asked.
type seen struct {
	Requests, Bytes, Records int
}

// stalled stands before the path of an API that takes every request and never answers.
const stalled = "/stalled"

// serveNull is the server that every peer sends to: it reads, counts and forgets. It
// prints its address and ends when its standard input does.
func serveNull() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var mu sync.Mutex // guards total
	var total seen
	bodies := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /seen", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_ = json.NewEncoder(w).Encode(total) // a client that has gone needs no answer
		total = seen{}
	})
	take := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body := bodies.Get().(*bytes.Buffer)
			defer bodies.Put(body)
			body.Reset()
			n, err := body.ReadFrom(r.Body)
			if err != nil {
				return
			}
			plain := body.Bytes()
			if r.Header.Get("Content-Encoding") == "gzip" {
				unzipped, err := gzip.NewReader(body)
				if err != nil {
					http.Error(w, "not gzip", http.StatusBadRequest)
					return
				}
				if plain, err = io.ReadAll(unzipped); err != nil {
					http.Error(w, "not gzip", http.StatusBadRequest)
					return
				}
			}
			records := bytes.Count(plain, []byte(marker))
			mu.Lock()
			total.Requests++
			total.Bytes += int(n)
			total.Records += records
			mu.Unlock()
			w.WriteHeader(status)
		}
	}
	mux.HandleFunc("POST /api/logs/", take(http.StatusCreated))
	mux.HandleFunc("POST /v1/logs", take(http.StatusOK))
	mux.HandleFunc("POST "+stalled+"/api/logs/", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // whoever sends it ends before it is answered
		<-r.Context().Done()
	})
	fmt.Println(listener.Addr())
	server := &http.Server{Handler: mux}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // its end is all that matters
		_ = server.Close()
	}()
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func ask(address string) (s seen, err error) {
	response, err := http.Get("http://" + address + "/seen")
	if err != nil {
		return s, err
	}
	defer response.Body.Close()
	return s, json.NewDecoder(response.Body).Decode(&s)
}

// isNull reports whether this process is to be the null server.
func isNull() bool { return len(os.Args) > 1 && strings.TrimLeft(os.Args[1], "-") == "null" }
