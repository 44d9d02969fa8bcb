// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"io"
	"os"

	"github.com/prefectlogs/prefectlogs/run"
)

// Option configures an [Exporter]. Options that are invalid make [New] fail.
type Option interface {
	apply(config) config
}

type optionFunc func(config) config

func (f optionFunc) apply(c config) config { return f(c) }

// config is what the options say.
type config struct {
	writer      io.Writer
	path        string
	truncate    bool
	format      Format
	colors      bool
	run         *run.Info
	allow, deny []string // nil: those of package mapping
	secrets     []string
	onError     func(error)
}

func newConfig(opts []Option) config {
	c := config{writer: os.Stderr, format: Standard()}
	for _, opt := range opts {
		c = opt.apply(c)
	}
	return c
}

// WithWriter writes to w; the default is standard error. Each line is one call
// of Write, and there is one at a time. Shutdown does not close w.
func WithWriter(w io.Writer) Option {
	return optionFunc(func(c config) config {
		c.writer, c.path = w, ""
		return c
	})
}

// WithStdout writes to standard output.
func WithStdout() Option { return WithWriter(os.Stdout) }

// WithFile writes to the end of a file, which is created if it is not there; with
// truncate it is emptied first. A file that cannot be opened makes New fail.
func WithFile(path string, truncate bool) Option {
	return optionFunc(func(c config) config {
		c.path, c.truncate = path, truncate
		return c
	})
}

// WithFormat lays lines out by f; the default is [Standard].
func WithFormat(f Format) Option {
	return optionFunc(func(c config) config {
		c.format = f
		return c
	})
}

// WithColors paints the names of levels, as PREFECT_LOGGING_COLORS has it, where
// the writer is a terminal and NO_COLOR is not set. By default nothing is painted.
func WithColors(on bool) Option {
	return optionFunc(func(c config) config {
		c.colors = on
		return c
	})
}

// WithRun says which run a record belongs to that names none. The default is
// [run.FromEnvironment].
func WithRun(info run.Info) Option {
	return optionFunc(func(c config) config {
		c.run = &info
		return c
	})
}

// WithSecrets masks texts wherever they stand in a message, such as the API key.
// A text of less than 4 bytes is not.
func WithSecrets(texts ...string) Option {
	return optionFunc(func(c config) config {
		c.secrets = append(c.secrets[:len(c.secrets):len(c.secrets)], texts...)
		return c
	})
}

// WithAllowedAttributes leaves all attributes out of messages but those whose names match one of the
// patterns, in which * stands for any text. By default all are shown that are not denied.
func WithAllowedAttributes(patterns ...string) Option {
	return optionFunc(func(c config) config {
		c.allow = append([]string{}, patterns...)
		return c
	})
}

// WithDeniedAttributes leaves attributes out of messages whose names match one of the patterns, in place
// of [mapping.DefaultDeny], names that speak of secrets. No pattern at all denies nothing.
func WithDeniedAttributes(patterns ...string) Option {
	return optionFunc(func(c config) config {
		c.deny = append([]string{}, patterns...)
		return c
	})
}

// WithErrorHandler hands what cannot be written to handle, in place of saying it on
// standard error, once until it changes.
func WithErrorHandler(handle func(error)) Option {
	return optionFunc(func(c config) config {
		c.onError = handle
		return c
	})
}
