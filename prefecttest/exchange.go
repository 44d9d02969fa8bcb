// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is what a request is answered with. The body is JSON unless header says otherwise.
type answer struct {
	status int
	header http.Header
	body   []byte
	drop   bool // close the connection afterwards, as the server does after every exception that nobody caught
}

// message is the form of the errors that Prefect itself makes.
func message(status int, text string) answer {
	return answer{status: status, body: append(appendString([]byte(`{"exception_message":`), text), '}')}
}

// plain is the form of the errors of the framework below it.
func plain(status int, text string) answer {
	return answer{status: status, body: append(appendString([]byte(`{"detail":`), text), '}')}
}

// with returns a with a header.
func (a answer) with(key string, values ...string) answer {
	if a.header = a.header.Clone(); a.header == nil {
		a.header = http.Header{}
	}
	a.header[key] = values
	return a
}

// exchange is one request on its way. It belongs to the goroutine that serves it.
type exchange struct {
	s    *Server
	w    http.ResponseWriter
	r    *http.Request
	path string // below /api
	log  *Request
	body []byte
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	x := &exchange{s: s, w: w, r: r}
	if !s.begin() {
		x.cut()
		return
	}
	defer s.working.Done()
	x.path, _ = strings.CutPrefix(r.URL.Path, "/api")
	x.log = &Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Arrived: time.Now(),
	}
	if !s.unrecorded {
		s.mu.Lock()
		s.requests = append(s.requests, x.log)
		s.mu.Unlock()
	}
	x.play(x.fault())
}

// fault asks the hook, then the queue.
func (x *exchange) fault() Fault {
	if x.s.hook != nil {
		if b, err := io.ReadAll(x.r.Body); err == nil {
			x.r.Body = io.NopCloser(bytes.NewReader(b))
			r := x.r.Clone(x.r.Context())
			r.Body = io.NopCloser(bytes.NewReader(b))
			if f := x.s.hook(r); f != nil {
				return *f
			}
		}
	}
	return x.s.takeFault(x.r.Method, x.path)
}

// play takes the request through the fault: read, wait, store, answer. It does not look at whether the client is still
// there until it has something to say to it, as the real server does not.
func (x *exchange) play(f Fault) {
	switch f.action {
	case cutBefore:
		x.s.wait(f.delay)
		x.cut()
		return
	case cutDuring:
		x.read(io.LimitReader(x.r.Body, f.n))
		x.s.wait(f.delay)
		x.cut()
		return
	}
	if a, refused := x.proxy(); refused {
		x.answer(a)
		return
	}
	if !x.read(x.r.Body) {
		x.cut() // the client left in the middle: nothing to store, nobody to answer
		return
	}
	if !x.s.wait(x.s.latency + f.delay) {
		x.cut()
		return
	}
	if f.action == commitLater {
		x.commitLater(f.late)
		return
	}
	a := x.outcome(f)
	if !x.s.wait(f.answerDelay) {
		x.cut()
		return
	}
	switch f.action {
	case cutAfterCommit:
		x.cut()
	case cutAnswer:
		x.raw(a, a.body[:min(f.n, int64(len(a.body)))])
	case hang:
		select {
		case <-x.r.Context().Done():
		case <-x.s.life.Done():
		}
		x.cut()
	case endless:
		x.endless(a)
	default:
		x.answer(a)
	}
}

// outcome handles the request, unless the fault keeps it from that, and returns what is to be answered.
func (x *exchange) outcome(f Fault) answer {
	a := answer{status: f.status, body: f.body, header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}}
	if f.stored || f.action == pass {
		handled := x.s.handle(x.r, x.path, x.body)
		if f.action != answerStatus {
			a = handled
		}
	}
	a.drop = a.drop || f.dropped
	for key, values := range f.header {
		a = a.with(key, values...)
	}
	return a
}

