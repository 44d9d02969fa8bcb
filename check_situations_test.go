// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs_test

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs"
	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/run"
)

// checked is one situation, and what a check has to say of it.
type checked struct {
	server   []prefecttest.Option
	faults   []prefecttest.Fault
	values   func(api string) []string // settings; nil: the server's URL alone
	exporter func(t *testing.T, api string) []prefectlogs.Option
	flow     string // "": the run that is there
	task     string

	step   string // that is looked at
	status prefectlogs.Status
	found  string
	fix    string
	others []string // further steps that fail
}

func urlOf(change func(api string) string) func(string) []string {
	return func(api string) []string { return []string{"PREFECT_API_URL=" + change(api)} }
}

func connect(connection prefectapi.Connection) prefectlogs.Option {
	return prefectlogs.WithExporter(exporter.WithConnection(connection))
}

// closed is an address at which nobody listens, nor comes to: a port that was free a moment ago may be another test's now.
const closed = "127.0.0.1:1"

// front is a server before the API: it passes everything on but for what change makes of it.
func front(t *testing.T, api string, tls bool, change func(http.ResponseWriter, *http.Request) (done bool)) *httptest.Server {
	t.Helper()
	upstream, err := url.Parse(strings.TrimSuffix(api, "/api"))
	if err != nil {
		t.Fatal(err)
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(upstream) }}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if change == nil || !change(w, r) {
			pass.ServeHTTP(w, r)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail are what is tested
	if tls {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server
}

func page(status int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<html>Sign in</html>")
		return true
	}
}

