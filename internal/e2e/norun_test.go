// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

// Until 2.13.4 a log without a flow run takes its whole request down: 422 if it is null, and on 2.7 409 if it is missing. Later
// servers store it where no page shows it.
func TestRecordsWithoutAFlowRunAreNeverSent(t *testing.T) {
	t.Parallel()
	for _, row := range servers.Rows() {
		t.Run(row.String(), func(t *testing.T) {
			t.Parallel()
			s := serverstest.Get(t, row)
			flowRun, err := s.NewFlowRun(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			taskRun, err := s.NewTaskRun(t.Context(), flowRun, "task")
			if err != nil {
				t.Fatal(err)
			}
			task := []attribute.KeyValue{attribute.String("prefect.task_run.id", taskRun)}
			none := []attribute.KeyValue{attribute.String("prefect.flow_run.id", "no UUID")}

			pipe := newPipeline(t, s)
			emitted := complete([]record{
				{body: "in the flow run", want: stored{Message: "in the flow run"}},
				{body: "in the task run", attributes: task, want: stored{Message: "in the task run", TaskRun: taskRun}},
			})
			pipe.emit(t.Context(), record{body: "nowhere"})
			pipe.emit(inRun(t.Context(), flowRun), emitted[0])
			pipe.emit(t.Context(), record{body: "in a task run without its flow run", attributes: task})
			pipe.emit(t.Context(), record{body: "in a flow run that has no id", attributes: none})
			pipe.emit(inRun(t.Context(), flowRun), emitted[1])
			pipe.shutdown(t)

			if diff := cmp.Diff([]stored{emitted[0].want, emitted[1].want}, readStored(t, s, flowRun)); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
			if stats := pipe.batch.Stats(); stats.Stored != 2 || stats.Skipped.NoRun != 3 || stats.Emitted != 5 {
				t.Errorf("2 records with a run and 3 without: %v", stats)
			}
			pipe.wire.wantOnlyStored(t, s.Row())
		})
	}
}
