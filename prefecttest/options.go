// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Option changes what a [Server] plays. See the table in the package documentation.
type Option interface{ apply(config) config }

type optionFunc func(config) config

func (f optionFunc) apply(c config) config { return f(c) }

type config struct {
	generation    Generation
	database      Database
	loopback      bool
	host          string // in memory, "" for the default
	authorization string // the Authorization header that is let in, "" for everyone
	csrf          bool
	cloud         bool
	perMinute     int // log records a minute, 0 for no limit
	maxBody       int64
	latency       time.Duration
	unrecorded    bool
	hook          func(*http.Request) *Fault
	errs          []error
}

func newConfig(opts []Option) (config, error) {
	var c config
	for _, o := range opts {
		c = o.apply(c)
	}
	if c.csrf && c.generation == Orion27 {
		c.errs = append(c.errs, errors.New("WithCSRF: Prefect 2.7 has no CSRF protection, it came with 2.16.5"))
	}
	if c.loopback && c.host != "" {
		c.errs = append(c.errs, errors.New("WithHost: a server on loopback is known by its address"))
	}
	if len(c.errs) > 0 {
		return c, fmt.Errorf("prefecttest: %w", errors.Join(c.errs...))
	}
	return c, nil
}

func (c config) refuse(format string, args ...any) config {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
	return c
}

// WithGeneration plays another release than [Prefect38].
func WithGeneration(g Generation) Option {
	return optionFunc(func(c config) config {
		if !g.valid() {
			return c.refuse("WithGeneration(%v): use Prefect38, Prefect220 or Orion27", g)
		}
		c.generation = g
		return c
	})
}

// WithDatabase plays a server on another database than [SQLite].
func WithDatabase(d Database) Option {
	return optionFunc(func(c config) config {
		if !d.valid() {
			return c.refuse("WithDatabase(%v): use SQLite or PostgreSQL", d)
		}
		c.database = d
		return c
	})
}

// WithLoopback listens on a free port of 127.0.0.1 instead of in memory, so other processes reach the server. Sockets
// do not work inside a synctest bubble.
func WithLoopback() Option {
	return optionFunc(func(c config) config { c.loopback = true; return c })
}

// WithHost is the name an in-memory server goes by, "prefect.test" unless told: a second name makes it another host, as
// for a redirect.
func WithHost(name string) Option {
	return optionFunc(func(c config) config {
		if name == "" || strings.ContainsAny(name, ":/@?# ") {
			return c.refuse("WithHost(%q): want the name of a host alone", name)
		}
		c.host = name
		return c
	})
}

// WithAuthString asks for basic authentication, "user:password", as a server with PREFECT_SERVER_API_AUTH_STRING does.
// Everything but GET /health and GET /ready is 401 without it. Prefect has it from 3.1.8 on; with an older generation
// the server stands for a proxy that asks for the same.
func WithAuthString(userPassword string) Option {
	return optionFunc(func(c config) config {
		if !strings.Contains(userPassword, ":") {
			return c.refuse("WithAuthString: the value has no colon, want user:password")
		}
		c.authorization = basicAuthorization(userPassword)
		return c
	})
}

func basicAuthorization(userPassword string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userPassword))
}

// WithAPIKey asks for "Authorization: Bearer KEY", as Prefect Cloud does.
func WithAPIKey(key string) Option {
	return optionFunc(func(c config) config {
		if key == "" {
			return c.refuse("WithAPIKey: the key is empty")
		}
		c.authorization = "Bearer " + key
		return c
	})
}

// WithCSRF turns CSRF protection on, as PREFECT_SERVER_CSRF_PROTECTION_ENABLED does from 2.16.5 on: every POST and
// PATCH needs a token of /csrf-token, which lives an hour and until the same client asks for another.
func WithCSRF() Option {
	return optionFunc(func(c config) config { c.csrf = true; return c })
}

// cloudBodyLimit is the largest body Prefect Cloud takes.
const cloudBodyLimit = 5 << 20

// WithCloudLimits plays the limits of Prefect Cloud, as its documentation states them: a body over 5 MiB is 413, one
// without Content-Length 411, and log records over 2,000 a minute (the smallest plan) are 429 with
// Retry-After in seconds. [WithMaxBody] and [WithRateLimit] set other limits.
func WithCloudLimits() Option {
	return optionFunc(func(c config) config {
		c.cloud = true
		if c.maxBody == 0 {
			c.maxBody = cloudBodyLimit
		}
		if c.perMinute == 0 {
			c.perMinute = 2000
		}
		return c
	})
}

// WithRateLimit takes n log records a minute, each record counted as one request, and answers 429 with Retry-After in
// seconds beyond that. The minute begins with its first request. A request that alone exceeds n is let in when
// it is the minute's first, so that none is impossible.
func WithRateLimit(n int) Option {
	return optionFunc(func(c config) config {
		if n <= 0 {
			return c.refuse("WithRateLimit(%d): want at least 1 record a minute", n)
		}
		c.perMinute = n
		return c
	})
}

// WithMaxBody answers 413 to a body of more than n bytes, as a proxy before the server does, and reads no more of it.
func WithMaxBody(n int64) Option {
	return optionFunc(func(c config) config {
		if n <= 0 {
			return c.refuse("WithMaxBody(%d): want at least 1 byte", n)
		}
		c.maxBody = n
		return c
	})
}

// WithLatency lets every request take d before anything is stored or answered. A client that leaves earlier does not
// stop it: what it sent is stored when d has passed.
func WithLatency(d time.Duration) Option {
	return optionFunc(func(c config) config {
		if d < 0 {
			return c.refuse("WithLatency(%v): want a duration of 0 or more", d)
		}
		c.latency = d
		return c
	})
}

// WithoutRequests keeps no requests, so [Server.Requests] is empty: for benchmarks and long runs, whose memory they
// would fill.
func WithoutRequests() Option {
	return optionFunc(func(c config) config { c.unrecorded = true; return c })
}

// WithHook asks f at every request for a [Fault] to play, before the queued ones; nil means none. Its path and method
// are not looked at. The request's body may be read. f is called concurrently and must not call methods of the server.
func WithHook(f func(*http.Request) *Fault) Option {
	return optionFunc(func(c config) config { c.hook = f; return c })
}
