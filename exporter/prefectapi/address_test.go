// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

const secret = "hunter2"

func TestAddressesThatCannotBeAreRefusedWithoutTheirSecrets(t *testing.T) {
	tests := []struct {
		name, url, want string
	}{
		{"empty", "", "empty"},
		{"blanks", " \t", "empty"},
		{"only slashes", "//", "empty"},
		{"no scheme", "127.0.0.1:4200/api", `"127.0.0.1:4200/api"`},
		{"a name for a scheme", "localhost:4200/api", `"localhost:4200/api" is not absolute`},
		{"credentials and no scheme", "admin:" + secret + "@host/api", "is not absolute"},
		{"a scheme that is not spoken", "ftp://admin:" + secret + "@host/api", "is not absolute"},
		{"no host", "http:///api", "is not absolute"},
		{"only a port", "http://:4200/api", "is not absolute"},
		{"a query", "http://host/api?key=" + secret, `host "host" has a query`},
		{"an empty query", "http://host/api?", `host "host" has a query`},
		{"a fragment", "http://host/api#" + secret, `host "host" has a query or a fragment`},
		{"a bad escape behind a password", "http://admin:" + secret + "@host/%zz", "cannot be read"},
		{"a control character", "http://host/\x7f", "cannot be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := prefectapi.New(prefectapi.Config{APIURL: tt.url})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q within", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the secret is told: %v", err)
			}
		})
	}
}

func TestAddressesOfEveryUsualForm(t *testing.T) {
	server := prefecttest.NewServer(t)
	for _, form := range []string{server.URL(), server.URL() + "/", " " + server.URL() + "// "} {
		client := newClient(t, server, func(c *prefectapi.Config) { c.APIURL = form })
		if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
			t.Errorf("%q: %v", form, err)
		}
	}
	for _, r := range server.Requests() {
		if r.Path != "/api/logs/" {
			t.Errorf("posted to %s", r.Path)
		}
	}
}

func TestRedirectsWithinTheServerAreFollowed(t *testing.T) {
	for _, code := range []int{307, 308} {
		for _, location := range []string{"/api/logs/", "http://prefect.test/api/logs/", "http://prefect.test:80/api/logs/"} {
			t.Run(fmt.Sprintf("%d to %s", code, location), func(t *testing.T) {
				server := prefecttest.NewServer(t, prefecttest.WithAPIKey(secret))
				client := newClient(t, server, func(c *prefectapi.Config) {
					c.APIKey, c.Headers = secret, map[string]string{"X-Extra": "kept"}
				})
				server.Fault(prefecttest.Redirect(code, location))
				if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
					t.Fatal(err)
				}
				requests := server.Requests()
				if len(requests) != 2 || len(server.Logs()) != 1 || requests[1].Header.Get("X-Extra") != "kept" {
					t.Errorf("%d requests, %d logs", len(requests), len(server.Logs()))
				}
			})
		}
	}
}

// recordingTransport keeps what goes to each host, and answers for all but the server's.
type recordingTransport struct {
	server http.RoundTripper
	other  []*http.Request
}

func (r *recordingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Host == "prefect.test" && request.URL.Scheme == "http" {
		return r.server.RoundTrip(request)
	}
	r.other = append(r.other, request)
	return &http.Response{StatusCode: 201, Body: http.NoBody, Header: http.Header{}, Request: request}, nil
}

func TestRedirectsElsewhereAreAnswers(t *testing.T) {
	for _, location := range []string{
		"http://evil.test/api/logs/", "https://prefect.test/api/logs/", "http://prefect.test:8080/api/logs/",
		"http://prefect.test.evil.test/", "//evil.test/api/logs/", "http://prefect.test@evil.test/",
	} {
		for _, code := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprintf("%d to %s", code, location), func(t *testing.T) {
				server := prefecttest.NewServer(t)
				transport := &recordingTransport{server: server.Transport()}
				client := newClient(t, server, func(c *prefectapi.Config) { c.APIKey, c.Transport = secret, transport })
				server.Fault(prefecttest.Redirect(code, location))
				got := answerOf(t, client.PostLogs(t.Context(), records{"a"}))
				if got.Kind != prefectapi.KindAccess || got.Status != code || got.Ambiguous {
					t.Errorf("got %+v", got)
				}
				if len(transport.other) > 0 {
					t.Errorf("%s was asked, with %v", transport.other[0].URL, transport.other[0].Header)
				}
			})
		}
	}
}

