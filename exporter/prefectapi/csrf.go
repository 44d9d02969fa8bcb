// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// errCSRF: the server wants a CSRF token that it has not seen or that has
// expired. It answers 403 for both.
var errCSRF = errors.New("the server wants a CSRF token")

// csrf is the token of one client. Servers that protect against cross-site
// requests hand out one token per client id; a second one makes the first void.
type csrf struct {
	client string

	mu      sync.Mutex // guards token
	token   string
	refresh chan struct{} // holds one element while nobody fetches a token
}

func newCSRF() csrf {
	refresh := make(chan struct{}, 1)
	refresh <- struct{}{}
	return csrf{client: newClientID(), refresh: refresh}
}

// newClientID returns a random UUID.
func newClientID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says package rand
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (c *csrf) apply(request *http.Request) {
	c.mu.Lock()
	token := c.token
	c.mu.Unlock()
	if token != "" {
		request.Header.Set("Prefect-Csrf-Token", token)
		request.Header.Set("Prefect-Csrf-Client", c.client)
	}
}

// refreshCSRF fetches a new token, one fetch at a time.
func (c *Client) refreshCSRF(ctx context.Context) error {
	select {
	case <-c.csrf.refresh:
	case <-ctx.Done():
		return c.failure(ctx, ctx.Err(), false)
	}
	defer func() { c.csrf.refresh <- struct{}{} }()

	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no CSRF token within %v", c.timeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.api.String()+"/csrf-token?client="+url.QueryEscape(c.csrf.client), nil)
	if err != nil {
		return c.failure(ctx, err, false)
	}
	c.authorize(request)
	response, err := c.http.Do(request)
	if err != nil {
		return c.failure(ctx, err, false)
	}
	defer closeBody(response.Body)
	if response.StatusCode != http.StatusOK {
		return c.answer(response, 0)
	}
	var answer struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxDrain)).Decode(&answer); err != nil || answer.Token == "" {
		return &Error{Kind: KindAccess, Status: response.StatusCode, Err: errors.New("the answer to the request for a CSRF token holds none"), host: c.api.Host}
	}
	c.csrf.mu.Lock()
	c.csrf.token = answer.Token
	c.csrf.mu.Unlock()
	return nil
}

// wantsCSRF reports whether the body of a 403 speaks of a CSRF token: missing,
// invalid, or its client identifier missing.
func wantsCSRF(body io.Reader) bool {
	text, _ := io.ReadAll(io.LimitReader(body, 4<<10)) // what was read before an error is enough
	lower := strings.ToLower(string(text))
	return strings.Contains(lower, "csrf token") || strings.Contains(lower, "missing client identifier")
}

func basic(auth string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(auth))
}
