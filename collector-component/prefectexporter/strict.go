// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"go.opentelemetry.io/collector/confmap"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/prefectclient"
)

// Unmarshal reads the configuration and refuses keys that it does not know.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	for _, key := range prefectclient.Keys(c.ClientConfig) {
		if conf.IsSet(key) && key != "endpoint" {
			c.ownHTTP = append(c.ownHTTP, key)
		}
	}
	return prefectclient.Unmarshal(conf, c)
}

// Unmarshal puts the defaults under the keys of a target, which a map's values do not get by themselves, and refuses keys that it
// does not know.
func (c *TargetConfig) Unmarshal(conf *confmap.Conf) error {
	c.ClientConfig = prefectclient.DefaultHTTP()
	return prefectclient.Unmarshal(conf, c)
}
