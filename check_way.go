// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectlogs

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
)

// This file has the steps on the way to the server. They look at one request, GET /health.

// brokeAt names the step at which a request broke off; "" where an answer came.
func brokeAt(p prefectapi.Probe) string {
	dial, isNet := errors.AsType[*net.OpError](p.Err)
	_, isDNS := errors.AsType[*net.DNSError](p.Err)
	switch {
	case p.BadProxy:
		return "proxy"
	case p.Err == nil:
		return ""
	case isDNS || p.Name != "" && len(p.Addresses) == 0:
		return "dns"
	case len(p.Dialed) > 0 && p.Connected == "", isNet && dial.Op == "dial":
		return "tcp"
	case p.ProxyStatus != 0 && p.ProxyStatus != http.StatusOK:
		return "proxy"
	case p.Handshake && p.TLS == "", isTLS(p.Err):
		return "tls"
	}
	return "api"
}

func isTLS(err error) bool {
	_, isAlert := errors.AsType[tls.AlertError](err)
	return isAlert || errors.Is(err, http.ErrSchemeMismatch)
}

// checkProxy says whether requests take a proxy.
func (c *checker) checkProxy(ctx context.Context) Step {
	p := c.reach(ctx)
	const name = "the proxy's variables are HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in upper or lower case"
	switch {
	case p.BadProxy:
		return stepFail("which proxy to take cannot be told", "correct the transport of the program; within CGI (REQUEST_METHOD is set) HTTP_PROXY is refused")
	case p.Proxy == "":
		return stepOK("none%s", c.unusedProxy())
	case p.ProxyStatus == http.StatusProxyAuthRequired, p.Status == http.StatusProxyAuthRequired:
		return stepFail("the proxy "+p.Proxy+" asks for credentials (407)", "write them into its address, http://user:password@host:port; "+name)
	case brokeAt(p) == "proxy":
		return stepFail(fmt.Sprintf("the proxy %s lets nothing through to %s (%d)", p.Proxy, c.host(), p.ProxyStatus),
			"have the proxy allow it, or name the server in NO_PROXY; "+name)
	}
	return stepOK("requests go through the proxy %s (%s)", p.Proxy, c.proxyOrigin())
}

// unusedProxy tells of a proxy in the environment that does not count here.
func (c *checker) unusedProxy() string {
	if c.resolved.Client.Transport != nil {
		return ""
	}
	name := c.proxyOrigin()
	if cmp.Or(os.Getenv(name), os.Getenv(strings.ToLower(name))) == "" {
		return ""
	}
	return fmt.Sprintf(": %s is set, and does not count for %s, be it for NO_PROXY, because it is this machine, or because its address cannot be read", name, c.host())
}

func (c *checker) proxyOrigin() string {
	switch {
	case c.resolved.Client.Transport != nil, c.resolved.Client.Connection.Proxy != "":
		return "option of the program"
	case strings.HasPrefix(c.client.Target(), "https:"):
		return "HTTPS_PROXY"
	}
	return "HTTP_PROXY"
}

// target is the address of the API, which is known to be one.
func (c *checker) target() url.URL {
	api, err := url.Parse(c.client.Target())
	if err != nil {
		return url.URL{}
	}
	return *api
}

func (c *checker) host() string {
	api := c.target()
	return api.Host
}

// peer is what a connection is made to, in words.
func (c *checker) peer(p prefectapi.Probe) (what, setting string) {
	if p.Proxy != "" {
		return "the proxy " + p.Proxy, "the address of the proxy (" + c.proxyOrigin() + "), or name the server in NO_PROXY"
	}
	return c.host(), "host and port in PREFECT_API_URL"
}

