// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answers is a server without sockets: one status an exchange, the last one for ever.
type answers struct {
	statuses []int
	asked    int
}

func (a *answers) RoundTrip(*http.Request) (*http.Response, error) {
	status := a.statuses[min(a.asked, len(a.statuses)-1)]
	a.asked++
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(`"said"`))}, nil
}

func TestCallAsksAgainOnlyWhereNothingIsStored(t *testing.T) {
	tests := []struct {
		name     string
		statuses []int
		asked    int
		err      int // 0: none
	}{
		{"success is asked for once", []int{201}, 1, 0},
		{"503 is asked for again", []int{503, 503, 201}, 3, 0},
		{"503 is given up in the end", []int{503}, 6, 503},
		{"500 may have stored something", []int{500, 201}, 1, 500},
		{"a refusal stays one", []int{422, 201}, 1, 422},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, server := time.Now(), &answers{statuses: test.statuses}
				s := &Server{caller: &caller{url: "http://prefect.test/api", client: &http.Client{Transport: server}}}
				var said string
				err := s.Call(t.Context(), "POST", "/flows/", map[string]any{}, &said)
				if server.asked != test.asked {
					t.Errorf("asked %d times, want %d", server.asked, test.asked)
				}
				if status, ok := errors.AsType[*StatusError](err); ok != (test.err != 0) || ok && status.Status != test.err {
					t.Errorf("got error %v, want status %d", err, test.err)
				}
				if err == nil && said != "said" {
					t.Errorf("the answer is %q", said)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}
