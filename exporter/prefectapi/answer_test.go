// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/prefecttest"
)

const flowRun = "11111111-1111-4111-8111-111111111111"

// records is a body of the messages.
type records []string

func (r records) bytes() []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, message := range r {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, `{"level":20,"timestamp":"2026-01-02T03:04:05.%06dZ","flow_run_id":"%s","task_run_id":null,"name":"n","message":%q}`, i, flowRun, message)
	}
	b.WriteByte(']')
	return b.Bytes()
}

func (r records) Size() int           { return len(r.bytes()) }
func (r records) Records() int        { return len(r) }
func (r records) Body() io.ReadCloser { return io.NopCloser(bytes.NewReader(r.bytes())) }

// newClient returns a client of the server whose connections end with the test.
func newClient(t *testing.T, server *prefecttest.Server, change ...func(*prefectapi.Config)) *prefectapi.Client {
	t.Helper()
	config := prefectapi.Config{APIURL: server.URL(), Transport: server.Transport()}
	for _, f := range change {
		f(&config)
	}
	client, err := prefectapi.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// answerOf returns the error as the type it must have.
func answerOf(t *testing.T, err error) prefectapi.Error {
	t.Helper()
	answer, ok := errors.AsType[*prefectapi.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *prefectapi.Error", err)
	}
	return *answer
}

// plain compares what an answer says, without its cause and its host.
var plain = []cmp.Option{cmpopts.IgnoreUnexported(prefectapi.Error{}), cmpopts.IgnoreFields(prefectapi.Error{}, "Err")}

func TestEachStatusHasItsKind(t *testing.T) {
	kinds := map[prefectapi.Kind][]int{
		prefectapi.KindRequest:  {400, 422},
		prefectapi.KindConflict: {409},
		prefectapi.KindTooLarge: {413},
		prefectapi.KindAccess:   {300, 301, 304, 307, 308, 401, 402, 403, 404, 405, 407, 410, 411, 415, 431, 451},
		prefectapi.KindBusy:     {408, 425, 429, 503},
		prefectapi.KindServer:   {500, 501, 502, 504, 507, 520, 599},
	}
	server := prefecttest.NewServer(t)
	client := newClient(t, server)
	for kind, statuses := range kinds {
		for _, status := range statuses {
			server.Fault(prefecttest.Status(status))
			got := answerOf(t, client.PostLogs(t.Context(), records{"a"}))
			want := prefectapi.Error{Kind: kind, Status: status, Ambiguous: status >= 500}
			if diff := cmp.Diff(want, got, plain...); diff != "" {
				t.Errorf("%d: %s", status, diff)
			}
		}
	}
	for _, status := range []int{200, 201, 204} {
		server.Fault(prefecttest.Status(status))
		if err := client.PostLogs(t.Context(), records{"a"}); err != nil {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestPagesForPeopleAreNoAnswersOfPrefect(t *testing.T) {
	server := prefecttest.NewServer(t)
	client := newClient(t, server)
	for _, status := range []int{200, 201} {
		server.Fault(prefecttest.Status(status).Header("Content-Type", "text/html; charset=utf-8").Body("<html>Log in"))
		err := client.PostLogs(t.Context(), records{"a"})
		if got := answerOf(t, err); got.Kind != prefectapi.KindAccess || got.Status != status {
			t.Errorf("%d: got %+v", status, got)
		}
	}
}

func TestFailuresOfPrefectItselfAreToldFromThoseOfProxies(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		ended  bool
	}{
		{"an exception in Prefect", 500, `{"exception_message":"Internal Server Error"}`, true},
		{"a database error in Prefect", 503, `{"exception_message":"Service Unavailable"}`, true},
		{"a proxy in plain text", 502, "Bad Gateway", false},
		{"a proxy that speaks JSON", 504, `{"message":"upstream timed out"}`, false},
		{"nothing", 500, "", false},
		{"a page", 500, "<html></html>", false},
	}
	server := prefecttest.NewServer(t)
	client := newClient(t, server)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server.Fault(prefecttest.Status(tt.status).Header("Content-Type", "application/json").Body(tt.body))
			got := answerOf(t, client.PostLogs(t.Context(), records{"a"}))
			if !got.Ambiguous || got.Ended != tt.ended {
				t.Errorf("got ambiguous %v, ended %v; want true, %v", got.Ambiguous, got.Ended, tt.ended)
			}
		})
	}
}

