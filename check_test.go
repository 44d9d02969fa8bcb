// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/run"
)

func stepOf(t *testing.T, report prefectlogs.Report, name string) prefectlogs.Step {
	t.Helper()
	for _, s := range report.Steps {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("the report has no step %s:\n%s", name, report)
	return prefectlogs.Step{}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for name, s := range situations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err, _ := s.check(t)
			got := stepOf(t, report, s.step)
			if got.Status != s.status || !strings.Contains(got.Found, s.found) || !strings.Contains(got.Fix, s.fix) {
				t.Errorf("got %v of %s: %q, fix %q\nwant %v: %q, fix %q", got.Status, got.Name, got.Found, got.Fix, s.status, s.found, s.fix)
			}
			want := s.others
			if s.status == prefectlogs.StatusFail {
				want = append(want, s.step)
			}
			var failed []string
			for _, f := range report.Failed() {
				failed = append(failed, f.Name)
				if f.Fix == "" {
					t.Errorf("step %s fails and does not say what to do", f.Name)
				}
			}
			if diff := cmp.Diff(want, failed); diff != "" {
				t.Errorf("steps that fail (-want +got):\n%s\n%s", diff, report)
			}
			if (err != nil) != (len(failed) > 0) {
				t.Errorf("error %v, and %d steps failed", err, len(failed))
			}
		})
	}
}

func TestCheckWritesOneLogThatSaysWhatItIs(t *testing.T) {
	_, err, server := checked{}.check(t)
	if err != nil {
		t.Fatal(err)
	}
	logs := server.Logs()
	if len(logs) != 1 || logs[0].Level != 20 || logs[0].Name != "prefectlogs.check" || !strings.Contains(logs[0].Message, "written by a check") {
		t.Errorf("logs %+v", logs)
	}
}

func TestCheckWritesNothing(t *testing.T) {
	withoutWriting := func(*testing.T, string) []prefectlogs.Option {
		return []prefectlogs.Option{prefectlogs.WithoutWriting()}
	}
	for name, s := range map[string]checked{
		"where it must not":              {exporter: withoutWriting},
		"into a run that is not there":   {flow: flowB},
		"behind a version that is wrong": {flow: "no id"},
	} {
		t.Run(name, func(t *testing.T) {
			report, _, server := s.check(t)
			if got := stepOf(t, report, "log"); got.Status != prefectlogs.StatusSkipped {
				t.Errorf("step log: %+v", got)
			}
			for _, r := range server.Requests() {
				if r.Method == http.MethodPost && r.Path == "/api/logs/" {
					t.Error("a log was posted")
				}
			}
		})
	}
}

func TestCheckReadsTheRunOfTheEnvironment(t *testing.T) {
	t.Setenv(run.FlowRunIDVariable, "4711")
	opts := []prefectlogs.Option{prefectlogs.WithSettings(isolated(t))}
	report, err := prefectlogs.Check(t.Context(), opts...)
	if got := stepOf(t, report, "run-id"); got.Status != prefectlogs.StatusFail || !strings.Contains(got.Found, run.FlowRunIDVariable+" is not a UUID") || err == nil {
		t.Errorf("step run-id: %+v, %v", got, err)
	}

	given := prefectlogs.WithExporter(exporter.WithDefaultRun(run.Info{FlowRunID: flowA}))
	report, _ = prefectlogs.Check(t.Context(), append(opts, given)...)
	if got := stepOf(t, report, "run-id"); got.Status != prefectlogs.StatusOK || !strings.Contains(got.Found, flowA) {
		t.Errorf("step run-id with a run by option: %+v", got)
	}

	t.Setenv(run.FlowRunIDVariable, "")
	report, _ = prefectlogs.Check(t.Context(), opts...)
	if got := stepOf(t, report, "run-id"); got.Status != prefectlogs.StatusWarn || !strings.Contains(got.Fix, run.FlowRunIDVariable) {
		t.Errorf("step run-id without a run: %+v", got)
	}
}

func TestCheckSeesThatOpenTelemetryIsSwitchedOff(t *testing.T) {
	t.Setenv("OTEL_SDK_DISABLED", "true")
	report, _ := prefectlogs.Check(t.Context(), prefectlogs.WithSettings(isolated(t)))
	if got := stepOf(t, report, "logging"); got.Status != prefectlogs.StatusFail || !strings.Contains(got.Found, "OTEL_SDK_DISABLED") {
		t.Errorf("step logging: %+v", got)
	}
}

