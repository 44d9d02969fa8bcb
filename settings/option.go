// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import "os"

// Option changes where [Load] looks.
type Option interface{ apply(config) config }

type optionFunc func(config) config

func (f optionFunc) apply(c config) config { return f(c) }

// config is what the options say.
type config struct {
	environment    []string
	ownEnvironment bool // environment is the process's
	directory      string
	files          bool
	generation     Generation
	values         []optionValue
}

type optionValue struct{ name, text string }

func newConfig(opts []Option) config {
	c := config{environment: os.Environ(), ownEnvironment: true, files: true}
	for _, o := range opts {
		c = o.apply(c)
	}
	return c
}

// Generation is a generation of Prefect, whose order of sources and whose
// rules for values are followed.
type Generation int

const (
	// Prefect3 looks into environment, .env, prefect.toml, pyproject.toml and
	// the active profile. It is the default.
	Prefect3 Generation = iota
	// Prefect2 looks into environment and active profile. It holds for Orion,
	// Prefect 2.0 to 2.20, too.
	Prefect2
)

// WithGeneration chooses whose rules are followed; [Prefect3] by default.
func WithGeneration(g Generation) Option {
	return optionFunc(func(c config) config {
		c.generation = g
		return c
	})
}

// WithEnvironment takes the environment from a list of "NAME=value", in place
// of os.Environ. Names are matched in any case; of equal names the last holds.
// The user's home, too, is then known only if the list has HOME (on Windows
// USERPROFILE).
func WithEnvironment(environ []string) Option {
	return optionFunc(func(c config) config {
		c.environment, c.ownEnvironment = environ, false
		return c
	})
}

// WithDirectory looks for .env, prefect.toml and pyproject.toml in dir, and
// takes relative paths from there, instead of the working directory.
func WithDirectory(dir string) Option {
	return optionFunc(func(c config) config {
		c.directory = dir
		return c
	})
}

// WithoutFiles reads no file at all: no .env, no TOML, no profile.
func WithoutFiles() Option {
	return optionFunc(func(c config) config {
		c.files = false
		return c
	})
}

// WithValue gives one setting its value, above every other source. The name is
// one of the table in the package documentation, in any case; the text is what
// the environment variable would hold. An unknown name is an error of [Load].
func WithValue(name, text string) Option {
	return optionFunc(func(c config) config {
		c.values = append(c.values[:len(c.values):len(c.values)], optionValue{name, text})
		return c
	})
}
