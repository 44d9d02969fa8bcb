// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/own"
)

// DefaultTimeout is how long one request may take in all, as in Prefect's own
// client (PREFECT_API_REQUEST_TIMEOUT).
const DefaultTimeout = 60 * time.Second

// idleTimeout is below the 5 seconds after which Prefect's server closes idle
// connections: a request on a dying connection would fail ambiguously.
const idleTimeout = 4 * time.Second

// maxDrain is how much of an uninteresting body is read so that the connection
// can be used again.
const maxDrain = 64 << 10

// Config says where and how to post. Only APIURL is required.
type Config struct {
	APIURL     string // as PREFECT_API_URL, ".../api"
	APIKey     string // sent as a bearer token
	AuthString string // "user:password", sent by Basic authentication; wins over APIKey, as in Prefect

	Timeout   time.Duration     // of one request; 0: [DefaultTimeout]
	Transport http.RoundTripper // nil: [NewTransport]
}

// Client is a client of one API. It is safe for concurrent use.
type Client struct {
	http          *http.Client
	api           *url.URL
	authorization string
	timeout       time.Duration
	csrf          csrf
}

// New returns a client. It does not reach for the server. The error names what is
// wrong with the address and shows nothing of credentials within it.
func New(config Config) (*Client, error) {
	api, err := parseAPIURL(config.APIURL)
	if err != nil {
		return nil, err
	}
	if config.Timeout < 0 {
		return nil, fmt.Errorf("prefectapi: the request timeout is %v; it must be positive", config.Timeout)
	}
	client := &Client{api: api, timeout: config.Timeout, csrf: newCSRF()}
	if client.timeout == 0 {
		client.timeout = DefaultTimeout
	}
	switch {
	case config.AuthString != "":
		client.authorization = basic(config.AuthString)
	case config.APIKey != "":
		client.authorization = "Bearer " + config.APIKey
	}
	transport := config.Transport
	if transport == nil {
		transport = NewTransport()
	}
	client.http = &http.Client{Transport: transport, CheckRedirect: sameServer}
	return client, nil
}

// NewTransport returns the transport that a client uses by default: one
// connection or two, proxies from the environment, no compression
// (Prefect's server takes no compressed bodies).
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConnsPerHost:   2,
		TLSHandshakeTimeout:   10 * time.Second,
		DisableCompression:    true,
		ExpectContinueTimeout: time.Second,
	}
}

func parseAPIURL(raw string) (*url.URL, error) {
	const want = `want an address such as "http://127.0.0.1:4200/api"`
	if raw == "" {
		return nil, errors.New("prefectapi: the API URL is empty; set PREFECT_API_URL; " + want)
	}
	api, err := url.Parse(strings.TrimRight(strings.TrimSpace(raw), "/"))
	if err != nil {
		return nil, errors.New("prefectapi: the API URL cannot be read; " + want) // err repeats the URL, which may hold a password
	}
	if api.Scheme != "http" && api.Scheme != "https" || api.Host == "" {
		return nil, fmt.Errorf("prefectapi: the API URL %q is not absolute; %s", api.Redacted(), want)
	}
	if api.RawQuery != "" || api.Fragment != "" {
		return nil, fmt.Errorf("prefectapi: the API URL of host %q has a query or a fragment; %s", api.Host, want)
	}
	return api, nil
}

// sameServer follows redirects that keep server and method, as from /logs to
// /logs/. Any other one is an answer: credentials and logs go to no other host.
func sameServer(next *http.Request, via []*http.Request) error {
	first := via[0]
	if next.URL.Host != first.URL.Host || next.URL.Scheme != first.URL.Scheme || next.Method != first.Method || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// Body is what [Client.PostLogs] posts: a JSON list of known length that can be
// read more than once.
type Body interface {
	Size() int           // in bytes
	Records() int        // number of items in the list
	Body() io.ReadCloser // from the beginning
}

// PostLogs posts one request and returns nil if the server has stored it. Any
// other outcome is an [*Error].
func (c *Client) PostLogs(ctx context.Context, body Body) error {
	ctx = own.NewContext(ctx)
	err := c.postLogs(ctx, body)
	if errors.Is(err, errCSRF) {
		if err := c.refreshCSRF(ctx); err != nil {
			return err
		}
		err = c.postLogs(ctx, body)
	}
	return err
}

func (c *Client) postLogs(ctx context.Context, body Body) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no answer within %v", c.timeout))
	defer cancel()
	var written atomic.Bool // the transport writes on a goroutine of its own
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { written.Store(true) },
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.api.String()+"/logs/", body.Body())
	if err != nil {
		return c.failure(ctx, err, false)
	}
	request.ContentLength = int64(body.Size())
	request.GetBody = func() (io.ReadCloser, error) { return body.Body(), nil }
	request.Header.Set("Content-Type", "application/json")
	c.authorize(request)

	response, err := c.http.Do(request)
	if err != nil {
		return c.failure(ctx, err, written.Load())
	}
	defer closeBody(response.Body)
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return nil
	}
	return c.answer(response, body.Records())
}

// Close closes idle connections. The client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// authorize adds what the server may ask for. A server without authentication
// ignores all of it.
func (c *Client) authorize(request *http.Request) {
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", userAgent)
	if c.authorization != "" {
		request.Header.Set("Authorization", c.authorization)
	}
	c.csrf.apply(request)
}

const userAgent = "prefectlogs"

// failure is the error of an exchange without an answer.
func (c *Client) failure(ctx context.Context, err error, written bool) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	} else if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the method and the address, which Error says already
	}
	return &Error{Kind: KindNetwork, Ambiguous: written, Err: err, host: c.api.Host}
}

// answer turns a status that is no success into an error.
func (c *Client) answer(response *http.Response, records int) error {
	e := &Error{
		Kind:       kindOf(response.StatusCode),
		Status:     response.StatusCode,
		RetryAfter: retryAfter(response.Header.Get("Retry-After"), time.Now()),
		Ambiguous:  response.StatusCode >= 500,
		host:       c.api.Host,
	}
	switch response.StatusCode {
	case http.StatusForbidden:
		if wantsCSRF(response.Body) {
			e.Err = errCSRF
		}
	case http.StatusUnprocessableEntity:
		if e.Positions = refusedPositions(response.Body, records); len(e.Positions) > 0 {
			e.Kind = KindRecords
		}
	}
	return e
}

// retryAfter reads the header, in seconds or as a date. Nonsense is as good as
// no header.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if seconds > 0 && seconds < float64(maxRetryAfter/time.Second) {
			return time.Duration(seconds * float64(time.Second))
		}
		if seconds > 0 {
			return maxRetryAfter
		}
		return 0
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// maxRetryAfter is the longest wait that an answer can ask for.
const maxRetryAfter = 5 * time.Minute

// closeBody reads the end of a short body, so that the connection is used again.
func closeBody(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, maxDrain) // the answer is known already
	_ = body.Close()                            // nothing was to be written
}
