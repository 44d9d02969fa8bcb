// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package exporter

import (
	"slices"

	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

// mapped changes how records are mapped.
func mapped(change func(*mapping.Config)) Option {
	return optionFunc(func(c config) config {
		change(&c.mapping)
		return c
	})
}

// WithMissingRun says what becomes of records that belong to no run, in place of
// PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW (default warn). They are
// never sent. An unknown policy is an error.
func WithMissingRun(policy mapping.MissingRun) Option {
	return mapped(func(c *mapping.Config) { c.MissingRun = policy })
}

// WithDefaultRun sets the run of records that name none, in place of
// what [run.FromEnvironment] returns. An id that is no UUID is an error. The zero
// Info means none.
func WithDefaultRun(info run.Info) Option {
	return optionFunc(func(c config) config {
		ids := info.IDs()
		if info.FlowRunID != "" && ids.Flow.IsZero() {
			return c.invalid("the flow run id of the default run is no UUID")
		}
		if info.TaskRunID != "" && ids.Task.IsZero() {
			return c.invalid("the task run id of the default run is no UUID")
		}
		c.defaultRun = &info
		return c
	})
}

// WithKeys replaces the attribute keys that mean more than text; the default is
// [mapping.DefaultKeys]. Keys that cannot be are an error.
func WithKeys(keys mapping.Keys) Option {
	return mapped(func(c *mapping.Config) { c.Keys = keys })
}

// WithFormat says what messages are made of; the default is
// [mapping.FormatText]. An unknown format is an error.
func WithFormat(format mapping.Format) Option {
	return mapped(func(c *mapping.Config) { c.Format = format })
}

// WithOversize says what becomes of records that are longer than a log may be; the
// default is [mapping.TruncateOversize]. An unknown policy is an error.
func WithOversize(policy mapping.Oversize) Option {
	return mapped(func(c *mapping.Config) { c.Oversize = policy })
}

// WithAllowedAttributes leaves all attributes out of messages but those whose
// names match one of the patterns, in which * stands for any text. By default all
// are shown that are not denied.
func WithAllowedAttributes(patterns ...string) Option {
	return mapped(func(c *mapping.Config) { c.Allow = slices.Clone(patterns) })
}

// WithDeniedAttributes leaves attributes out of messages whose names match one of
// the patterns, in place of [mapping.DefaultDeny], names that speak of secrets. No
// pattern at all denies nothing.
func WithDeniedAttributes(patterns ...string) Option {
	return mapped(func(c *mapping.Config) { c.Deny = append([]string{}, patterns...) })
}

// WithTraceIDs adds trace and span id to messages. By default they are left out.
func WithTraceIDs() Option {
	return mapped(func(c *mapping.Config) { c.TraceIDs = true })
}

// WithKeptANSI leaves all terminal sequences in messages. By default only those of
// colour are kept, which Prefect's pages show.
func WithKeptANSI() Option {
	return mapped(func(c *mapping.Config) { c.KeepANSI = true })
}

// WithExactTime keeps the time of every record as it is. By default records of a
// run that share a microsecond are moved apart, so that they read back in order.
func WithExactTime() Option {
	return mapped(func(c *mapping.Config) { c.ExactTime = true })
}