func TestCheckTellsEverySettingThatCannotBeRead(t *testing.T) {
	t.Setenv("PREFECT_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	t.Setenv("PREFECT_LOGGING_TO_API_BATCH_SIZE", "4MB")
	t.Setenv("PREFECT_API_REQUEST_TIMEOUT", "soon")
	report, err := prefectlogs.Check(t.Context())
	got := stepOf(t, report, "settings")
	if got.Status != prefectlogs.StatusFail || !strings.Contains(got.Found, "BATCH_SIZE") || !strings.Contains(got.Found, "TIMEOUT") || err == nil {
		t.Errorf("step settings: %+v, %v", got, err)
	}
	for _, s := range report.Steps[1:] {
		if s.Status != prefectlogs.StatusSkipped {
			t.Errorf("step %s: %+v", s.Name, s)
		}
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server := prefecttest.NewServer(t, prefecttest.WithLoopback(), prefecttest.WithHook(func(*http.Request) *prefecttest.Fault {
		cancel() // now that the connection is there
		return new(prefecttest.Hang())
	}))
	report, err := prefectlogs.Check(ctx, prefectlogs.WithSettings(isolated(t, "PREFECT_API_URL="+server.URL())))
	got := stepOf(t, report, "api")
	if got.Status != prefectlogs.StatusFail || !strings.Contains(got.Found, "no answer comes") || !strings.Contains(got.Found, context.Canceled.Error()) || err == nil {
		t.Errorf("step api: %+v, %v", got, err)
	}
}

// No secret of the configuration and nothing that a server says gets into a report, whatever goes wrong.
func TestCheckHoldsNoSecret(t *testing.T) {
	const secret = "c4n4ry"
	echo := func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, `"`+secret+`"`)
		return true
	}
	for name, change := range map[string]struct {
		api     func(t *testing.T, api string) string
		options []prefectlogs.Option
	}{
		"all is well":        {api: func(_ *testing.T, api string) string { return api }},
		"a closed port":      {api: func(*testing.T, string) string { return "http://" + closed + "/api" }},
		"a strange answer":   {api: func(t *testing.T, api string) string { return front(t, api, false, echo).URL + "/api" }},
		"a password":         {api: func(_ *testing.T, api string) string { return strings.Replace(api, "//", "//me:"+secret+"@", 1) }},
		"a token in a query": {api: func(_ *testing.T, api string) string { return api + "?token=" + secret }},
		"no address":         {api: func(*testing.T, string) string { return "me:" + secret + "@host" }},
		"a proxy": {
			api:     func(*testing.T, string) string { return "https://prefect.test/api" },
			options: []prefectlogs.Option{connect(prefectapi.Connection{Proxy: "http://me:" + secret + "@127.0.0.1:1"})},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := checked{
				server: []prefecttest.Option{prefecttest.WithAuthString("me:" + secret + "1")},
				values: func(api string) []string {
					return []string{
						"PREFECT_API_URL=" + change.api(t, api), "PREFECT_API_KEY=" + secret, "PREFECT_API_AUTH_STRING=me:" + secret + "1",
						`PREFECT_CLIENT_CUSTOM_HEADERS={"X-Token":"` + secret + `"}`,
					}
				},
				exporter: func(*testing.T, string) []prefectlogs.Option { return change.options },
			}
			report, err, _ := s.check(t)
			encoded, marshalErr := json.Marshal(report)
			if marshalErr != nil {
				t.Fatal(marshalErr)
			}
			texts := []string{report.String(), string(encoded)}
			if err != nil {
				texts = append(texts, err.Error())
			}
			for _, text := range texts {
				if strings.Contains(text, secret) {
					t.Errorf("a secret is told:\n%s", text)
				}
			}
		})
	}
}

// A guess at where the API may be is asked without credentials: it may be a stranger.
func TestCheckShowsNoCredentialsToAStranger(t *testing.T) {
	var seen []string
	secure := front(t, "http://127.0.0.1:1/api", true, func(w http.ResponseWriter, r *http.Request) bool {
		seen = append(seen, r.Header.Get("Authorization")+r.Header.Get("X-Token"))
		w.WriteHeader(http.StatusNotFound)
		return true
	})
	report, _ := prefectlogs.Check(t.Context(), prefectlogs.WithSettings(isolated(t,
		"PREFECT_API_URL="+strings.Replace(secure.URL, "https://", "http://me:pw@", 1)+"/api", "PREFECT_API_KEY=secret", `PREFECT_CLIENT_CUSTOM_HEADERS={"X-Token":"secret"}`)))
	if got := stepOf(t, report, "tls"); got.Status != prefectlogs.StatusFail || len(seen) == 0 {
		t.Fatalf("step tls: %+v, %d requests", got, len(seen))
	}
	if slices.ContainsFunc(seen, func(s string) bool { return s != "" }) {
		t.Errorf("credentials went to a stranger: %q", seen)
	}
}

func TestReportIsForPeopleAndForPrograms(t *testing.T) {
	report := prefectlogs.Report{Steps: []prefectlogs.Step{
		{Name: "settings", Found: "one\ntwo"},
		{Name: "tcp", Status: prefectlogs.StatusFail, Found: "refused", Fix: "start it"},
		{Name: "tls", Status: prefectlogs.StatusSkipped, Found: "not looked at"},
		{Name: "api", Status: prefectlogs.StatusSkipped, Found: "not looked at"},
		{Name: "log", Status: prefectlogs.StatusSkipped, Found: "nothing is written"},
	}}
	want := strings.Join([]string{
		"ok        settings  one",
		"                    two",
		"fail      tcp       refused",
		"                    fix: start it",
		"skipped   tls       and api: not looked at",
		"skipped   log       nothing is written",
		"",
		"Logs do not arrive. What failed: tcp.",
		"",
	}, "\n")
	if diff := cmp.Diff(want, report.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	encoded, err := json.Marshal(report.Steps[1])
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(encoded), `{"name":"tcp","status":"fail","found":"refused","fix":"start it"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStepsAreThoseOfTheDocument(t *testing.T) {
	text, err := os.ReadFile("docs/check.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, steps []string
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ = strings.Cut(name, "`")
			documented = append(documented, name)
		}
	}
	report, _ := prefectlogs.Check(t.Context(), prefectlogs.WithSettings(isolated(t)))
	for _, s := range report.Steps {
		steps = append(steps, s.Name)
	}
	if diff := cmp.Diff(steps, documented); diff != "" {
		t.Errorf("steps of docs/check.md (-code +document):\n%s", diff)
	}
}
