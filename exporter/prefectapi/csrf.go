// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

const (
	csrfTokenHeader  = "Prefect-Csrf-Token"
	csrfClientHeader = "Prefect-Csrf-Client"
)

// csrf is the token of one client. Servers that protect against cross-site
// requests hand out one token per client id; a second one makes the first void.
type csrf struct {
	client   string
	fetching chan struct{} // holds one element while nobody fetches a token

	mu    sync.Mutex // guards token
	token string
}

func newCSRF() csrf {
	fetching := make(chan struct{}, 1)
	fetching <- struct{}{}
	return csrf{client: newClientID(), fetching: fetching}
}

// newClientID returns a random UUID.
func newClientID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says package rand
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// current returns the token in use, "" for none: then none is sent, which is right
// for all servers that do not ask for one.
func (c *csrf) current() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token
}

// UsesCSRF reports whether the server has asked for a CSRF token so far, and has given one.
func (c *Client) UsesCSRF() bool { return c.csrf.current() != "" }

func (c *csrf) set(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = token
}

// newToken returns a token other than the one that the server refused. One caller
// at a time fetches; the others then use what it got, since a
// second fetch would make that token void.
func (c *Client) newToken(ctx context.Context, refused string) (string, error) {
	select {
	case <-c.csrf.fetching:
	case <-ctx.Done():
		return "", c.failure(ctx, ctx.Err(), false)
	}
	defer func() { c.csrf.fetching <- struct{}{} }()
	if token := c.csrf.current(); token != refused {
		return token, nil
	}
	token, err := c.fetchToken(ctx)
	if err == nil {
		c.csrf.set(token)
	}
	return token, err
}

func (c *Client) fetchToken(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no CSRF token: %w within %v", errNoAnswer, c.timeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.api.String()+"/csrf-token?client="+url.QueryEscape(c.csrf.client), nil)
	if err != nil {
		return "", c.failure(ctx, err, false)
	}
	c.prepare(request, "")
	response, err := c.http.Do(request)
	if err != nil {
		return "", c.failure(ctx, err, false)
	}
	defer closeBody(response.Body, cancel)
	if response.StatusCode != http.StatusOK {
		failed := c.answer(response, 0)
		failed.Ambiguous = false // it was no request that stores anything
		if failed.Kind != KindBusy && failed.Kind != KindServer {
			failed.Kind = KindAccess // whatever is wrong with it is not wrong with the logs
		}
		return "", failed
	}
	var answer struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxDrain)).Decode(&answer); err != nil || answer.Token == "" {
		return "", &Error{Kind: KindAccess, Status: response.StatusCode, Err: errNoToken, host: c.api.Host}
	}
	return answer.Token, nil
}

// Causes that are our own words.
var (
	// errCSRF: the server wants a CSRF token that it has not seen or that has
	// expired. It answers 403 for both.
	errCSRF     = errors.New("the server wants a CSRF token")
	errNoToken  = errors.New("the answer to the request for a CSRF token holds none")
	errPage     = errors.New("the answer is a web page")
	errNoAnswer = errors.New("no answer")
)

// wantsCSRF reports whether the body of a 403 speaks of a CSRF token: missing,
// invalid, or its client identifier missing.
func wantsCSRF(body io.Reader) bool {
	text, _ := io.ReadAll(io.LimitReader(body, maxSmall)) // what was read before an error is enough
	lower := strings.ToLower(string(text))
	return strings.Contains(lower, "csrf token") || strings.Contains(lower, "missing client identifier")
}
