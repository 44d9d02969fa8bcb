// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// A program that is killed may have logged one record more than it said.
func TestTheReportTakesARecordThatMayHaveBeenLogged(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	packed := func(order int) record {
		return record{time: began.Add(time.Duration(order) * time.Second), message: "packed", attrs: []attr{{"order", fmt.Sprint(order)}}}
	}
	said := []record{packed(0), packed(1)}
	unsaid := packed(2)
	unsaid.time = said[1].time
	early := packed(2)
	early.time = said[1].time.Add(-time.Microsecond)
	tests := []struct {
		name   string
		stored []record
		unsaid []record
		good   bool
	}{
		{"it was not", []record{packed(0), packed(1)}, []record{unsaid}, true},
		{"it was", []record{packed(0), packed(1), packed(2)}, []record{unsaid}, true},
		{"it was, twice", []record{packed(0), packed(1), packed(2), packed(2)}, []record{unsaid}, false},
		{"it was, before what was said", []record{packed(0), early, packed(1)}, []record{unsaid}, false},
		{"another was", []record{packed(0), packed(1), packed(3)}, []record{unsaid}, false},
		{"it was, and what was said was not", []record{packed(0), packed(2)}, []record{unsaid}, false},
		{"it was, of a program that was not killed", []record{packed(0), packed(1), packed(2)}, nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := prefecttest.NewServer(t, prefecttest.WithLoopback())
			p := &prefect{client: server.API(), logger: "shop", inMemory: true}
			if err := p.createRuns(t.Context(), "report"); err != nil {
				t.Fatal(err)
			}
			var logs []map[string]any
			for _, r := range test.stored {
				logs = append(logs, map[string]any{
					"name": p.logger, "level": r.prefectLevel(), "message": r.text(), "timestamp": r.time, "flow_run_id": p.flow.ID,
				})
			}
			if err := p.client.Do(t.Context(), http.MethodPost, "/logs/", logs, nil); err != nil {
				t.Fatal(err)
			}
			if err := p.report(t.Context(), said, test.unsaid...); (err == nil) != test.good {
				t.Error(err)
			}
		})
	}
}