func (c *checker) checkDNS(ctx context.Context) Step {
	p := c.reach(ctx)
	api := c.target()
	what, setting := c.peer(p)
	if brokeAt(p) == "dns" {
		if dns, isDNS := errors.AsType[*net.DNSError](p.Err); isDNS {
			return stepFail(fmt.Sprintf("the name of %s is not known here: %v", what, dns), "correct "+setting+"; names within Docker or Kubernetes are known only there")
		}
		return stepFail("no name server answered for "+what, "see to the name servers of this machine, or correct "+setting)
	}
	switch {
	case len(p.Addresses) > 0:
		return stepOK("%s is %s", p.Name, strings.Join(p.Addresses, ", "))
	case p.Proxy == "" && net.ParseIP(api.Hostname()) != nil:
		return stepSkipped(api.Hostname() + " is an address, not a name")
	}
	return stepSkipped("no name was looked up")
}

func (c *checker) checkTCP(ctx context.Context) Step {
	p := c.reach(ctx)
	what, setting := c.peer(p)
	if brokeAt(p) != "tcp" {
		if p.Connected == "" {
			return stepSkipped("the transport of the program does not tell")
		}
		return stepOK("connected to %s", p.Connected)
	}
	dial, isNet := errors.AsType[*net.OpError](p.Err)
	if !isNet || dial.Timeout() {
		return stepFail("no answer from "+what, "see whether a firewall is between, and correct "+setting)
	}
	return stepFail(fmt.Sprintf("no connection to %s: %v", what, dial), "see whether it is running and listens there, or correct "+setting)
}

func (c *checker) checkTLS(ctx context.Context) Step {
	p := c.reach(ctx)
	api := c.target()
	if api.Scheme == "http" {
		// What servers do with plain http on such a port: nothing, a 400, or a redirect.
		if p.Err != nil || p.Status == http.StatusBadRequest || p.Status/100 == 3 {
			api.Scheme = "https"
			if at := c.stranger(ctx, api); at.TLS != "" {
				return stepFail(c.host()+" speaks TLS, and PREFECT_API_URL begins with http", "set PREFECT_API_URL to "+api.String())
			}
		}
		return stepSkipped("PREFECT_API_URL is plain http")
	}
	if brokeAt(p) != "tls" {
		if p.TLS == "" {
			return stepSkipped("the transport of the program does not tell")
		}
		return stepOK("%s, and the certificate is trusted", p.TLS)
	}
	return c.distrusted(p.Err)
}

// distrusted says why a handshake failed. Of errors only those are shown that tell of certificates.
func (c *checker) distrusted(err error) Step {
	const trust = "set PREFECT_API_SSL_CERT_FILE to a PEM file of the authority that signed it"
	unknown, isUnknown := errors.AsType[x509.UnknownAuthorityError](err)
	name, isName := errors.AsType[x509.HostnameError](err)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	alert, isAlert := errors.AsType[tls.AlertError](err)
	verification, isVerification := errors.AsType[*tls.CertificateVerificationError](err)
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	plain := c.target()
	plain.Scheme = "http"
	switch {
	case isUnknown:
		return stepFail(fmt.Sprintf("the certificate of %s is not trusted: %v", c.host(), unknown), trust)
	case isName:
		return stepFail(fmt.Sprintf("the certificate of %s is for another name: %v", c.host(), name), "use a name in PREFECT_API_URL that the certificate has, or have it made out for this one")
	case isInvalid && invalid.Reason == x509.Expired:
		return stepFail(fmt.Sprintf("the certificate of %s: %v", c.host(), invalid), "renew the certificate, or set the clock of this machine")
	case isVerification:
		return stepFail(fmt.Sprintf("the certificate of %s is not trusted: %v", c.host(), verification), trust)
	case isRecord, errors.Is(err, http.ErrSchemeMismatch):
		return stepFail(c.host()+" does not speak TLS, and PREFECT_API_URL begins with https", "set PREFECT_API_URL to "+plain.String())
	case isAlert:
		return stepFail(fmt.Sprintf("%s ends the handshake: %v", c.host(), alert), "if it asks for a client's certificate, give one in the program: exporter.WithConnection with CertFile and KeyFile")
	}
	return stepFail("the handshake with "+c.host()+" broke off", "see whether it speaks TLS on this port, and whether something between ends the connection")
}

// strangerTimeout bounds a request that only has to confirm what is likely.
const strangerTimeout = 5 * time.Second

