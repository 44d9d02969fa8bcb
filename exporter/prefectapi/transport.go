// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// idleTimeout is below the 5 seconds after which Prefect's server closes idle
// connections: a request on a dying connection would fail ambiguously.
const idleTimeout = 4 * time.Second

// Connection says how to reach a server. The zero value is right for most.
type Connection struct {
	// CAFile is a PEM file of the authorities that are trusted in place of the
	// system's, as PREFECT_API_SSL_CERT_FILE.
	CAFile string

	// CertFile and KeyFile are PEM files of the client's certificate and its key,
	// for servers and proxies that ask for one. Both or none.
	CertFile string
	KeyFile  string

	// InsecureSkipVerify trusts any server, as
	// PREFECT_API_TLS_INSECURE_SKIP_VERIFY: credentials and logs can then be read
	// by whoever answers.
	InsecureSkipVerify bool

	// Proxy is the URL of a proxy (http, https or socks5), which may hold
	// credentials for it. Empty: HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the
	// environment. ALL_PROXY is not looked at.
	Proxy string
}

// NewTransport returns a transport for one server: one connection or two,
// HTTP/1.1 as Prefect's own client by default, nothing compressed (Prefect's server
// takes no compressed bodies). All problems are returned in one error, which names
// files but nothing of their content.
func NewTransport(connection Connection) (*http.Transport, error) {
	var problems []error
	config, err := tlsConfig(connection)
	problems = append(problems, err)
	proxy := http.ProxyFromEnvironment
	if connection.Proxy != "" {
		address, err := parseProxy(connection.Proxy)
		problems = append(problems, err)
		proxy = http.ProxyURL(address)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:               proxy,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: 10 * time.Second,
		Protocols:           protocols,
		IdleConnTimeout:     idleTimeout,
		MaxIdleConnsPerHost: 2,
		DisableCompression:  true,
	}, nil
}

func tlsConfig(connection Connection) (*tls.Config, error) {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: connection.InsecureSkipVerify, // the user's own, documented choice
	}
	var problems []error
	if connection.CAFile != "" {
		config.RootCAs = x509.NewCertPool()
		pem, err := os.ReadFile(connection.CAFile)
		if err != nil {
			problems = append(problems, fmt.Errorf("prefectapi: the file of certificate authorities: %w", err))
		} else if !config.RootCAs.AppendCertsFromPEM(pem) {
			problems = append(problems, fmt.Errorf("prefectapi: the file of certificate authorities %s holds no certificate in PEM form", connection.CAFile))
		}
	}
	if (connection.CertFile == "") != (connection.KeyFile == "") {
		problems = append(problems, errors.New("prefectapi: of the client's certificate and its key only one is set; both are needed"))
	} else if connection.CertFile != "" {
		certificate, err := tls.LoadX509KeyPair(connection.CertFile, connection.KeyFile)
		if err != nil {
			problems = append(problems, fmt.Errorf("prefectapi: the client's certificate %s with key %s: %w", connection.CertFile, connection.KeyFile, err))
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, errors.Join(problems...)
}

func parseProxy(raw string) (*url.URL, error) {
	const want = `want an address such as "http://proxy:3128"`
	address, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("prefectapi: the URL of the proxy cannot be read; " + want) // err repeats it, with its password
	}
	switch strings.ToLower(address.Scheme) {
	case "http", "https", "socks5", "socks5h":
		if address.Hostname() != "" {
			return address, nil
		}
	}
	return nil, errors.New("prefectapi: the URL of the proxy is not absolute, or neither http, https nor socks5; " + want)
}
