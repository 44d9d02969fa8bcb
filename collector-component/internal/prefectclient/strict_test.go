// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectclient_test

import (
	"strings"
	"testing"

	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/prefectclient"
)

// config is as a component has it: with a client squashed into it, whose own Unmarshal method hides unknown keys.
type config struct {
	ClientConfig confighttp.ClientConfig `mapstructure:",squash"`
	APIKey       configopaque.String     `mapstructure:"api_key"`
	Below        struct {
		Known int `mapstructure:"known"`
	} `mapstructure:"below"`
}

func TestUnknownKeysAreRefusedAtAnyDepth(t *testing.T) {
	tests := []struct{ name, yaml, want string }{
		{"known ones", "{endpoint: h, api_key: k, timeout: 3s, below: {known: 1}, tls: {insecure: true}}", ""},
		{"beside the client's", "{endpiont: h}", "endpiont"},
		{"of a struct", "{below: {knwon: 1}}", "knwon"},
		{"within the client's", "{tls: {insecur: true}}", "insecur"},
		{"a name of Go's", "{ClientConfig: {endpoint: h}}", "ClientConfig"},
		{"a value that is none", "{timeout: soon}", "timeout"},
		{"a secret of the wrong kind", "{api_key: [pnu_secret]}", "api_key"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			retrieved, err := confmap.NewRetrievedFromYAML([]byte(test.yaml))
			if err != nil {
				t.Fatal(err)
			}
			conf, err := retrieved.AsConf()
			if err != nil {
				t.Fatal(err)
			}
			var c config
			err = prefectclient.Unmarshal(conf, &c)
			if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "pnu_secret") {
				t.Errorf("it shows a secret: %v", err)
			}
			if test.want == "" && (c.ClientConfig.Endpoint != "h" || c.APIKey != "k" || c.Below.Known != 1 || !c.ClientConfig.TLS.Insecure) {
				t.Errorf("%+v", c)
			}
		})
	}
}
