// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/prefectlogs/prefectlogs/internal/servers"
)

//go:embed handler.py
var script string

// measurePython has Prefect's own handler log the load, in a process of its own. The
// message ends with the attributes, as ours does.
func measurePython(j job) (r result, err error) {
	python, err := servers.Environment(context.Background(), servers.Prefect38)
	if err != nil {
		return r, err
	}
	home, err := os.MkdirTemp("", "benchmarks-*")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(home)
	c := newCorpus(j.Load, j.FlowRun)
	told := struct {
		Message string              `json:"message"`
		Runs    []map[string]string `json:"runs"`
		Records int                 `json:"records"`
		Rate    int                 `json:"rate"`
	}{Records: j.Load.Records, Rate: j.Load.Rate}
	var message strings.Builder
	message.WriteString(c.message)
	for _, kv := range c.attributes[0][2:] {
		fmt.Fprintf(&message, " %s=%s", kv.Key, kv.Value.String())
	}
	told.Message = message.String()
	for _, attributes := range c.attributes {
		told.Runs = append(told.Runs, map[string]string{
			"flow_run_id": attributes[0].Value.AsString(), "task_run_id": attributes[1].Value.AsString(),
		})
	}
	arguments, err := json.Marshal(told)
	if err != nil {
		return r, err
	}
	command := exec.Command(python, "-c", script)
	command.Stdin = bytes.NewReader(arguments)
	command.Env = append(os.Environ(), "PREFECT_API_URL=http://"+j.Server+"/api", "PREFECT_HOME="+home)
	command.Stderr = os.Stderr
	answer, err := command.Output()
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(answer, &r)
}
