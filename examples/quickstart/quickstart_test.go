// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/examples/internal/demo"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// mainVariable makes this binary the program itself: demo.Quickstart starts it again, in a flow run.
const mainVariable = "PREFECTLOGS_TEST_QUICKSTART"

func TestMain(m *testing.M) {
	if os.Getenv(mainVariable) != "" {
		main()
		return
	}
	serverstest.Main(m)
}

// withoutPrefect takes the settings of the person who runs the tests out of the environment.
func withoutPrefect(t *testing.T) {
	t.Helper()
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "PREFECT_") {
			continue
		}
		t.Setenv(name, "") // which restores it after the test
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestQuickstartReadsEverythingBackFromItsOwnServer(t *testing.T) {
	withoutPrefect(t)
	t.Setenv(mainVariable, "1")
	if err := demo.Quickstart(t.Context()); err != nil {
		t.Error(err)
	}
}

// The program itself compares name, level, message, microsecond and both ids; TestQuickstartFailsUnless...
// proves that it does. They print their tables, for a reader of verbose output.
func TestQuickstartReadsEverythingBackFromRealServers(t *testing.T) {
	for _, row := range servers.Rows() {
		t.Run(row.String(), func(t *testing.T) {
			server := serverstest.Get(t, row)
			withoutPrefect(t)
			t.Setenv(mainVariable, "1")
			t.Setenv("PREFECT_API_URL", server.APIURL())
			if row.AuthString != "" {
				t.Setenv("PREFECT_API_AUTH_STRING", row.AuthString)
			}
			if err := demo.Quickstart(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// The program is the example longjob.
func TestWhatAProgramThatWasKilledHasLoggedIsReadBack(t *testing.T) {
	withoutPrefect(t)
	t.Run("from its own server", func(t *testing.T) {
		if err := demo.Spool(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("from a real server", func(t *testing.T) {
		t.Setenv("PREFECT_API_URL", serverstest.Get(t, servers.Prefect38SQLite).APIURL())
		if err := demo.Spool(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

type record = map[string]any

// lyingServer is an in-memory server whose answers to POST /logs/filter are changed.
func lyingServer(t *testing.T, change func([]record) []record) (apiURL string) {
	t.Helper()
	honest := prefecttest.NewServer(t, prefecttest.WithLoopback())
	target, err := url.Parse(strings.TrimSuffix(honest.URL(), "/api"))
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Accept-Encoding") // the answer must be readable below
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.URL.Path != "/api/logs/filter" {
				return nil
			}
			var logs []record
			if err := errors.Join(json.NewDecoder(r.Body).Decode(&logs), r.Body.Close()); err != nil {
				return err
			}
			body, err := json.Marshal(change(logs))
			r.Body = io.NopCloser(bytes.NewReader(body))
			r.ContentLength = int64(len(body))
			r.Header.Set("Content-Length", strconv.Itoa(len(body)))
			return err
		},
	}
	liar := httptest.NewServer(proxy)
	t.Cleanup(liar.Close)
	return liar.URL + "/api"
}

func stamp(t *testing.T, log record) time.Time {
	t.Helper()
	stamp, err := time.Parse(time.RFC3339Nano, log["timestamp"].(string))
	if err != nil {
		t.Error(err)
	}
	return stamp
}

func TestQuickstartFailsUnlessAllIsReadBackEqual(t *testing.T) {
	const nobody = "00000000-0000-4000-8000-000000000000"
	// field changes one field of the fifth log, which is of a task.
	field := func(name string, change func(any) any) func([]record) []record {
		return func(logs []record) []record {
			logs[4][name] = change(logs[4][name])
			return logs
		}
	}
	twice := func(logs []record) []record {
		again := maps.Clone(logs[len(logs)-1])
		again["id"] = nobody
		return append(logs, again)
	}
	set := func(to any) func(any) any { return func(any) any { return to } }
	// A log that stands right behind another may owe its time to that one, so only a log with nothing right behind it can
	// be changed in its time, or be missing, alone.
	later := func(logs []record) []record {
		last := logs[len(logs)-1]
		last["timestamp"] = stamp(t, last).Add(time.Microsecond).Format(time.RFC3339Nano)
		return logs
	}
	early := func(logs []record) []record {
		i := 0
		for i < len(logs)-1 && stamp(t, logs[i+1]).Sub(stamp(t, logs[i])) <= time.Microsecond {
			i++
		}
		return slices.Delete(logs, i, i+1)
	}
	tests := []struct {
		name   string
		change func([]record) []record
		want   string // of the error; empty: no error
	}{
		{"a server that changes nothing", func(logs []record) []record { return logs }, ""},
		{"the last log is missing", func(logs []record) []record { return logs[:len(logs)-1] }, "1 of 18 records"},
		{"an early log is missing", early, "1 of 18 records"},
		{"the last log stands there twice", twice, "1 of 18 records"},
		{"nothing is there", func([]record) []record { return []record{} }, "18 of 18 records"},
		{"another name", field("name", set("root")), "1 of 18 records"},
		{"another level", field("level", func(level any) any { return level.(float64) + 1 }), "1 of 18 records"},
		{"another message", field("message", func(message any) any { return message.(string) + " " }), "1 of 18 records"},
		{"another microsecond", later, "1 of 18 records"},
		{"another flow run", field("flow_run_id", set(nobody)), "1 of 18 records"},
		{"another task run", field("task_run_id", set(nobody)), "1 of 18 records"},
		{"no task run", field("task_run_id", set(nil)), "1 of 18 records"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			withoutPrefect(t)
			t.Setenv(mainVariable, "1")
			t.Setenv("PREFECT_API_URL", lyingServer(t, test.change))
			err := demo.Quickstart(t.Context())
			if test.want == "" && err != nil {
				t.Error(err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want+" were not read back equal")) {
				t.Errorf("got %v, want an error about %s", err, test.want)
			}
		})
	}
}

func TestQuickstartExitsWithAnErrorThatSaysWhatIsWrong(t *testing.T) {
	const secret = "admin:hunter2"
	guarded := prefecttest.NewServer(t, prefecttest.WithLoopback(), prefecttest.WithAuthString("admin:right"))
	tests := []struct {
		name        string
		environment []string
		wants       []string
	}{
		{"a server that is not there", []string{"PREFECT_API_URL=http://127.0.0.1:1/api"}, []string{"http://127.0.0.1:1/api", "connection refused"}},
		{"a wrong password", []string{"PREFECT_API_URL=" + guarded.URL(), "PREFECT_API_AUTH_STRING=" + secret}, []string{"401"}},
		{"an address without a scheme", []string{"PREFECT_API_URL=127.0.0.1:4200"}, []string{"API URL", "http://127.0.0.1:4200/api"}},
		{"a setting that cannot be read", []string{"PREFECT_LOGGING_TO_API_BATCH_SIZE=many"}, []string{"PREFECT_LOGGING_TO_API_BATCH_SIZE", "many"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			withoutPrefect(t)
			program := exec.CommandContext(t.Context(), os.Args[0])
			program.Env = append(os.Environ(), append(test.environment, mainVariable+"=1")...)
			var said strings.Builder
			program.Stderr = &said
			err := program.Run()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != 1 {
				t.Errorf("it ended with %v, want exit status 1", err)
			}
			for _, want := range append(test.wants, "quickstart: ") {
				if !strings.Contains(said.String(), want) {
					t.Errorf("the error does not say %q:\n%s", want, said.String())
				}
			}
			if strings.Contains(said.String(), "hunter2") {
				t.Error("the error tells the password")
			}
		})
	}
}
