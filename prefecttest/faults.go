// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"net/http"
	"strings"
	"time"
)

// Fault is one way for a request to go wrong. It is a value: its methods return a changed copy. Give it to
// [Server.Fault], [Server.FaultAlways] or return it from a [WithHook] function. The zero value changes nothing.
//
// A fault plays on the next POST /logs/ unless [Fault.On] or [Fault.OnAny] says otherwise.
type Fault struct {
	action action
	n      int64         // of CutDuring, CutAnswer: bytes
	late   time.Duration // of CommitLater
	stored bool          // the request is handled before the fault shows

	dropped bool // the connection is closed after the answer

	delay       time.Duration // before the request is handled
	answerDelay time.Duration // between that and the answer

	status int
	header http.Header
	body   []byte

	method, path string // an empty path stands for POST /logs/, an empty method for any
}

type action int

const (
	pass action = iota
	answerStatus
	cutBefore
	cutDuring
	cutAfterCommit
	cutAnswer
	commitLater
	hang
	endless
)

// Status answers with a status and stores nothing. The body is what a proxy might say, in plain text; see [Fault.Body].
// After a 500 the connection is closed, as the real server does after an exception; for others see [Fault.Dropped].
func Status(code int) Fault {
	return Fault{
		action: answerStatus, status: code, body: []byte(http.StatusText(code) + "\n"),
		dropped: code == http.StatusInternalServerError,
	}
}

// Redirect answers with a redirect (301, 302, 303, 307, 308) to a URL, which may be of another host.
func Redirect(code int, url string) Fault {
	return Status(code).Header("Location", url)
}

// Refuse answers 422 and names the records at these indexes, whatever they contain. Nothing is stored. With no
// index the body as a whole is named.
func Refuse(indexes ...int) Fault {
	return refusalOf(indexes, "")
}

// HugeEcho is [Refuse] with at least n bytes of echo.
func HugeEcho(n int, indexes ...int) Fault {
	return refusalOf(indexes, strings.Repeat("x", n))
}

func refusalOf(indexes []int, padding string) Fault {
	var details []detail
	for _, i := range indexes {
		details = append(details, detail{loc: []any{i, "name"}, problem: notText})
	}
	if len(details) == 0 {
		details = []detail{{problem: notList}}
	}
	f := Status(http.StatusUnprocessableEntity).Header("Content-Type", "application/json")
	f.body = refusal(Prefect38, details, value{kind: text, text: padding}).body
	return f
}

// CutBefore closes the connection before the request's body is read. Nothing is stored.
func CutBefore() Fault { return Fault{action: cutBefore} }

// CutDuring closes the connection after n bytes of the request's body. Nothing is stored, not even when the body ends
// earlier.
func CutDuring(n int64) Fault { return Fault{action: cutDuring, n: n} }

// CutAfterCommit handles the request, so its records are stored, and closes the connection instead of answering.
func CutAfterCommit() Fault { return Fault{action: cutAfterCommit, stored: true} }

// CutAnswer handles the request and closes the connection after n bytes of the answer's body.
func CutAnswer(n int64) Fault { return Fault{action: cutAnswer, n: n, stored: true} }

// CommitLater reads the request, closes the connection at once, and stores the records d later.
func CommitLater(d time.Duration) Fault { return Fault{action: commitLater, late: d} }

// Hang reads the request, stores nothing and never answers. The connection stays open until the client leaves or the
// server is closed. With [Fault.Stored] the records are stored first.
func Hang() Fault { return Fault{action: hang} }

// Endless handles the request and answers with its status and a body that never ends.
func Endless() Fault { return Fault{action: endless, stored: true} }

// Delay handles the request d later than it came, and then answers as usual: the records are stored even if the client
// has left meanwhile, and cannot be read before.
func Delay(d time.Duration) Fault { return Fault{delay: d} }

// DelayAnswer handles the request at once, so that its records are stored, and answers d later.
func DelayAnswer(d time.Duration) Fault { return Fault{answerDelay: d} }

// Delayed lets d pass before the fault shows, and before anything is stored.
func (f Fault) Delayed(d time.Duration) Fault {
	f.delay = d
	return f
}

// Stored handles the request before the fault shows, so its records are stored: a gateway's 504 for a server that was
// only slow.
func (f Fault) Stored() Fault {
	f.stored = true
	return f
}

// Dropped closes the connection after the answer, and no header says so: what the real server does after an exception,
// which on PostgreSQL may be a 503.
func (f Fault) Dropped() Fault {
	f.dropped = true
	return f
}

// RetryAfter adds the header as it stands: seconds, an HTTP date, or nonsense.
func (f Fault) RetryAfter(value string) Fault { return f.Header("Retry-After", value) }

// RetryAfterDate adds the header as an HTTP date.
func (f Fault) RetryAfterDate(t time.Time) Fault {
	return f.RetryAfter(t.UTC().Format(http.TimeFormat))
}

// Header adds a header to the answer of a [Status] fault or of the request itself.
func (f Fault) Header(key, value string) Fault {
	if f.header = f.header.Clone(); f.header == nil {
		f.header = http.Header{}
	}
	f.header.Add(key, value)
	return f
}

// Body replaces the body of a [Status] fault.
func (f Fault) Body(body string) Fault {
	f.body = []byte(body)
	return f
}

// On plays the fault on requests of a method and a path below /api, such as "/logs/filter". An empty method is
// any method; a path that ends in * stands for all that begin so.
func (f Fault) On(method, path string) Fault {
	f.method, f.path = method, path
	return f
}

// OnAny plays the fault on any request.
func (f Fault) OnAny() Fault { return f.On("", "*") }

func (f Fault) matches(method, path string) bool {
	wantMethod, wantPath := f.method, f.path
	if wantPath == "" {
		wantMethod, wantPath = http.MethodPost, "/logs/"
	}
	if wantMethod != method && wantMethod != "" {
		return false
	}
	if prefix, ok := strings.CutSuffix(wantPath, "*"); ok {
		return strings.HasPrefix(path, prefix)
	}
	return path == wantPath
}

// Fault queues faults. Each plays once, on the first request it matches, in the order given; a request takes the first
// queued fault that matches it.
func (s *Server) Fault(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queued = append(s.queued, faults...)
}

// FaultAlways plays f on every request it matches for which no fault is queued, until [Server.ClearFaults]. Of several,
// the first that matches plays.
func (s *Server) FaultAlways(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always = append(s.always, f)
}

// ClearFaults forgets all queued and permanent faults. Those that play at the moment play on.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queued, s.always = nil, nil
}

// takeFault returns the fault to play on a request.
func (s *Server) takeFault(method, path string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.queued {
		if f.matches(method, path) {
			s.queued = append(s.queued[:i:i], s.queued[i+1:]...)
			return f
		}
	}
	for _, f := range s.always {
		if f.matches(method, path) {
			return f
		}
	}
	return Fault{}
}
