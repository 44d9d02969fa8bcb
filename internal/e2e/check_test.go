// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/internal/filelock"
	"github.com/prefectlogs/prefectlogs/internal/servers"
	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// checkWith checks with no settings but these.
func checkWith(t *testing.T, ctx context.Context, values ...string) prefectlogs.Report {
	t.Helper()
	s, err := settings.Load(settings.WithoutFiles(), settings.WithEnvironment(values))
	if err != nil {
		t.Fatal(err)
	}
	report, err := prefectlogs.Check(ctx, prefectlogs.WithSettings(s))
	if (err != nil) != (len(report.Failed()) > 0) {
		t.Errorf("error %v\n%s", err, report)
	}
	return report
}

// turn keeps tests of other packages from having a shared server busy for long, until this one ends: a check waits 10 s at most
// for an answer.
func turn(t *testing.T, s *servers.Server) {
	t.Helper()
	lock, err := filelock.Wait(filepath.Join(s.Home(), "turn"), limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Close() })
}

// newRun makes a flow run, and gives a context that has it.
func newRun(t *testing.T, s *servers.Server) (ctx context.Context, flowRunID string) {
	t.Helper()
	flowRunID, err := s.NewFlowRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return run.NewContext(t.Context(), run.Info{FlowRunID: flowRunID}), flowRunID
}

// wantStep looks for words in what a step found, and that nothing else failed.
func wantStep(t *testing.T, report prefectlogs.Report, name string, status prefectlogs.Status, words ...string) {
	t.Helper()
	i := slices.IndexFunc(report.Steps, func(s prefectlogs.Step) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no step %s:\n%s", name, report)
	}
	got := report.Steps[i]
	for _, word := range words {
		if !strings.Contains(got.Found+"\n"+got.Fix, word) {
			t.Errorf("step %s does not say %q", name, word)
		}
	}
	var want, failed []string
	if status == prefectlogs.StatusFail {
		want = []string{name}
	}
	for _, f := range report.Failed() {
		failed = append(failed, f.Name)
	}
	if got.Status != status || !slices.Equal(failed, want) {
		t.Errorf("step %s: %v, want %v; failed: %q", name, got.Status, status, failed)
	}
	if t.Failed() {
		t.Logf("\n%s", report)
	}
}

// frontOf starts a server before a real one, and gives its API's address. change, which may be nil, says what it does
// beyond passing everything on.
func frontOf(t *testing.T, s *servers.Server, change func(*httputil.ReverseProxy)) *httptest.Server {
	t.Helper()
	upstream, err := url.Parse(strings.TrimSuffix(s.APIURL(), "/api"))
	if err != nil {
		t.Fatal(err)
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(upstream) }}
	if change != nil {
		change(pass)
	}
	server := httptest.NewUnstartedServer(pass)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail are what is tested
	t.Cleanup(server.Close)
	return server
}

func TestCheckFindsNothingOnServersThatAreWell(t *testing.T) {
	serverstest.Each(t, func(t *testing.T, s *servers.Server) {
		turn(t, s)
		_, flowRun := newRun(t, s)
		taskRun, err := s.NewTaskRun(t.Context(), flowRun, "checked")
		if err != nil {
			t.Fatal(err)
		}
		ctx := run.NewContext(t.Context(), run.Info{FlowRunID: flowRun, TaskRunID: taskRun})
		report := checkWith(t, ctx, "PREFECT_API_URL="+s.APIURL())
		version := strings.Join(strings.Split(s.Version(), ".")[:2], ".")
		wantStep(t, report, "version", prefectlogs.StatusOK, "Prefect "+version)
		wantStep(t, report, "run", prefectlogs.StatusOK, "and the task run in it")
		wantStep(t, report, "clock", prefectlogs.StatusOK, "agree")
		wantStep(t, report, "auth", prefectlogs.StatusOK, "asks for no credentials")
		wantStep(t, report, "csrf", prefectlogs.StatusOK, "off")
		wantStep(t, report, "log", prefectlogs.StatusOK, "read back")
		logs, err := s.Logs(t.Context(), flowRun)
		if err != nil {
			t.Fatal(err)
		}
		if len(logs) != 1 || logs[0].Name != "prefectlogs.check" || logs[0].TaskRunID != taskRun {
			t.Errorf("logs %+v", logs)
		}
	})
}