func TestRedirectsThatChangeTheMethodAreAnswers(t *testing.T) {
	server := prefecttest.NewServer(t)
	server.Fault(prefecttest.Redirect(303, "/api/logs/"))
	got := answerOf(t, newClient(t, server).PostLogs(t.Context(), records{"a"}))
	if got.Status != 303 || len(server.Requests()) != 1 {
		t.Errorf("got %+v after %d requests", got, len(server.Requests()))
	}
}

func TestRedirectsInACircleEnd(t *testing.T) {
	server := prefecttest.NewServer(t)
	server.FaultAlways(prefecttest.Redirect(307, "/api/logs/"))
	got := answerOf(t, newClient(t, server).PostLogs(t.Context(), records{"a"}))
	if got.Kind != prefectapi.KindAccess || len(server.Requests()) > 5 {
		t.Errorf("got %+v after %d requests", got, len(server.Requests()))
	}
}

func TestCredentialsReachTheServer(t *testing.T) {
	const basicSecret = "Basic YWRtaW46aHVudGVyMg=="
	tests := []struct {
		name   string
		change func(*prefectapi.Config)
		want   string
	}{
		{"none", func(*prefectapi.Config) {}, ""},
		{"a key", func(c *prefectapi.Config) { c.APIKey = secret }, "Bearer " + secret},
		{"an auth string", func(c *prefectapi.Config) { c.AuthString = "admin:" + secret }, basicSecret},
		{"an auth string wins over a key", func(c *prefectapi.Config) { c.APIKey, c.AuthString = "key", "admin:"+secret }, basicSecret},
		{"the address", func(c *prefectapi.Config) { c.APIURL = "http://admin:" + secret + "@prefect.test/api" }, basicSecret},
		{"a key wins over the address", func(c *prefectapi.Config) { c.APIURL, c.APIKey = "http://a:b@prefect.test/api", secret }, "Bearer " + secret},
		{"a custom header wins over all", func(c *prefectapi.Config) {
			c.AuthString, c.APIKey, c.Headers = "a:b", "key", map[string]string{"authorization": "Custom " + secret}
		}, "Custom " + secret},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := prefecttest.NewServer(t)
			client := newClient(t, server, tt.change)
			if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, server.Requests()[0].Header.Get("Authorization")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever goes wrong, what is told of it holds neither credentials nor logs.
func TestErrorsHoldNoSecrets(t *testing.T) {
	const text = "what the user logged"
	echo := prefecttest.Status(400).Body(text + " " + secret)
	faults := map[string]prefecttest.Fault{
		"400 with echo":       echo,
		"401":                 prefecttest.Status(401).Body("Bearer " + secret),
		"403":                 prefecttest.Status(403).Body("Bearer " + secret),
		"422 with echo":       prefecttest.Refuse(0),
		"500 with echo":       prefecttest.Status(500).Body(text),
		"redirect":            prefecttest.Redirect(302, "http://user:"+secret+"@evil.test/"),
		"unreadable redirect": prefecttest.Redirect(302, "http://user:"+secret+"@evil.test:port/"),
		"cut before":          prefecttest.CutBefore(),
		"cut during":          prefecttest.CutDuring(10),
		"cut after":           prefecttest.CutAfterCommit(),
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			server := prefecttest.NewServer(t)
			client := newClient(t, server, func(c *prefectapi.Config) {
				c.APIURL, c.APIKey = "http://user:"+secret+"@prefect.test/api", secret
				c.Headers = map[string]string{"X-Secret": secret}
			})
			server.Fault(fault)
			err := client.PostLogs(t.Context(), records{text})
			if err == nil {
				t.Fatal("no error")
			}
			for _, form := range []string{err.Error(), fmt.Sprintf("%v", err), fmt.Sprintf("%s", err)} {
				if strings.Contains(form, secret) || strings.Contains(form, text) {
					t.Errorf("told: %s", form)
				}
			}
		})
	}
}

// garbled answers every connection with bytes that are no HTTP.
type garbled struct{ text string }

func (g garbled) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("malformed HTTP response %q", g.text)
}

func TestWhatAServerSendsIsNotPartOfAnError(t *testing.T) {
	client, err := prefectapi.New(prefectapi.Config{APIURL: "http://prefect.test/api", Transport: garbled{secret}, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.PostLogs(t.Context(), records{"a"}); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
}
