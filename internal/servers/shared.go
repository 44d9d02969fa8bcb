// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// SharedVariable holds, for test processes, the servers that run for all of them: what [Describe] makes.
const SharedVariable = "PREFECTLOGS_SERVERS"

// description is a server as other processes need to know it.
type description struct {
	Row    Row    `json:"row"`
	APIURL string `json:"apiURL"`
	Python string `json:"python"`
	Home   string `json:"home"`
}

// Describe gives the value of [SharedVariable] for servers that run, passwords included.
func Describe(running []*Server) (string, error) {
	all := make([]description, 0, len(running))
	for _, s := range running {
		all = append(all, description{s.Row(), s.APIURL(), s.Python(), s.Home()})
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("servers: describing the servers: %w", err)
	}
	return string(text), nil
}

// Shared gives the servers that another process runs for this one; none if [SharedVariable] is not set.
func Shared() (map[Row]*Server, error) {
	text := os.Getenv(SharedVariable)
	if text == "" {
		return nil, nil
	}
	var all []description
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("servers: reading %s: %w", SharedVariable, err)
	}
	shared := make(map[Row]*Server, len(all))
	for _, d := range all {
		r, err := d.Row.Version.release()
		if err != nil {
			return nil, fmt.Errorf("servers: reading %s: %w", SharedVariable, err)
		}
		rest, ok := strings.CutPrefix(d.APIURL, "http://127.0.0.1:")
		port, err := strconv.Atoi(strings.TrimSuffix(rest, "/api"))
		if !ok || err != nil {
			return nil, fmt.Errorf("servers: reading %s: row %s has no loopback URL", SharedVariable, d.Row)
		}
		shared[d.Row] = &Server{row: d.Row, release: r, python: d.Python, home: d.Home, port: port,
			api: newClient(d.APIURL, d.Row), attached: true}
	}
	return shared, nil
}