func TestRetryAfterIsReadInEveryForm(t *testing.T) {
	const most = 5 * time.Minute
	tests := []struct {
		name, value string
		want        time.Duration
	}{
		{"seconds", "7", 7 * time.Second},
		{"a fraction of seconds", "0.25", 250 * time.Millisecond},
		{"no time", "0", 0},
		{"seconds before", "-3", 0},
		{"longer than can be asked for", "86400", most},
		{"infinitely long", "inf", most},
		{"more than a number holds", "1e999", 0},
		{"no number", "nan", 0},
		{"a date", "Sat, 01 Jan 2000 00:00:30 GMT", 30 * time.Second},
		{"a date in the past", "Fri, 31 Dec 1999 23:00:00 GMT", 0},
		{"a date far ahead", "Sun, 01 Jan 2090 00:00:00 GMT", most},
		{"a date of the old form", "Saturday, 01-Jan-00 00:00:09 GMT", 9 * time.Second},
		{"words", "soon", 0},
		{"an empty header", "", 0},
		{"two values", "1, 2", 0},
	}
	for _, tt := range tests {
		for _, status := range []int{429, 503, 500} {
			t.Run(fmt.Sprintf("%s, %d", tt.name, status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { // whose clock starts at 2000-01-01 00:00:00 UTC
					server := prefecttest.NewServer(t)
					server.Fault(prefecttest.Status(status).RetryAfter(tt.value))
					got := answerOf(t, newClient(t, server).PostLogs(t.Context(), records{"a"}))
					if got.RetryAfter != tt.want {
						t.Errorf("%q became %v, want %v", tt.value, got.RetryAfter, tt.want)
					}
				})
			})
		}
	}
}

func TestPositionsOfRefusedRecords(t *testing.T) {
	detail := func(items string) string {
		return `{"exception_message":"Invalid request received.","exception_detail":[` + items + `],"request_body":[]}`
	}
	tests := []struct {
		name, body string
		want       []int
	}{
		{"one field", detail(`{"loc":["body",2,"name"],"msg":"m","type":"string_type"}`), []int{2}},
		{"several, in any order, more than once", detail(`{"loc":["body",3,"name"],"type":"x"},{"loc":["body",0,"level"],"type":"x"},{"loc":["body",3,"level"],"type":"x"}`), []int{0, 3}},
		{"a missing field, with the whole record", detail(`{"type":"missing","loc":["body",1,"level"],"msg":"m","input":{"name":"n","message":"[{\"loc\":[\"body\",0,\"x\"]}]"}}`), []int{1}},
		{"a record that is no object", detail(`{"loc":["body",1],"msg":"m","type":"model_attributes_type"}`), []int{1}},
		{"an offset in what is no JSON, 3.x", detail(`{"type":"json_invalid","loc":["body",2],"msg":"JSON decode error"}`), nil},
		{"an offset in what is no JSON, 2.x", detail(`{"loc":["body",2],"msg":"m","type":"value_error.jsondecode"}`), nil},
		{"a number without a type", detail(`{"loc":["body",2],"msg":"m"}`), nil},
		{"the body as a whole", detail(`{"loc":["body"],"msg":"m","type":"list_type"}`), nil},
		{"a header", detail(`{"loc":["header",1,"x"],"msg":"m","type":"x"}`), nil},
		{"positions that there are not", detail(`{"loc":["body",4,"x"],"type":"x"},{"loc":["body",-1,"x"],"type":"x"},{"loc":["body",1.5,"x"],"type":"x"},{"loc":["body",99999999999999999999,"x"],"type":"x"}`), nil},
		{"details behind other parts", `{"a":{"b":[1,2,{}]},"exception_message":"m","exception_detail":[{"loc":["body",3,"x"],"type":"x"}]}`, []int{3}},
		{"an echo that comes first", `{"request_body":[{"loc":["body",1,"x"]}],"exception_detail":[{"loc":["body",3,"x"],"type":"x"}]}`, nil},
		{"details that break off", `{"exception_detail":[{"loc":["body",1,"x"],"type":"x"},{"loc":["bo`, []int{1}},
		{"details of another form", `{"exception_detail":"bad"}`, nil},
		{"details that are null", `{"exception_detail":null}`, nil},
		{"FastAPI's own form", `{"detail":[{"loc":["body",1,"x"],"type":"x"}]}`, nil},
		{"text", "Unprocessable", nil},
		{"nothing", "", nil},
	}
	server := prefecttest.NewServer(t)
	client := newClient(t, server)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server.Fault(prefecttest.Status(422).Header("Content-Type", "application/json").Body(tt.body))
			got := answerOf(t, client.PostLogs(t.Context(), records{"a", "b", "c", "d"}))
			want := prefectapi.Error{Kind: prefectapi.KindRecords, Status: 422, Positions: tt.want}
			if tt.want == nil {
				want.Kind = prefectapi.KindRequest
			}
			if diff := cmp.Diff(want, got, plain...); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// countingTransport counts what is read of the bodies of answers.
type countingTransport struct {
	http.RoundTripper
	read *int64
}

func (c countingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = &countingBody{response.Body, c.read}
	}
	return response, err
}

