// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// The built Collector has no extension that profiles it. So what it is made of for the load test, a receiver of OTLP over
// HTTP, and an exporter with a queue of 100 pushes and one consumer, is put together in a measuring process; the
// records come from another process.

// collectHere receives and exports until all records are sent.
func collectHere(j job) (r result, err error) {
	ctx := context.Background()
	logs, err := openExporter(ctx, j, map[string]any{"num_consumers": 1, "block_on_overflow": true, "queue_size": 100})
	if err != nil {
		return r, err
	}
	listen, err := freeAddress()
	if err != nil {
		return r, err
	}
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	told := map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": listen}}}
	if err := confmap.NewFromStringMap(told).Unmarshal(config); err != nil {
		return r, err
	}
	receiver, err := factory.CreateLogs(ctx, receivertest.NewNopSettings(factory.Type()), config, logs)
	if err != nil {
		return r, err
	}
	if err := receiver.Start(ctx, componenttest.NewNopHost()); err != nil {
		return r, err
	}
	began := time.Now()
	if _, err := inProcess(job{Kind: "push", Server: listen, Load: j.Load}); err != nil {
		return r, err
	}
	if err := errors.Join(receiver.Shutdown(ctx), logs.Shutdown(ctx)); err != nil {
		return r, err
	}
	records := float64(max(j.Load.Records/perPush, 1) * perPush)
	r.NS = float64(time.Since(began).Nanoseconds()) / records
	cpu, err := processorTime()
	r.CPU = cpu.Seconds() / records * 1e6
	return r, err
}

// pushHere sends records to a receiver of OTLP over HTTP, over four connections.
func pushHere(j job) (r result, err error) {
	body, err := plogotlp.NewExportRequestFromLogs(newPush(j.Load)).MarshalProto()
	if err != nil {
		return r, err
	}
	var left atomic.Int64
	left.Store(int64(max(j.Load.Records/perPush, 1)))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	defer client.CloseIdleConnections()
	problems := make([]error, 4)
	var work sync.WaitGroup
	for i := range problems {
		work.Go(func() {
			for left.Add(-1) >= 0 && problems[i] == nil {
				problems[i] = postPush(client, j.Server, body)
			}
		})
	}
	work.Wait()
	return r, errors.Join(problems...)
}

func postPush(client *http.Client, address string, body []byte) error {
	response, err := client.Post("http://"+address+"/v1/logs", "application/x-protobuf", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the receiver answers %s", response.Status)
	}
	return nil
}

// freeAddress returns an address of this machine that nobody listens at.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
