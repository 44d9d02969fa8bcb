// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/prefectlogs/prefectlogs/internal/own"
)

// Probe is how far one request came, for those who look why nothing arrives. What is said
// of names, connections and TLS is of the proxy where there is one, but for the
// handshake, which goes through it.
type Probe struct {
	// Proxy is the proxy that the request had to take, as host and port; "" for none.
	Proxy string
	// BadProxy: the transport cannot tell which proxy to take.
	BadProxy bool
	// ProxyStatus is what the proxy answered when it was asked for a tunnel; 0: it was not asked, or did not answer.
	ProxyStatus int

	Name      string   // that was looked up; "" for none
	Addresses []string // that Name has
	Dialed    []string // addresses to which a connection was tried, in order
	Connected string   // the address that took it; "" for none

	Handshake bool   // a TLS handshake was begun
	TLS       string // the version that was agreed on; "" for none

	Status int       // of the answer; 0 for none
	Page   bool      // the answer is a page for people
	Answer string    // up to 64 bytes of its body: the server's own words, not to be shown unread
	Date   time.Time // when the server wrote it, by its own clock, in whole seconds; zero where it does not say
	Sent   time.Time // when the request began
	Got    time.Time // when the answer came

	// Err is why there is no answer; nil where there is one, whatever its status.
	Err error
}

// maxProbe is how much of an answer a [Probe] shows.
const maxProbe = 64

// Probe gets a path of the API, such as "/health", on a connection of its own and with
// the credentials of the client. It neither tries again nor asks for a CSRF token.
func (c *Client) Probe(ctx context.Context, path string) Probe {
	ctx, cancel := context.WithTimeoutCause(own.NewContext(ctx), c.timeout, fmt.Errorf("%w within %v", errNoAnswer, c.timeout))
	defer cancel()
	var w witness
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, w.trace()), http.MethodGet, c.api.String()+path, nil)
	if err != nil {
		return Probe{Err: c.probed(ctx, err)}
	}
	c.prepare(request, "")
	client, release := c.watched(request, &w)
	defer release()

	w.note(func(p *Probe) { p.Sent = time.Now() })
	response, err := client.Do(request)
	if err != nil {
		w.note(func(p *Probe) { p.Err = c.probed(ctx, err) })
		return w.told()
	}
	defer closeBody(response.Body, cancel)
	answer, _ := io.ReadAll(io.LimitReader(response.Body, maxProbe)) // what came before an error is what there is
	w.note(func(p *Probe) {
		p.Got = time.Now()
		p.Status, p.Page, p.Answer = response.StatusCode, isPage(response), string(answer)
		p.Date, _ = http.ParseTime(response.Header.Get("Date")) // zero for nonsense
	})
	return w.told()
}

func (c *Client) probed(ctx context.Context, err error) *Error {
	failed := c.failure(ctx, err, false)
	failed.reading = "an answer"
	return failed
}

// watched returns the client's HTTP client with a transport that has no connection yet and tells
// of its proxy. A transport of the caller's own that is none of net/http's stays what it is.
func (c *Client) watched(request *http.Request, w *witness) (client *http.Client, release func()) {
	transport, ok := c.http.Transport.(*http.Transport)
	if !ok {
		return c.http, func() {}
	}
	transport = transport.Clone()
	if transport.Proxy != nil {
		proxy, err := transport.Proxy(request)
		w.note(func(p *Probe) {
			if p.BadProxy = err != nil; proxy != nil {
				p.Proxy = proxy.Host
			}
		})
	}
	asked := transport.OnProxyConnectResponse
	transport.OnProxyConnectResponse = func(ctx context.Context, proxy *url.URL, connect *http.Request, answer *http.Response) error {
		w.note(func(p *Probe) { p.ProxyStatus = answer.StatusCode })
		if asked != nil {
			return asked(ctx, proxy, connect, answer)
		}
		return nil
	}
	watched := *c.http
	watched.Transport = transport
	return &watched, transport.CloseIdleConnections
}

// witness notes what the transport does on goroutines of its own, some of which outlive the exchange.
type witness struct {
	mu    sync.Mutex // guards probe
	probe Probe
}

func (w *witness) note(change func(*Probe)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.probe)
}

// told is what is known by now.
func (w *witness) told() Probe {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.probe
	p.Addresses, p.Dialed = slices.Clone(p.Addresses), slices.Clone(p.Dialed)
	return p
}

func (w *witness) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart: func(info httptrace.DNSStartInfo) { w.note(func(p *Probe) { p.Name = info.Host }) },
		DNSDone: func(info httptrace.DNSDoneInfo) {
			w.note(func(p *Probe) {
				for _, address := range info.Addrs {
					p.Addresses = append(p.Addresses, address.String())
				}
			})
		},
		ConnectStart: func(_, address string) { w.note(func(p *Probe) { p.Dialed = append(p.Dialed, address) }) },
		ConnectDone: func(_, address string, err error) {
			if err == nil {
				w.note(func(p *Probe) { p.Connected = address })
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			w.note(func(p *Probe) { p.Connected = info.Conn.RemoteAddr().String() })
		},
		TLSHandshakeStart: func() { w.note(func(p *Probe) { p.Handshake = true }) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			if err == nil {
				w.note(func(p *Probe) { p.TLS = tls.VersionName(state.Version) })
			}
		},
	}
}

// HasFlowRun reports whether the server knows the flow run of an id. An error is an [*Error], as of [Client.FlowRunLabel].
func (c *Client) HasFlowRun(ctx context.Context, flowRunID string) (bool, error) {
	_, err := c.FlowRunLabel(ctx, flowRunID, "")
	if errors.Is(err, errNoFlowRun) {
		return false, nil
	}
	return err == nil, err
}

// HasTaskRun reports whether the server knows the task run of an id, and which flow run it is in, "" for
// none. An error is an [*Error], as of [Client.FlowRunLabel].
func (c *Client) HasTaskRun(ctx context.Context, taskRunID string) (known bool, flowRunID string, err error) {
	body, err := json.Marshal(map[string]any{
		"task_runs": map[string]any{"id": map[string]any{"any_": []string{taskRunID}}},
		"limit":     1,
	})
	if err != nil {
		return false, "", &Error{Kind: KindRequest, Err: errBrokenRuns, host: c.api.Host, reading: "a task run"}
	}
	err = c.post(ctx, "/task_runs/filter", jsonBody(body), func(answer io.Reader) error {
		source := &source{from: io.LimitReader(answer, maxPage)}
		switch {
		case decodeList(source, func(r storedRun) { known, flowRunID = true, r.FlowRunID }):
			return nil
		case source.err != nil:
			return source.err
		}
		return errBrokenRuns
	})
	if failed, ok := errors.AsType[*Error](err); ok {
		failed.reading = "a task run"
		failed.Ambiguous, failed.Ended = false, false // reading stores nothing
		if errors.Is(failed.Err, errBrokenRuns) {
			failed.Kind = KindAccess
		}
	}
	return known, flowRunID, err
}
