// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/own"
)

// DefaultTimeout is how long one request may take in all, as in Prefect's own
// client (PREFECT_API_REQUEST_TIMEOUT).
const DefaultTimeout = 60 * time.Second

// Config says where and how to post. Only APIURL is required.
type Config struct {
	APIURL     string // as PREFECT_API_URL, ".../api"
	APIKey     string // sent as a bearer token
	AuthString string // "user:password", sent by Basic authentication; wins over APIKey, as in Prefect

	// Headers are sent with every request and win over all credentials above, as
	// PREFECT_CLIENT_CUSTOM_HEADERS does. Those that [IgnoredHeader] names are
	// left out; one that would change what a request is makes [New] fail.
	Headers map[string]string

	// UserAgent stands before the product of this module in the header of that
	// name, such as "my-service/1.2"; empty for none.
	UserAgent string

	Timeout time.Duration // of one request in all; 0: [DefaultTimeout]

	// Transport makes the connections; nil: [NewTransport] of Connection. It is
	// an error to set both.
	Transport  http.RoundTripper
	Connection Connection
}

// Client is a client of one API. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	api     *url.URL    // without credentials
	header  http.Header // of every request
	timeout time.Duration
	csrf    csrf
}

// New returns a client. It does not reach for the server. The error names what is
// wrong with the configuration and shows nothing of credentials within it.
func New(config Config) (*Client, error) {
	api, err := parseAPIURL(config.APIURL)
	problems := []error{err}
	if config.Timeout < 0 {
		problems = append(problems, fmt.Errorf("prefectapi: the request timeout is %v; it must be positive", config.Timeout))
	}
	header, err := newHeader(config)
	problems = append(problems, err)
	transport := config.Transport
	if transport == nil {
		transport, err = NewTransport(config.Connection)
		problems = append(problems, err)
	} else if config.Connection != (Connection{}) {
		problems = append(problems, errors.New("prefectapi: both a transport and settings of the connection are given; a transport has its own"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if user := api.User; user != nil {
		api.User = nil
		if password, _ := user.Password(); header.Get("Authorization") == "" {
			header.Set("Authorization", basic(user.Username()+":"+password))
		}
	}
	client := &Client{api: api, header: header, timeout: config.Timeout, csrf: newCSRF()}
	if client.timeout == 0 {
		client.timeout = DefaultTimeout
	}
	client.http = &http.Client{Transport: transport, CheckRedirect: sameServer}
	return client, nil
}

func basic(auth string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(auth))
}

// Target returns the API's address without credentials, to name it.
func (c *Client) Target() string {
	bare := *c.api
	bare.User = nil
	return bare.String()
}

// Close closes idle connections. The client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Body is what [Client.PostLogs] posts: a JSON list of known length that can be
// read more than once.
type Body interface {
	Size() int           // in bytes
	Records() int        // number of items in the list
	Body() io.ReadCloser // from the beginning
}

// loan is a body that is read by nobody once it is over: a transport may go on behind the answer, when the bytes are no
// longer its to read.
type loan struct {
	of   Body
	mu   sync.Mutex // guards over, and is held while bytes are copied
	over bool
}

func (l *loan) Size() int           { return l.of.Size() }
func (l *loan) Records() int        { return l.of.Records() }
func (l *loan) Body() io.ReadCloser { return &lentBody{l.of.Body(), l} }

func (l *loan) end() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
}

type lentBody struct {
	io.ReadCloser
	loan *loan
}

// Read reads from the body, of which nothing is left once the loan is over.
func (b *lentBody) Read(p []byte) (int, error) {
	b.loan.mu.Lock()
	defer b.loan.mu.Unlock()
	if b.loan.over {
		return 0, io.EOF
	}
	return b.ReadCloser.Read(p)
}

// PostLogs posts one request and returns nil if the server has stored it. Any
// other outcome is an [*Error]. The body is not read any more when it returns.
func (c *Client) PostLogs(ctx context.Context, body Body) error {
	lent := &loan{of: body}
	defer lent.end()
	return c.post(ctx, "/logs/", lent, nil)
}

// post sends a body to a path of the API. A success is handed to read, if not
// nil, whose error is one of an exchange without an answer. Any error is an [*Error].
func (c *Client) post(ctx context.Context, path string, body Body, read func(io.Reader) error) error {
	ctx = own.NewContext(ctx)
	token := c.csrf.current()
	err := c.postWith(ctx, token, path, body, read)
	if errors.Is(err, errCSRF) {
		token, fetchErr := c.newToken(ctx, token)
		if fetchErr != nil {
			return fetchErr
		}
		err = c.postWith(ctx, token, path, body, read)
	}
	return err
}

func (c *Client) postWith(ctx context.Context, token, path string, body Body, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("%w within %v", errNoAnswer, c.timeout))
	defer cancel()
	var written atomic.Bool // the transport writes on a goroutine of its own
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { written.Store(true) },
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.api.String()+path, body.Body())
	if err != nil {
		return c.failure(ctx, err, false)
	}
	request.ContentLength = int64(body.Size())
	request.GetBody = func() (io.ReadCloser, error) { return body.Body(), nil }
	c.prepare(request, token)
	request.Header.Set("Content-Type", "application/json")
	if read != nil {
		// Reading again does no harm: the transport may do so by itself when a
		// connection that it reuses turns out to be dead. Nothing of this is sent.
		request.Header["Idempotency-Key"] = []string{}
	}

	response, err := c.http.Do(request)
	if err != nil {
		return c.failure(ctx, err, written.Load())
	}
	if response.StatusCode >= 500 {
		// Prefect's server closes the connection behind such an answer without saying
		// so, and the next request on it would fail ambiguously. A body that is not
		// read to its end makes the transport close it; an empty one does not.
		defer c.http.CloseIdleConnections()
		defer response.Body.Close()
	} else {
		defer closeBody(response.Body, cancel)
	}
	if response.StatusCode < 200 || response.StatusCode >= 300 || isPage(response) {
		return c.answer(response, body.Records())
	}
	if read == nil {
		return nil
	}
	if err := read(response.Body); err != nil {
		return c.failure(ctx, err, true)
	}
	return nil
}

// prepare sets what every request carries. A server without authentication
// ignores the credentials, one without CSRF protection the token.
func (c *Client) prepare(request *http.Request, token string) {
	request.Header = c.header.Clone()
	if token != "" {
		request.Header.Set(csrfTokenHeader, token)
		request.Header.Set(csrfClientHeader, c.csrf.client)
	}
}
