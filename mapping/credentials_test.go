// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prefectlogs/prefectlogs/mapping"
)

func TestWhatOfCredentialsIsMasked(t *testing.T) {
	tests := map[string]struct {
		credentials mapping.Credentials
		want        []string
	}{
		"nothing":                        {},
		"a key and an auth string":       {mapping.Credentials{APIKey: "pnu_1", AuthString: "me:pw"}, []string{"pnu_1", "me:pw"}},
		"a password worth masking":       {mapping.Credentials{AuthString: "me:0123:567"}, []string{"me:0123:567", "0123:567"}},
		"a header for people":            {mapping.Credentials{Headers: map[string]string{"X-Team": "database", "X-Trace": "0123456789"}}, nil},
		"headers whose names say it":     {mapping.Credentials{Headers: map[string]string{"cookie": "session=1", "CF-Access-Client-Secret": "0123456789", "X-API-Key": "abcdefgh"}}, []string{"0123456789", "abcdefgh", "session=1"}},
		"an authorization":               {mapping.Credentials{Headers: map[string]string{"authorization": "Bearer 01234567"}}, []string{"Bearer 01234567", "01234567"}},
		"one for the proxy":              {mapping.Credentials{Headers: map[string]string{"Proxy-Authorization": "Basic  01234567"}}, []string{"Basic  01234567", "01234567"}},
		"a short secret is found always": {mapping.Credentials{Headers: map[string]string{"X-Token": "data"}, URLs: []string{"http://a:data@h"}}, nil},
		"passwords of addresses": {
			mapping.Credentials{URLs: []string{" http://me:hunter2canary@prefect.test/api", "socks5://u:p%40ss:w%2Frd@proxy", "http://token0123@h", "http://h", "::"}},
			[]string{"me:hunter2canary", "hunter2canary", "u:p@ss:w/rd", "p@ss:w/rd", "p%40ss%3Aw%2Frd", "token0123"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.credentials.Secrets()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
