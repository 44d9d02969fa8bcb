// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prefectlogs/prefectlogs/prefecttest"
)

// FuzzBody posts any body to every generation: each is answered, in JSON, and what encoding/json takes for JSON is
// taken for JSON.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		"", "[]", "[" + line("a", stamp) + "]", `[{"name":"\ud83d\ude00\ud800","level":1e3}]`, "[\"\xed\xa0\x80\"]", "\ufeff[1]",
		`[{"name":"\u0000\x","level":-0.5E+7,"timestamp":"2026-W01-1T10:00:00,5+24:00","flow_run_id":"{urn:uuid:-}"}]`, `[NaN,-Infinity]`,
	} {
		f.Add([]byte(seed))
	}
	var servers []*prefecttest.Server
	for _, g := range []prefecttest.Generation{prefecttest.Orion27, prefecttest.Prefect220, prefecttest.Prefect38} {
		for _, d := range []prefecttest.Database{prefecttest.SQLite, prefecttest.PostgreSQL} {
			servers = append(servers, prefecttest.NewServer(f, prefecttest.WithGeneration(g), prefecttest.WithDatabase(d)))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, s := range servers {
			answer, err := s.Client().Post(s.URL()+"/logs/", "application/json", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode >= http.StatusInternalServerError {
				s.Client().CloseIdleConnections()
			}
			if !json.Valid(b) {
				t.Fatalf("%d %s", answer.StatusCode, b)
			}
			syntax := strings.Contains(string(b), "json_invalid") || strings.Contains(string(b), "value_error.jsondecode")
			const simple = 900 // bytes, which reach none of Python's limits of nesting and of digits
			if utf8.Valid(body) && json.Valid(body) && syntax && len(body) < simple {
				t.Fatalf("JSON %q was taken for none: %s", body, b)
			}
			read, err := s.Client().Post(s.URL()+"/logs/filter", "application/json", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			_ = read.Body.Close()
			s.Reset()
		}
	})
}
