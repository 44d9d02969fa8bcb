// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"fmt"
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

	// RetryAfter is how long the server asks to wait; 0 where it does not say.
	RetryAfter time.Duration

	// Positions of the refused records in the request, for KindRecords.
	Positions []int

	// Ambiguous: the request may have been stored although no success was
	// answered, since it was written, in part or whole, before the exchange broke.
	Ambiguous bool

	// Err is the cause where no answer came; nil otherwise.
	Err error

	host string
}

// Error tells what happened and what to do about it. It holds no credentials
// and nothing of the bodies.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "posting logs to %s: ", e.host)
	if e.Status != 0 {
		fmt.Fprintf(&b, "%d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Err != nil {
		if e.Status != 0 {
			b.WriteString(": ")
		}
		b.WriteString(e.Err.Error())
	}
	if hint := e.hint(); hint != "" {
		b.WriteString(": ")
		b.WriteString(hint)
	}
	return b.String()
}

// Unwrap returns the cause where no answer came.
func (e *Error) Unwrap() error { return e.Err }

func (e *Error) hint() string {
	switch e.Status {
	case http.StatusUnauthorized:
		return "check PREFECT_API_KEY or PREFECT_API_AUTH_STRING"
	case http.StatusForbidden:
		return "check that the credentials may write to this server or workspace"
	case http.StatusNotFound:
		return "check PREFECT_API_URL, which ends in /api or in /workspaces/ID"
	case http.StatusRequestEntityTooLarge:
		return "a proxy or Prefect Cloud takes no body of this size; lower the batch size"
	}
	if e.Status >= 300 && e.Status < 400 {
		return "the server redirects elsewhere; set PREFECT_API_URL to the final address"
	}
	if e.Status == 0 && !e.Ambiguous {
		return "check PREFECT_API_URL and that the server is running"
	}
	return ""
}

// kindOf is the table of statuses.
func kindOf(status int) Kind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound,
		status >= 300 && status < 400:
		return KindAccess
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return KindBusy
	case status == http.StatusConflict:
		return KindConflict
	case status == http.StatusRequestEntityTooLarge:
		return KindTooLarge
	case status >= 500:
		return KindServer
	default:
		return KindRequest
	}
}