var situations = map[string]checked{
	"all is well":                {step: "log", found: "written into the run and read back"},
	"all is well on Prefect 2.7": {server: []prefecttest.Option{prefecttest.WithGeneration(prefecttest.Orion27)}, step: "version", found: "Prefect 2.7"},
	"no URL": {
		values: func(string) []string { return nil },
		step:   "url", status: prefectlogs.StatusFail, found: "PREFECT_API_URL is not set", fix: "such as http://127.0.0.1:4200/api",
	},
	"a URL that is none": {
		values: urlOf(func(string) string { return "127.0.0.1:4200/api" }),
		step:   "url", status: prefectlogs.StatusFail, found: "(environment)", fix: "correct PREFECT_API_URL",
	},
	"a URL without /api": {
		values: urlOf(func(api string) string { return strings.TrimSuffix(api, "/api") }),
		step:   "api", status: prefectlogs.StatusFail, found: "404 Not Found; there is one at http://127.0.0.1", fix: "/api",
	},
	"a URL without /api, seen in itself": {
		values: urlOf(func(api string) string { return strings.TrimSuffix(api, "/api") + "/" }),
		step:   "url", status: prefectlogs.StatusWarn, found: "does not end in /api", fix: "/api", others: []string{"api"},
	},
	"a URL without /api, where Prefect's pages are": {
		exporter: func(t *testing.T, api string) []prefectlogs.Option {
			return []prefectlogs.Option{prefectlogs.WithEndpoint(front(t, api, false, func(w http.ResponseWriter, r *http.Request) bool {
				return !strings.HasPrefix(r.URL.Path, "/api/") && page(http.StatusOK)(w, r)
			}).URL)}
		},
		step: "api", status: prefectlogs.StatusFail, found: "a web page answers (200 OK), and not Prefect's API; there is one at http://127.0.0.1", fix: "/api",
	},
	"a path that is another": {
		values: urlOf(func(api string) string { return strings.TrimSuffix(api, "/api") + "/prefect/api" }),
		step:   "api", status: prefectlogs.StatusFail, found: "404 Not Found; there is one at http://127.0.0.1", fix: "set PREFECT_API_URL to http://127.0.0.1",
	},
	"a path of Prefect Cloud on a server of one's own": {
		values: urlOf(func(api string) string { return api + "/accounts/a/workspaces/b" }),
		step:   "api", status: prefectlogs.StatusFail, found: "404 Not Found; there is one at http://127.0.0.1", fix: "set PREFECT_API_URL to http://127.0.0.1",
	},
	"a workspace that Prefect Cloud does not have": {
		values: func(api string) []string {
			return []string{"PREFECT_API_URL=" + api + "/accounts/a/workspaces/b", "PREFECT_CLOUD_API_URL=" + api, "PREFECT_API_KEY=k"}
		},
		step: "api", status: prefectlogs.StatusFail, found: "404 Not Found", fix: "check the ids of account and workspace",
	},
	"a workspace that Prefect Cloud does not have, behind a health of its own": {
		values: func(api string) []string {
			return []string{"PREFECT_API_URL=" + api + "/workspaces/b", "PREFECT_CLOUD_API_URL=" + api}
		},
		exporter: func(t *testing.T, api string) []prefectlogs.Option {
			return []prefectlogs.Option{prefectlogs.WithEndpoint(front(t, api, false, func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, "true")
				} else {
					w.WriteHeader(http.StatusNotFound)
				}
				return true
			}).URL + "/api")}
		},
		step: "auth", status: prefectlogs.StatusFail, found: "404 Not Found", fix: "correct the path in PREFECT_API_URL",
	},
	"the address of a workspace's page in Prefect Cloud": {
		values: urlOf(func(string) string { return "https://app.prefect.cloud/account/a/workspace/b/dashboard" }),
		step:   "url", status: prefectlogs.StatusFail, found: "a page of Prefect Cloud", fix: "https://api.prefect.cloud/api/accounts/a/workspaces/b",
	},
	"no workspace of Prefect Cloud": {
		values: func(api string) []string { return []string{"PREFECT_API_URL=" + api, "PREFECT_CLOUD_API_URL=" + api} },
		step:   "url", status: prefectlogs.StatusFail, found: "names no workspace", fix: "/accounts/ID/workspaces/ID",
	},
	"an unknown host": {
		values: urlOf(func(string) string { return "http://elsewhere.test/api" }),
		exporter: func(t *testing.T, _ string) []prefectlogs.Option {
			return []prefectlogs.Option{prefectlogs.WithExporter(exporter.WithTransport(prefecttest.NewServer(t).Transport()))}
		},
		step: "dns", status: prefectlogs.StatusFail, found: "no such host", fix: "PREFECT_API_URL",
	},
	"a closed port": {
		exporter: func(*testing.T, string) []prefectlogs.Option {
			return []prefectlogs.Option{prefectlogs.WithEndpoint("http://" + closed + "/api")}
		},
		step: "tcp", status: prefectlogs.StatusFail, found: "connection refused", fix: "see whether it is running",
	},
	"plain http to a port of TLS": {
		exporter: func(t *testing.T, api string) []prefectlogs.Option {
			return []prefectlogs.Option{prefectlogs.WithEndpoint(strings.Replace(front(t, api, true, nil).URL, "https", "http", 1) + "/api")}
		},
		step: "tls", status: prefectlogs.StatusFail, found: "speaks TLS, and PREFECT_API_URL begins with http", fix: "set PREFECT_API_URL to https://127.0.0.1",
	},
	"a redirect to TLS": {
		exporter: func(t *testing.T, api string) []prefectlogs.Option {
			secure := front(t, api, true, nil)
			return []prefectlogs.Option{prefectlogs.WithEndpoint(front(t, api, false, func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, secure.URL+r.URL.Path, http.StatusMovedPermanently)
				return true
			}).URL + "/api")}
		},
		step: "api", status: prefectlogs.StatusFail, found: "301 Moved Permanently", fix: "the final address",
	},
	"https to a port of plain http": {
		values: urlOf(func(api string) string { return strings.Replace(api, "http:", "https:", 1) }),
		step:   "tls", status: prefectlogs.StatusFail, found: "does not speak TLS", fix: "set PREFECT_API_URL to http://127.0.0.1",
	},
	"a certificate that is not trusted": {
		exporter: func(t *testing.T, api string) []prefectlogs.Option {
			return []prefectlogs.Option{prefectlogs.WithEndpoint(front(t, api, true, nil).URL + "/api")}
		},
		step: "tls", status: prefectlogs.StatusFail, found: "signed by unknown authority", fix: "PREFECT_API_SSL_CERT_FILE",
	},
	"any certificate is trusted": {
		exporter: func(t *testing.T, api string) []prefectlogs.Option {
			return []prefectlogs.Option{
				prefectlogs.WithEndpoint(front(t, api, true, nil).URL + "/api"), connect(prefectapi.Connection{InsecureSkipVerify: true}),
			}
		},
		step: "client", status: prefectlogs.StatusWarn, found: "any certificate is trusted", fix: "PREFECT_API_TLS_INSECURE_SKIP_VERIFY",
	},
	"a file of authorities that is not there": {
		values: func(api string) []string {
			return []string{"PREFECT_API_URL=" + api, "PREFECT_API_SSL_CERT_FILE=/nowhere/ca.pem"}
		},
		step: "client", status: prefectlogs.StatusFail, found: "/nowhere/ca.pem",
	},
	"a proxy that lets nothing through": {
		exporter: func(t *testing.T, api string) []prefectlogs.Option {
			return []prefectlogs.Option{
				prefectlogs.WithEndpoint("https://prefect.test/api"),
				connect(prefectapi.Connection{Proxy: front(t, api, false, page(http.StatusForbidden)).URL}),
			}
		},
		step: "proxy", status: prefectlogs.StatusFail, found: "lets nothing through to prefect.test (403)", fix: "NO_PROXY",
	},
	"a proxy that asks for credentials": {
		exporter: func(t *testing.T, api string) []prefectlogs.Option {
			return []prefectlogs.Option{connect(prefectapi.Connection{Proxy: front(t, api, false, page(http.StatusProxyAuthRequired)).URL})}
		},
		step: "proxy", status: prefectlogs.StatusFail, found: "asks for credentials (407)", fix: "http://user:password@host:port",
	},
	"a transport that cannot tell its proxy": {
		exporter: func(*testing.T, string) []prefectlogs.Option {
			return []prefectlogs.Option{prefectlogs.WithExporter(exporter.WithTransport(&http.Transport{
				Proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New("none") },
			}))}
		},
		step: "proxy", status: prefectlogs.StatusFail, found: "which proxy to take cannot be told", fix: "transport of the program",
	},
	"a proxy that is down": {
		exporter: func(*testing.T, string) []prefectlogs.Option {
			return []prefectlogs.Option{connect(prefectapi.Connection{Proxy: "http://" + closed})}
		},
		step: "tcp", status: prefectlogs.StatusFail, found: "no connection to the proxy 127.0.0.1", fix: "NO_PROXY",
	},
	"a page to sign in": {
		exporter: func(t *testing.T, api string) []prefectlogs.Option {
			return []prefectlogs.Option{prefectlogs.WithEndpoint(front(t, api, false, page(http.StatusOK)).URL + "/api")}
		},
		step: "api", status: prefectlogs.StatusFail, found: "a web page answers (200 OK)", fix: "a login or a proxy",
	},
	"a gateway without a server": {
		faults: []prefecttest.Fault{prefecttest.Status(http.StatusBadGateway).OnAny()},
		step:   "api", status: prefectlogs.StatusFail, found: "502 Bad Gateway", fix: "a proxy that does not reach it",
	},
	"an API whose health is not shown": {
		faults: []prefecttest.Fault{prefecttest.Status(http.StatusNotFound).On("GET", "/health")},
		step:   "api", found: "an API answers",
	},
	"a wrong key": {
		server: []prefecttest.Option{prefecttest.WithAPIKey("right")},
		values: func(api string) []string { return []string{"PREFECT_API_URL=" + api, "PREFECT_API_KEY=wrong"} },
		step:   "auth", status: prefectlogs.StatusFail, found: "refuses the key of PREFECT_API_KEY (401)", fix: "correct it",
	},
	"a missing auth string": {
		server: []prefecttest.Option{prefecttest.WithAuthString("a:b"), prefecttest.WithCSRF()},
		step:   "auth", status: prefectlogs.StatusFail, found: "asks for credentials, and none are set", fix: "PREFECT_API_AUTH_STRING",
	},
	"the right auth string": {
		server: []prefecttest.Option{prefecttest.WithAuthString("a:b"), prefecttest.WithCSRF()},
		values: func(api string) []string { return []string{"PREFECT_API_URL=" + api, "PREFECT_API_AUTH_STRING=a:b"} },
		step:   "auth", found: "lets the auth string of PREFECT_API_AUTH_STRING in",
	},
	"no access": {
		faults: []prefecttest.Fault{prefecttest.Status(http.StatusForbidden).On("POST", "/logs/filter")},
		step:   "auth", status: prefectlogs.StatusFail, found: "does not let anyone without credentials read logs (403)",
	},
	"CSRF protection": {
		server: []prefecttest.Option{prefecttest.WithCSRF()},
		step:   "csrf", found: "protection is on; a token is fetched by itself",
	},
	"a CSRF token that is taken away": {
		faults: []prefecttest.Fault{prefecttest.Status(http.StatusForbidden).Body(`{"detail":"Missing CSRF token."}`).On("POST", "/logs/filter")},
		step:   "csrf", status: prefectlogs.StatusFail, found: "wants a CSRF token", fix: "Prefect-Csrf-Token",
		server: []prefecttest.Option{prefecttest.WithCSRF()},
	},
	"a server that is too old": {
		faults: []prefecttest.Fault{prefecttest.Status(http.StatusOK).Body(`"1.4.1"`).On("GET", "/admin/version")},
		step:   "version", status: prefectlogs.StatusFail, found: "Prefect 1.4, which is too old", fix: "update the server",
	},
	"a server older than those tested": {
		faults: []prefecttest.Fault{prefecttest.Status(http.StatusOK).Body(`"2.0b5"`).On("GET", "/admin/version")},
		step:   "version", status: prefectlogs.StatusWarn, found: "Prefect 2.0, and 2.7 is the oldest", fix: "update the server",
	},
	"a server whose version is none": {
		faults: []prefecttest.Fault{prefecttest.Status(http.StatusOK).Body(`"secret.secret"`).On("GET", "/admin/version")},
		step:   "version", status: prefectlogs.StatusWarn, found: "is no version",
	},
	"a clock that is an hour behind": {
		server: []prefecttest.Option{clockOff(time.Hour)},
		step:   "clock", status: prefectlogs.StatusWarn, found: "behind the server's", fix: "NTP",
	},
	"a clock that is an hour ahead": {
		server: []prefecttest.Option{clockOff(-time.Hour)},
		step:   "clock", status: prefectlogs.StatusWarn, found: "ahead of the server's", fix: "NTP",
	},
	"clocks that agree": {step: "clock", found: "agree"},
	"a run id that is no UUID": {
		flow: "4711", step: "run-id", status: prefectlogs.StatusFail, found: "the flow run that was given is not a UUID", fix: "copy the id",
	},
	"a task run id that is no UUID": {
		task: "4711", step: "run-id", status: prefectlogs.StatusFail, found: "the task run that was given is not a UUID", fix: "copy the id",
	},
	"an unknown run": {
		flow: flowB, step: "run", status: prefectlogs.StatusFail, found: "does not know flow run " + flowB, fix: "the server or workspace",
	},
	"a task run of another flow run": {
		task: "another", step: "run", status: prefectlogs.StatusWarn, found: "the task run is in another one", fix: "of the same run",
	},
	"a task run": {task: "own", step: "run", found: "and the task run in it"},
	"an unknown task run": {
		task: taskA, step: "run", status: prefectlogs.StatusWarn, found: "not task run " + taskA, fix: "see whether the id is right",
	},
	"logging that is switched off": {
		values: func(api string) []string {
			return []string{"PREFECT_API_URL=" + api, "PREFECT_LOGGING_TO_API_ENABLED=false"}
		},
		step: "logging", status: prefectlogs.StatusFail, found: "PREFECT_LOGGING_TO_API_ENABLED is false (environment)", fix: "to true",
	},
	"a level above INFO": {
		values: func(api string) []string { return []string{"PREFECT_API_URL=" + api, "PREFECT_LOGGING_LEVEL=ERROR"} },
		step:   "logging", status: prefectlogs.StatusWarn, found: "only records of level 40 and above", fix: "lower the level",
	},
	"a log that is refused": {
		faults: []prefecttest.Fault{prefecttest.Status(http.StatusForbidden)},
		step:   "log", status: prefectlogs.StatusFail, found: "the log was not stored", fix: "a proxy may let reading through",
	},
	"a secret elsewhere than its URL": {
		values: func(api string) []string {
			return []string{"PREFECT_API_URL=http://me:pw@" + strings.TrimPrefix(api, "http://")}
		},
		step: "settings", status: prefectlogs.StatusWarn, found: "note: PREFECT_API_URL (environment) holds a password",
	},
	"an option that is wrong": {
		exporter: func(*testing.T, string) []prefectlogs.Option {
			return []prefectlogs.Option{prefectlogs.WithExporter(exporter.WithBatchSize(1))}
		},
		step: "settings", status: prefectlogs.StatusFail, found: "the batch size is 1 bytes", fix: "correct the options",
	},
}

