// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// created answers as a server that stores everything.
func created(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // of a test
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, "null")
}

func newTLSServer(t *testing.T, config *tls.Config) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(created))
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// writePEM writes a file into the test's own folder.
func writePEM(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// newCertificate makes a certificate of a client, signed by itself.
func newCertificate(t *testing.T) (certFile, keyFile string, certificate *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "cert.pem", "CERTIFICATE", der), writePEM(t, "key.pem", "EC PRIVATE KEY", keyDER), certificate
}

func TestTLSIsTrustedAsConfigured(t *testing.T) {
	certFile, keyFile, certificate := newCertificate(t)
	plain := newTLSServer(t, nil)
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	asking := newTLSServer(t, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	ca := writePEM(t, "ca.pem", "CERTIFICATE", plain.Certificate().Raw)
	tests := []struct {
		name       string
		server     *httptest.Server
		connection prefectapi.Connection
		problem    string // "" for none
	}{
		{"an unknown authority", plain, prefectapi.Connection{}, "set PREFECT_API_SSL_CERT_FILE"},
		{"an authority of a file", plain, prefectapi.Connection{CAFile: ca}, ""},
		{"anyone", plain, prefectapi.Connection{InsecureSkipVerify: true}, ""},
		{"no certificate where one is asked for", asking, prefectapi.Connection{CAFile: ca}, "certificate required"},
		{"a certificate where one is asked for", asking, prefectapi.Connection{CAFile: ca, CertFile: certFile, KeyFile: keyFile}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, err := prefectapi.New(prefectapi.Config{APIURL: tt.server.URL + "/api", Connection: tt.connection})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			err = client.PostLogs(t.Context(), records{"a"})
			if tt.problem == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.problem) {
				t.Fatalf("got %v, want %q within", err, tt.problem)
			}
			if got := answerOf(t, err); got.Kind != prefectapi.KindNetwork {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestWrongSchemeIsToldAsSuch(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(created))
	defer server.Close()
	client, err := prefectapi.New(prefectapi.Config{APIURL: strings.Replace(server.URL, "http", "https", 1) + "/api"})
	if err != nil {
		t.Fatal(err)
	}
	err = client.PostLogs(t.Context(), records{"a"})
	if got := answerOf(t, err); got.Ambiguous || !strings.Contains(err.Error(), "http where https") {
		t.Errorf("got %v", err)
	}
}

func TestConnectionProblemsAreToldAtTheDoor(t *testing.T) {
	certFile, keyFile, _ := newCertificate(t)
	noPEM := filepath.Join(t.TempDir(), "no.pem")
	if err := os.WriteFile(noPEM, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name       string
		connection prefectapi.Connection
		want       []string
	}{
		{"a file that is not there", prefectapi.Connection{CAFile: "/nonexistent/ca.pem"}, []string{"/nonexistent/ca.pem"}},
		{"a file without a certificate", prefectapi.Connection{CAFile: noPEM}, []string{noPEM, "PEM"}},
		{"a certificate without a key", prefectapi.Connection{CertFile: certFile}, []string{"both"}},
		{"a key without a certificate", prefectapi.Connection{KeyFile: keyFile}, []string{"both"}},
		{"a key that is none", prefectapi.Connection{CertFile: certFile, KeyFile: noPEM}, []string{noPEM}},
		{"a proxy without a scheme", prefectapi.Connection{Proxy: "user:" + secret + "@proxy:3128"}, []string{"proxy"}},
		{"a proxy that cannot be read", prefectapi.Connection{Proxy: "http://user:" + secret + "@proxy:port"}, []string{"proxy"}},
		{"several at once", prefectapi.Connection{CAFile: "/nonexistent/ca.pem", KeyFile: keyFile, Proxy: "x"}, []string{"ca.pem", "both", "proxy"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := prefectapi.New(prefectapi.Config{APIURL: "http://prefect.test/api", Connection: tt.connection})
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q within", err, want)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the secret is told: %v", err)
			}
		})
	}
	_, err := prefectapi.New(prefectapi.Config{
		APIURL: "http://prefect.test/api", Transport: http.DefaultTransport, Connection: prefectapi.Connection{InsecureSkipVerify: true},
	})
	if err == nil {
		t.Error("a transport beside settings of the connection is taken")
	}
}

func TestProxyIsAskedWithItsCredentials(t *testing.T) {
	var asked []*http.Request
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r)
		created(w, r)
	}))
	defer proxy.Close()
	client, err := prefectapi.New(prefectapi.Config{
		APIURL:     "http://prefect.test/api",
		APIKey:     "key",
		Connection: prefectapi.Connection{Proxy: strings.Replace(proxy.URL, "http://", "http://user:"+secret+"@", 1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
		t.Fatal(err)
	}
	if len(asked) != 1 || asked[0].URL.String() != "http://prefect.test/api/logs/" || asked[0].Header.Get("Proxy-Authorization") == "" {
		t.Errorf("the proxy got %v", asked)
	}
}

func TestRequestsAreWhatEveryServerTakes(t *testing.T) {
	server := prefecttest.NewServer(t, prefecttest.WithCloudLimits()) // wants Content-Length
	client := newClient(t, server, func(c *prefectapi.Config) { c.UserAgent = "my-service/1.2" })
	if err := client.PostLogs(t.Context(), records{strings.Repeat("x", 100_000)}); err != nil {
		t.Fatal(err)
	}
	request := server.Requests()[0]
	if got := request.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	for _, absent := range []string{"Content-Encoding", "Transfer-Encoding", "Expect", "Authorization", "Prefect-Csrf-Token"} {
		if got := request.Header.Get(absent); got != "" {
			t.Errorf("%s: %q", absent, got)
		}
	}
	if got := request.Header.Get("User-Agent"); !strings.HasPrefix(got, "my-service/1.2 prefectlogs") {
		t.Errorf("User-Agent %q", got)
	}
}

func TestOwnTransportAsksForNothingCompressed(t *testing.T) {
	transport, err := prefectapi.NewTransport(prefectapi.Connection{})
	if err != nil {
		t.Fatal(err)
	}
	if !transport.DisableCompression || transport.Protocols.HTTP2() || transport.Proxy == nil {
		t.Errorf("got %+v", transport)
	}
}

func TestCustomHeaders(t *testing.T) {
	server := prefecttest.NewServer(t, prefecttest.WithCSRF())
	client := newClient(t, server, func(c *prefectapi.Config) {
		c.Headers = map[string]string{
			"x-team": "data", "Accept": "application/json, */*",
			"user-agent": "mine", "PREFECT-CSRF-TOKEN": "mine", "Prefect-Csrf-Client": "mine",
		}
	})
	if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
		t.Fatal(err)
	}
	for _, r := range server.Requests() {
		if r.Header.Get("X-Team") != "data" || r.Header.Get("Accept") != "application/json, */*" {
			t.Errorf("%s %s: %v", r.Method, r.Path, r.Header)
		}
		for _, ignored := range []string{"User-Agent", "Prefect-Csrf-Token", "Prefect-Csrf-Client"} {
			if !prefectapi.IgnoredHeader(ignored) || r.Header.Get(ignored) == "mine" {
				t.Errorf("%s is sent", ignored)
			}
		}
	}
}

func TestHeadersThatCannotBeSentAreNamedWithoutTheirValues(t *testing.T) {
	for name, want := range map[string]string{
		"": `""`, "a b": `"a b"`, "X-Größe": `"X-Größe"`, "Content-Length": "Content-Length", "content-type": "content-type",
		"Host": "Host", "Transfer-Encoding": "Transfer-Encoding", "X-Break": "X-Break",
	} {
		value := secret
		if name == "X-Break" {
			value += "\r\nX-More: 1"
		}
		_, err := prefectapi.New(prefectapi.Config{APIURL: "http://prefect.test/api", Headers: map[string]string{name: value}})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: got %v", name, err)
		}
	}
	_, err := prefectapi.New(prefectapi.Config{APIURL: "bad", APIKey: secret + "\n", UserAgent: "a\x00", Timeout: -1})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"API URL", "API key", "user agent", "timeout"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks the %s", err, want)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the secret is told: %v", err)
	}
}
