// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

func TestMain(m *testing.M) { serverstest.Main(m) }

func TestEveryRowStoresAndShowsALog(t *testing.T) {
	for _, row := range servers.Rows() {
		t.Run(row.String(), func(t *testing.T) {
			t.Parallel()
			s := serverstest.Get(t, row)
			var version string
			if err := s.Call(t.Context(), "GET", "/admin/version", nil, &version); err != nil {
				t.Fatal(err)
			}
			if version != s.Version() || version != row.Version.Exact() {
				t.Errorf("the server is %s, Version says %s, the table says %s", version, s.Version(), row.Version.Exact())
			}
			flowRun, err := s.NewFlowRun(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			taskRun, err := s.NewTaskRun(t.Context(), flowRun, "t")
			if err != nil {
				t.Fatal(err)
			}
			stamp := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
			post := []map[string]any{{
				"name": "n", "level": 20, "message": "héllo", "timestamp": stamp,
				"flow_run_id": flowRun, "task_run_id": taskRun,
			}}
			if err := s.Call(t.Context(), "POST", "/logs/", post, nil); err != nil {
				t.Fatal(err)
			}
			got, err := s.Logs(t.Context(), flowRun)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 1 {
				got[0].ID = ""
			}
			want := []servers.Log{{Name: "n", Level: 20, Message: "héllo", Timestamp: stamp, FlowRunID: &flowRun, TaskRunID: &taskRun}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the log that was posted and the one read back differ (-want +got):\n%s", diff)
			}
		})
	}
}
