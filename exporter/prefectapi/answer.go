// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"context"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// Bounds of what is read of an answer that only has to be got rid of, so that its
// connection can be used again.
const (
	maxDrain  = 64 << 10
	drainTime = time.Second
)

// maxSmall is how much is read of an answer that is told by a few words.
const maxSmall = 4 << 10

// maxRetryAfter is the longest wait that an answer can ask for.
const maxRetryAfter = 5 * time.Minute

// failure is the error of an exchange without an answer.
func (c *Client) failure(ctx context.Context, err error, written bool) *Error {
	e := &Error{Kind: KindNetwork, Ambiguous: written, Err: err, host: c.api.Host}
	if cause := context.Cause(ctx); cause != nil {
		e.Err, e.given = cause, true
	}
	return e
}

// answer turns an answer that is no success into an error.
func (c *Client) answer(response *http.Response, records int) *Error {
	e := &Error{
		Kind:       kindOf(response.StatusCode),
		Status:     response.StatusCode,
		RetryAfter: retryAfter(response.Header.Get("Retry-After"), time.Now()),
		Ambiguous:  response.StatusCode >= 500,
		host:       c.api.Host,
	}
	switch {
	case response.StatusCode == http.StatusForbidden:
		if wantsCSRF(response.Body) {
			e.Err = errCSRF
		}
	case response.StatusCode == http.StatusUnprocessableEntity:
		if e.Positions = refusedPositions(response.Body, records); len(e.Positions) > 0 {
			e.Kind = KindRecords
		}
	case response.StatusCode >= 500:
		e.Ended = isOwnFailure(response.Body)
	case response.StatusCode < 300:
		e.Kind, e.Err = KindAccess, errPage
	}
	return e
}

// isPage reports whether an answer is a page for people, such as a login: no
// Prefect answers the API with one, whatever the status.
func isPage(response *http.Response) bool {
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return err == nil && kind == "text/html"
}

// isOwnFailure reports whether the body of a 5xx is what Prefect's handler of
// exceptions writes (server/api/server.py), rather than a proxy before it.
func isOwnFailure(body io.Reader) bool {
	const begins = `{"exception_message"`
	start := make([]byte, len(begins))
	_, err := io.ReadFull(body, start)
	return err == nil && string(start) == begins
}

// retryAfter reads the header, in seconds or as a date. Nonsense is as good as
// no header.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		switch {
		case seconds >= maxRetryAfter.Seconds():
			return maxRetryAfter
		case seconds > 0:
			return time.Duration(seconds * float64(time.Second))
		}
		return 0
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// closeBody reads the end of a short body, so that the connection is used again.
// cancel ends the exchange; a body that does not end in time goes with it.
func closeBody(body io.ReadCloser, cancel context.CancelFunc) {
	late := time.AfterFunc(drainTime, cancel)
	defer late.Stop()
	_, _ = io.CopyN(io.Discard, body, maxDrain) // the answer is known already
	_ = body.Close()                            // nothing was to be written
}
