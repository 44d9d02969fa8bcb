// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Kind says what an answer means for the records of the request.
type Kind uint8

// The kinds of answers that are errors. See the table of the package.
const (
	KindNetwork  Kind = iota // no answer came
	KindRecords              // the server names the records it does not take
	KindRequest              // the server does not take the request and names no record
	KindConflict             // the server's database refuses the request
	KindTooLarge             // the body is too large for the server or a proxy
	KindAccess               // credentials, path or address are wrong
	KindBusy                 // the server asks to come again later
	KindServer               // the server failed
)

// Error is an answer that is not a success, or that did not come.
type Error struct {
	Kind   Kind
	Status int // HTTP status; 0: no answer came

	// RetryAfter is how long the server asks to wait, at most five minutes; 0
	// where it does not say.
	RetryAfter time.Duration

	// Positions of the refused records in the request, in order, for KindRecords.
	Positions []int

	// Ambiguous: the request may have been stored although no success was
	// answered: it was written, in part or whole, before the exchange broke, or
	// the answer is a 5xx, which may hide a commit.
	Ambiguous bool

	// Ended, of an ambiguous answer: it is Prefect's own, written when its work on
	// the request had ended. What it has not stored by now it will not store later,
	// as it may behind the answer of a proxy.
	Ended bool

	// Err is the cause where no answer came, or what is wrong beside the status;
	// may be nil.
	Err error

	host    string
	reading string // what, in place of posting logs
	given   bool   // Err is the caller's own reason to end the exchange, or our time-out
}

// Error tells what happened and what to do about it. It holds no credentials
// and nothing of the bodies.
func (e *Error) Error() string {
	parts := []string{"posting logs to " + e.host}
	if e.reading != "" {
		parts[0] = "reading " + e.reading + " of " + e.host
	}
	if e.Status != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	if e.Err != nil {
		text := e.Err.Error()
		if !e.given {
			text = describe(e.Err)
		}
		parts = append(parts, text)
	}
	if hint := e.hint(); hint != "" {
		parts = append(parts, hint)
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause where no answer came.
func (e *Error) Unwrap() error { return e.Err }

// TimedOut reports whether the server did not answer, or was not reached, within the request time-out, or
// says so itself of the request (408).
func (e *Error) TimedOut() bool {
	return e.Status == http.StatusRequestTimeout || errors.Is(e.Err, errNoAnswer)
}

// WantsCSRF reports whether the server refused a request for want of a CSRF token, although one was fetched.
func (e *Error) WantsCSRF() bool { return errors.Is(e.Err, errCSRF) || errors.Is(e.Err, errNoToken) }

func (e *Error) hint() string {
	switch e.Status {
	case http.StatusUnauthorized:
		return "check PREFECT_API_KEY or PREFECT_API_AUTH_STRING"
	case http.StatusForbidden:
		if e.WantsCSRF() {
			return "see whether a proxy takes the header " + csrfTokenHeader + " away"
		}
		return "check that the credentials may write to this server or workspace"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return "check PREFECT_API_URL, which ends in /api or in /workspaces/ID"
	case http.StatusRequestEntityTooLarge:
		return "a proxy or Prefect Cloud takes no body of this size; lower the batch size (PREFECT_LOGGING_TO_API_BATCH_SIZE)"
	case http.StatusProxyAuthRequired:
		return "check the credentials of the proxy"
	case http.StatusTooManyRequests:
		return "the rate limit of the server or the plan is reached"
	case http.StatusServiceUnavailable:
		return "the server is overloaded, or its database is locked"
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return "a proxy does not reach the server"
	case http.StatusInternalServerError:
		return "see the log of the server"
	}
	switch {
	case e.Status >= 300 && e.Status < 400:
		return "the server redirects elsewhere; set PREFECT_API_URL to the final address"
	case errors.Is(e.Err, errPage):
		return "check that PREFECT_API_URL leads to Prefect and not to a login or a proxy"
	case isDistrusted(e.Err):
		return "check PREFECT_API_URL, and set PREFECT_API_SSL_CERT_FILE where the authority is one of your own"
	case e.Kind == KindNetwork && !e.Ambiguous && !e.given:
		return "check PREFECT_API_URL and that the server is running"
	}
	return ""
}

// isDistrusted reports whether the certificate is what is wrong.
func isDistrusted(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// kindOf is the table of statuses.
func kindOf(status int) Kind {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return KindRequest
	case http.StatusConflict:
		return KindConflict
	case http.StatusRequestEntityTooLarge:
		return KindTooLarge
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return KindBusy
	}
	if status >= 500 {
		return KindServer
	}
	return KindAccess // of the rest no record is to blame
}

// describe tells an error of the network. Of net/http's own errors some quote what
// the server sent, which may be what it was sent: only errors that
// cannot do that are told in their own words.
func describe(err error) string {
	switch {
	case errors.Is(err, errNoAnswer), errors.Is(err, errCSRF), errors.Is(err, errNoToken), errors.Is(err, errPage), errors.Is(err, errBrokenAnswer),
		errors.Is(err, errTooMany), errors.Is(err, errNoFlowRun), errors.Is(err, errBrokenRuns):
		return err.Error()
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the connection was closed before the answer had come"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "the server speaks http where https is asked for"
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		return failed.Error()
	}
	if failed, ok := errors.AsType[*net.DNSError](err); ok {
		return failed.Error()
	}
	if failed, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return failed.Error()
	}
	if failed, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return failed.Error()
	}
	if failed, ok := errors.AsType[x509.HostnameError](err); ok {
		return failed.Error()
	}
	if failed, ok := errors.AsType[tls.AlertError](err); ok {
		return failed.Error()
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the server does not speak TLS"
	}
	if failed, ok := errors.AsType[net.Error](err); ok && failed.Timeout() {
		return "timed out"
	}
	return "the exchange broke off"
}