// check runs a check of a situation.
func (s checked) check(t *testing.T) (prefectlogs.Report, error, *prefecttest.Server) {
	t.Helper()
	server := prefecttest.NewServer(t, append(s.server, prefecttest.WithLoopback())...)
	flowRun, err := server.API().CreateFlowRun(t.Context(), "checked", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range s.faults {
		server.FaultAlways(fault)
	}
	values := []string{"PREFECT_API_URL=" + server.URL()}
	if s.values != nil {
		values = s.values(server.URL())
	}
	opts := []prefectlogs.Option{prefectlogs.WithSettings(isolated(t, values...))}
	if s.exporter != nil {
		opts = append(opts, s.exporter(t, server.URL())...)
	}
	info := run.Info{FlowRunID: flowRun.ID, TaskRunID: s.task}
	if s.flow != "" {
		info.FlowRunID = s.flow
	}
	if s.task == "own" || s.task == "another" {
		info.TaskRunID = taskRun(t, server, flowRun.ID, s.task == "another")
	}
	report, err := prefectlogs.Check(run.NewContext(t.Context(), info), opts...)
	return report, err, server
}

// taskRun makes a task run in the flow run, or in another one.
func taskRun(t *testing.T, server *prefecttest.Server, flowRun string, inAnother bool) string {
	t.Helper()
	if inAnother {
		other, err := server.API().CreateFlowRun(t.Context(), "other", "")
		if err != nil {
			t.Fatal(err)
		}
		flowRun = other.ID
	}
	made, err := server.API().CreateTaskRun(t.Context(), flowRun, "task")
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// clockOff is a server whose clock is wrong.
func clockOff(by time.Duration) prefecttest.Option {
	return prefecttest.WithHook(func(r *http.Request) *prefecttest.Fault {
		if !strings.HasSuffix(r.URL.Path, "/health") {
			return nil
		}
		return new(prefecttest.Delay(0).Header("Date", time.Now().Add(by).UTC().Format(http.TimeFormat)))
	})
}