type countingBody struct {
	io.ReadCloser
	read *int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	*b.read += int64(n)
	return n, err
}

func TestMegabytesOfEchoAreNotRead(t *testing.T) {
	server := prefecttest.NewServer(t)
	var read int64
	client := newClient(t, server, func(c *prefectapi.Config) { c.Transport = countingTransport{server.Transport(), &read} })
	server.Fault(prefecttest.HugeEcho(8<<20, 1, 3))
	got := answerOf(t, client.PostLogs(t.Context(), records{"a", "b", "c", "d"}))
	if diff := cmp.Diff([]int{1, 3}, got.Positions); diff != "" {
		t.Error(diff)
	}
	if read > 256<<10 {
		t.Errorf("%d bytes of the answer were read", read)
	}
}

func TestAnswersThatNeverEndAreBounded(t *testing.T) {
	tests := []struct {
		name  string
		fault prefecttest.Fault
		call  func(*prefectapi.Client) error
		most  int64 // bytes
		ok    bool
	}{
		{"stored", prefecttest.Endless(), func(c *prefectapi.Client) error { return c.PostLogs(t.Context(), records{"a"}) }, 1 << 20, true},
		{"a question", prefecttest.Endless().On("POST", "/logs/filter"), func(c *prefectapi.Client) error { return c.Check(t.Context()) }, 1 << 20, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := prefecttest.NewServer(t)
			var read int64
			client := newClient(t, server, func(c *prefectapi.Config) { c.Transport = countingTransport{server.Transport(), &read} })
			server.Fault(tt.fault)
			if err := tt.call(client); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
			if read > tt.most {
				t.Errorf("%d bytes were read", read)
			}
		})
	}
}

// drip answers with a body of one byte each second.
type drip struct{ status int }

func (d drip) RoundTrip(r *http.Request) (*http.Response, error) {
	reader, writer := io.Pipe()
	go func() {
		for {
			select {
			case <-time.After(time.Second):
			case <-r.Context().Done():
				_ = writer.CloseWithError(r.Context().Err())
				return
			}
			if _, err := writer.Write([]byte(" ")); err != nil {
				return
			}
		}
	}()
	return &http.Response{StatusCode: d.status, Body: reader, Header: http.Header{}, Request: r}, nil
}

func TestAnswersThatDripAreBoundedInTime(t *testing.T) {
	const timeout = 20 * time.Second
	for status, most := range map[int]time.Duration{201: 3 * time.Second, 400: 3 * time.Second, 403: timeout + time.Second, 422: timeout + time.Second, 500: timeout + time.Second} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, err := prefectapi.New(prefectapi.Config{APIURL: "http://prefect.test/api", Transport: drip{status}, Timeout: timeout})
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				err = client.PostLogs(t.Context(), records{"a"})
				if took := time.Since(start); took > most {
					t.Errorf("took %v", took)
				}
				if status == 201 && err != nil {
					t.Errorf("got %v: the status says that it is stored", err)
				}
				if status != 201 && answerOf(t, err).Status != status {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	server := prefecttest.NewServer(t)
	client := newClient(t, server)
	for status, want := range map[int]string{
		401: "PREFECT_API_KEY", 404: "PREFECT_API_URL", 413: "batch size", 307: "redirects",
		429: "rate limit", 500: "log of the server", 502: "a proxy", 503: "overloaded", 504: "a proxy",
	} {
		server.Fault(prefecttest.Status(status))
		err := client.PostLogs(t.Context(), records{"a"})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "prefect.test") {
			t.Errorf("%d: %v", status, err)
		}
	}
}