// read takes in the body, and reports whether it was whole.
func (x *exchange) read(from io.Reader) bool {
	b, err := io.ReadAll(from)
	x.body = b
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.log.Length = int64(len(b))
	if x.r.Method == http.MethodPost && x.path == "/logs/" {
		x.log.Body = b // nobody writes to it
	}
	return err == nil
}

// proxy refuses what never reaches the server.
func (x *exchange) proxy() (answer, bool) {
	if x.s.cloud && x.r.ContentLength < 0 {
		return plain(http.StatusLengthRequired, "Length Required"), true
	}
	limit := x.s.maxBody
	if limit == 0 {
		return answer{}, false
	}
	large := answer{
		status: http.StatusRequestEntityTooLarge,
		header: http.Header{"Content-Type": {"text/html"}, "Connection": {"close"}},
		body:   []byte("<html><head><title>413 Request Entity Too Large</title></head></html>\n"),
	}
	if x.r.ContentLength > limit {
		return large, true
	}
	head, err := io.ReadAll(io.LimitReader(x.r.Body, limit+1))
	if err == nil && int64(len(head)) > limit {
		return large, true
	}
	x.r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(head), x.r.Body))
	return answer{}, false
}

// commitLater cuts the connection and handles the request d later, on a goroutine that ends with the server.
func (x *exchange) commitLater(d time.Duration) {
	x.s.mu.Lock()
	epoch := x.s.store.epoch
	x.s.mu.Unlock()
	r := x.r.WithContext(context.Background())
	if x.s.begin() {
		go func() {
			defer x.s.working.Done()
			if x.s.wait(d) {
				x.s.mu.Lock()
				current := epoch == x.s.store.epoch
				x.s.mu.Unlock()
				if current {
					x.s.handle(r, x.path, x.body)
				}
			}
		}()
	}
	x.cut()
}

// answer sends a, compressed if the client asks and the generation does so. A connection that is to be dropped is
// dropped without notice: no header says so.
func (x *exchange) answer(a answer) {
	x.status(a.status)
	if a.drop {
		x.raw(a, a.body)
		return
	}
	h := x.header(a)
	body := a.body
	accepts := strings.Contains(x.r.Header.Get("Accept-Encoding"), "gzip")
	if accepts && len(body) >= 1000 && x.s.generation != Orion27 {
		body = compressed(body)
		h.Set("Content-Encoding", "gzip")
		h.Add("Vary", "Accept-Encoding")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(a.status)
	if x.r.Method != http.MethodHead && a.status != http.StatusNoContent {
		_, _ = x.w.Write(body) // the client may have left
	}
}

func compressed(b []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed) // the level is valid
	_, _ = w.Write(b)                                 // to memory
	_ = w.Close()
	return out.Bytes()
}

func (x *exchange) header(a answer) http.Header {
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Server", "uvicorn")
	maps.Copy(h, a.header)
	if a.status == http.StatusNoContent {
		h.Del("Content-Type")
	}
	return h
}

func (x *exchange) status(code int) {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.log.Status = code
}

// cut closes the connection without an answer. A handler that merely returned would answer 200.
func (x *exchange) cut() {
	if conn, _, err := http.NewResponseController(x.w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// raw sends the head of a and as much of its body as given, and closes the connection, whatever the head promised.
func (x *exchange) raw(a answer, body []byte) {
	h := x.header(a)
	conn, buf, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(x.s.life, func() { _ = conn.Close() })() // net/http no longer does
	x.status(a.status)
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	_, _ = fmt.Fprintf(buf, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status)) // errors show at Flush
	_ = h.Write(buf)
	_, _ = buf.WriteString("\r\n")
	_, _ = buf.Write(body)
	_ = buf.Flush() // the client may have left
}

// endless sends the head of a and then spaces, until the client leaves.
func (x *exchange) endless(a answer) {
	x.header(a)
	x.status(a.status)
	x.w.WriteHeader(a.status)
	chunk := bytes.Repeat([]byte(" "), 32<<10)
	for {
		if _, err := x.w.Write(chunk); err != nil {
			return
		}
	}
}