// stranger asks another address for its health, without credentials, whatever its certificate.
func (c *checker) stranger(ctx context.Context, api url.URL) prefectapi.Probe {
	config := prefectapi.Config{APIURL: api.String(), Timeout: strangerTimeout, Transport: c.resolved.Client.Transport}
	if config.Transport == nil {
		config.Connection = prefectapi.Connection{Proxy: c.resolved.Client.Connection.Proxy, InsecureSkipVerify: true}
	}
	client, err := prefectapi.New(config)
	if err != nil {
		return prefectapi.Probe{Err: err}
	}
	return client.Probe(ctx, "/health")
}

// isHealthy reports whether an answer is that of Prefect's /health.
func isHealthy(p prefectapi.Probe) bool {
	return p.Status == http.StatusOK && !p.Page && strings.TrimSpace(p.Answer) == "true"
}

// checkAPI says whether it is Prefect's API that answers.
func (c *checker) checkAPI(ctx context.Context) Step {
	p := c.reach(ctx)
	if isHealthy(p) {
		return stepOK("Prefect's API answers at %s", c.client.Target())
	}
	if p.Err != nil {
		return stepFail("the connection is there, and no answer comes: "+p.Err.Error(), "see whether the server is well, and whether it is Prefect that listens there")
	}
	if p.Status >= http.StatusInternalServerError {
		return stepFail("the server or a proxy before it answers "+statusText(p.Status), "see the log of the server; 502, 503 and 504 are mostly of a proxy that does not reach it"+c.throughProxy(p))
	}
	refused, _ := errors.AsType[*prefectapi.Error](c.ask(ctx))
	switch {
	case refused == nil:
		return stepOK("an API answers at %s", c.client.Target())
	case refused.Status == http.StatusUnauthorized, refused.Status == http.StatusForbidden && !p.Page:
		return stepOK("something that asks for credentials answers at %s", c.client.Target())
	}
	found := fmt.Sprintf("there is no API of Prefect at %s: it answers %s", c.client.Target(), statusText(p.Status))
	if p.Page {
		found = fmt.Sprintf("at %s a web page answers (%s), and not Prefect's API", c.client.Target(), statusText(p.Status))
	}
	switch where, api := c.elsewhere(ctx), c.target(); {
	case where != "":
		return stepFail(found+"; there is one at "+where, "set PREFECT_API_URL to "+where)
	case p.Status/100 == 3:
		return stepFail(found, "set PREFECT_API_URL to the final address: redirects to another server are not followed")
	case c.isCloud():
		return stepFail(found, c.correctPath())
	case p.Page:
		return stepFail(found, "see whether a login or a proxy is in the way"+c.throughProxy(p)+", and that PREFECT_API_URL ends in /api")
	case !hasAPI(&api):
		return stepFail(found, "PREFECT_API_URL mostly ends in /api")
	}
	return stepFail(found, c.correctPath())
}

func (c *checker) correctPath() string {
	if c.isCloud() {
		return "check the ids of account and workspace in PREFECT_API_URL, which prefect cloud workspace set writes into the active profile"
	}
	return "correct the path in PREFECT_API_URL: it ends in /api, or for Prefect Cloud in /workspaces/ID"
}

// elsewhere looks where on the same server the API mostly is; "" where it is not there.
func (c *checker) elsewhere(ctx context.Context) string {
	if c.isCloud() {
		return "" // there the API without a workspace answers too
	}
	api := c.target()
	var paths []string
	if before, _, within := strings.Cut(api.Path, "/api/"); within {
		paths = append(paths, before+"/api")
	} else if !hasAPI(&api) {
		paths = append(paths, api.Path+"/api")
	}
	tried := []string{api.Path}
	for _, path := range append(paths, "/api") {
		guess := api
		guess.Path = path
		if !slices.Contains(tried, path) && isHealthy(c.stranger(ctx, guess)) {
			return guess.String()
		}
		tried = append(tried, path)
	}
	return ""
}

func (c *checker) throughProxy(p prefectapi.Probe) string {
	if p.Proxy == "" {
		return ""
	}
	return " (requests go through the proxy " + p.Proxy + ", " + c.proxyOrigin() + ")"
}

func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}