func TestCheckNamesWhatIsWrongWithTheWayToAServer(t *testing.T) {
	s := serverstest.Get(t, servers.Prefect38SQLite)
	turn(t, s)
	secure := frontOf(t, s, nil)
	secure.StartTLS()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(authority, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	late := frontOf(t, s, func(p *httputil.ReverseProxy) {
		p.ModifyResponse = func(r *http.Response) error {
			// Half a minute more, for an answer that takes seconds and a header that is cut to them.
			r.Header.Set("Date", time.Now().Add(-time.Hour-30*time.Second).UTC().Format(http.TimeFormat))
			return nil
		}
	})
	late.Start()
	bare := strings.TrimSuffix(s.APIURL(), "/api")

	tests := []struct {
		name   string
		values []string
		step   string
		status prefectlogs.Status
		words  []string
	}{
		{"no URL", nil, "url", prefectlogs.StatusFail, []string{"PREFECT_API_URL is not set"}},
		{"a URL without /api", []string{"PREFECT_API_URL=" + bare}, "api", prefectlogs.StatusFail, []string{"404", "set PREFECT_API_URL to " + s.APIURL()}},
		{
			"a workspace where there are none", []string{"PREFECT_API_URL=" + s.APIURL() + "/accounts/a/workspaces/b"},
			"api", prefectlogs.StatusFail, []string{"404", "set PREFECT_API_URL to " + s.APIURL()},
		},
		{
			"a workspace that is not there", []string{"PREFECT_API_URL=" + s.APIURL() + "/accounts/a/workspaces/b", "PREFECT_CLOUD_API_URL=" + s.APIURL()},
			"api", prefectlogs.StatusFail, []string{"404", "check the ids of account and workspace"},
		},
		{"an unknown host", []string{"PREFECT_API_URL=http://prefect.invalid/api"}, "dns", prefectlogs.StatusFail, []string{"prefect.invalid"}},
		{"a closed port", []string{"PREFECT_API_URL=http://127.0.0.1:1/api"}, "tcp", prefectlogs.StatusFail, []string{"connection refused"}},
		{
			"plain http to a port of TLS", []string{"PREFECT_API_URL=" + strings.Replace(secure.URL, "https", "http", 1) + "/api"},
			"tls", prefectlogs.StatusFail, []string{"speaks TLS", "set PREFECT_API_URL to " + secure.URL + "/api"},
		},
		{
			"https to a port of plain http", []string{"PREFECT_API_URL=" + strings.Replace(s.APIURL(), "http", "https", 1)},
			"tls", prefectlogs.StatusFail, []string{"does not speak TLS", "set PREFECT_API_URL to " + s.APIURL()},
		},
		{"a certificate that is not trusted", []string{"PREFECT_API_URL=" + secure.URL + "/api"}, "tls", prefectlogs.StatusFail, []string{"unknown authority", "PREFECT_API_SSL_CERT_FILE"}},
		{
			"a certificate that is trusted", []string{"PREFECT_API_URL=" + secure.URL + "/api", "PREFECT_API_SSL_CERT_FILE=" + authority},
			"log", prefectlogs.StatusOK, []string{"read back"},
		},
		{"a clock that is an hour ahead", []string{"PREFECT_API_URL=" + late.URL + "/api"}, "clock", prefectlogs.StatusWarn, []string{"clock is 1h0m", "s ahead of the server's"}},
		{
			"logging that is switched off", []string{"PREFECT_API_URL=" + s.APIURL(), "PREFECT_LOGGING_TO_API_ENABLED=false"},
			"logging", prefectlogs.StatusFail, []string{"PREFECT_LOGGING_TO_API_ENABLED is false (environment)"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, _ := newRun(t, s)
			wantStep(t, checkWith(t, ctx, tt.values...), tt.step, tt.status, tt.words...)
		})
	}
}

func TestCheckNamesARunThatTheServerDoesNotKnow(t *testing.T) {
	serverstest.Each(t, func(t *testing.T, s *servers.Server) {
		turn(t, s)
		const unknown = "11111111-2222-3333-4444-555555555555"
		ctx := run.NewContext(t.Context(), run.Info{FlowRunID: unknown})
		wantStep(t, checkWith(t, ctx, "PREFECT_API_URL="+s.APIURL()), "run", prefectlogs.StatusFail, unknown, "no page shows them")
		logs, err := s.Logs(t.Context(), unknown)
		if err != nil || len(logs) > 0 {
			t.Errorf("%d logs were written, %v", len(logs), err)
		}
		ctx = run.NewContext(t.Context(), run.Info{FlowRunID: "4711"})
		wantStep(t, checkWith(t, ctx, "PREFECT_API_URL="+s.APIURL()), "run-id", prefectlogs.StatusFail, "not a UUID")
	})
}

func TestCheckNamesWhatIsWrongWithCredentials(t *testing.T) {
	s := serverstest.Get(t, servers.Prefect38Secured)
	api, right := "PREFECT_API_URL="+s.APIURL(), "PREFECT_API_AUTH_STRING="+s.Row().AuthString
	taking := frontOf(t, s, func(p *httputil.ReverseProxy) {
		pass := p.Rewrite
		p.Rewrite = func(r *httputil.ProxyRequest) {
			pass(r)
			r.Out.Header.Del("Prefect-Csrf-Token")
		}
	})
	taking.Start()
	tests := []struct {
		name   string
		values []string
		step   string
		status prefectlogs.Status
		words  []string
	}{
		{"a key", []string{api, "PREFECT_API_KEY=pnu_wrong"}, "auth", prefectlogs.StatusFail, []string{"refuses the key of PREFECT_API_KEY (401)"}},
		{"another auth string", []string{api, "PREFECT_API_AUTH_STRING=admin:wrong"}, "auth", prefectlogs.StatusFail, []string{"refuses the auth string of PREFECT_API_AUTH_STRING (401)"}},
		{"no auth string", []string{api}, "auth", prefectlogs.StatusFail, []string{"none are set (401)", "PREFECT_API_AUTH_STRING"}},
		{"the right one", []string{api, right}, "auth", prefectlogs.StatusOK, []string{"lets the auth string of PREFECT_API_AUTH_STRING in"}},
		{"the right one, and CSRF protection", []string{api, right}, "csrf", prefectlogs.StatusOK, []string{"protection is on"}},
		{"the right one, and a log", []string{api, right}, "log", prefectlogs.StatusOK, []string{"read back"}},
		{"a token that is taken away", []string{"PREFECT_API_URL=" + taking.URL + "/api", right}, "csrf", prefectlogs.StatusFail, []string{"Prefect-Csrf-Token"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, _ := newRun(t, s)
			report := checkWith(t, ctx, tt.values...)
			wantStep(t, report, tt.step, tt.status, tt.words...)
			if _, password, _ := strings.Cut(s.Row().AuthString, ":"); strings.Contains(report.String(), password) {
				t.Error("the report holds the password")
			}
		})
	}
}

// The variables of proxies hold for whole processes, and for other machines than this one alone.
func TestCheckCommandNamesAProxyInTheWay(t *testing.T) {
	s := serverstest.Get(t, servers.Prefect38SQLite)
	turn(t, s)
	_, flowRun := newRun(t, s)
	program := filepath.Join(t.TempDir(), "prefectlogs")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/prefectlogs").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	proxy := frontOf(t, s, nil)
	proxy.Start()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not for you", http.StatusForbidden)
	}))
	defer refusing.Close()

	tests := []struct {
		name  string
		api   string
		proxy string
		code  int
		words []string
	}{
		{"a proxy that passes on", "http://prefect.test/api", "HTTP_PROXY=" + proxy.URL, 0, []string{"requests go through the proxy", "(HTTP_PROXY)", "read back"}},
		{"a proxy that refuses a tunnel", "https://prefect.test/api", "HTTPS_PROXY=" + refusing.URL, 1, []string{"lets nothing through to prefect.test (403)", "NO_PROXY"}},
		{"a proxy that refuses a request", "http://prefect.test/api", "http_proxy=" + refusing.URL, 1, []string{"(HTTP_PROXY)", "403"}},
		{"a proxy that is not there", "http://prefect.test/api", "HTTP_PROXY=http://me:secret@127.0.0.1:1", 1, []string{"no connection to the proxy 127.0.0.1:1", "connection refused"}},
		{"a proxy whose address is none", "http://127.0.0.2:1/api", "HTTP_PROXY=::secret", 1, []string{"HTTP_PROXY is set, and does not count for 127.0.0.2:1", "its address cannot be read"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			home := t.TempDir()
			cmd := exec.CommandContext(t.Context(), program, "check", "-flow-run", flowRun)
			cmd.Dir = home
			cmd.Env = []string{"HOME=" + home, "USERPROFILE=" + home, "PREFECT_API_URL=" + tt.api, tt.proxy}
			output, _ := cmd.CombinedOutput() // the exit status is looked at below
			if code := cmd.ProcessState.ExitCode(); code != tt.code {
				t.Errorf("exit status %d, want %d", code, tt.code)
			}
			for _, word := range tt.words {
				if !strings.Contains(string(output), word) {
					t.Errorf("%q is not said", word)
				}
			}
			if strings.Contains(string(output), "secret") || strings.Contains(string(output), "not for you") {
				t.Error("a secret is told, or what a proxy says")
			}
			if t.Failed() {
				t.Logf("\n%s", output)
			}
		})
	}
}
