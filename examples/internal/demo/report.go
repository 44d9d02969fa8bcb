// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// report prints what stands on the server, and fails unless it is what was said. A record that may have been logged although it
// was not said may stand there too, once and not earlier than it says.
func (p *prefect) report(ctx context.Context, said []record, unsaid ...record) error {
	logs, err := p.client.Logs(ctx, prefecttest.Filter{FlowRunID: p.flow.ID})
	if err != nil {
		return err
	}
	names := map[string]string{"": "flow " + p.flow.Name}
	for _, task := range p.tasks {
		names[task.ID] = "task " + task.Name
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TIME\tRUN\tLEVEL\tLOGGER\tMESSAGE")
	for _, log := range logs {
		first, rest, _ := strings.Cut(log.Message, "\n")
		if more := strings.Count(rest, "\n"); rest != "" {
			first += fmt.Sprintf(" (and %d more lines)", more+1)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", log.Timestamp.Format("15:04:05.000000"), names[log.TaskRunID], log.Level, log.Name, first)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range unsaid {
		if at := slices.IndexFunc(logs, func(log prefecttest.Log) bool { return log.Message == r.text() && log.Timestamp.After(r.time) }); at >= 0 {
			r.time = logs[at].Timestamp
			said = append(said, r)
			fmt.Println("\none record was in the spool when the program was killed, and not yet on its console")
		}
	}
	equal := p.countEqual(said, logs)
	fmt.Printf("\n%d records logged, %d stored, %d read back equal\n", len(said), len(logs), equal)
	if !p.inMemory {
		fmt.Println(p.page(ctx))
	}
	if equal != len(said) || equal != len(logs) {
		return fmt.Errorf("%d of %d records were not read back equal", max(len(said), len(logs))-equal, len(said))
	}
	return nil
}

// countEqual counts the logs that are what a record was said to be, one for one: in name, level, message, time and both ids.
//
// A record keeps its microsecond, unless another one of its run has it: then it stands in the microsecond behind a neighbour.
func (p *prefect) countEqual(said []record, logs []prefecttest.Log) (equal int) {
	taken := map[time.Time]bool{}
	for _, log := range logs {
		taken[log.Timestamp.UTC()] = true
	}
	found := make([]bool, len(said))
	for _, log := range logs {
		stamp := log.Timestamp.UTC()
		for i, r := range said {
			own := r.time.UTC().Truncate(time.Microsecond)
			inTime := stamp.Equal(own) || stamp.After(own) && taken[stamp.Add(-time.Microsecond)]
			log.ID, log.Timestamp = "", time.Time{} // the one is given by the server, the other was looked at
			want := prefecttest.Log{Name: p.logger, Level: r.prefectLevel(), Message: r.text(), FlowRunID: p.flow.ID, TaskRunID: p.taskOf(r)}
			if !found[i] && inTime && log == want {
				found[i] = true
				equal++
				break
			}
		}
	}
	return equal
}
