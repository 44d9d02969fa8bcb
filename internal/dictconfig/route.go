// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package dictconfig

import (
	"maps"
	"math"
	"slices"
)

// Never is the least level of what no record reaches.
const Never = math.MaxInt

// maxKnown bounds for how many loggers the answer is remembered.
const maxKnown = 1000

// Route is which handlers the records of one logger reach.
type Route struct {
	// Any is the least level that reaches any handler that is here, API that of
	// any API handler. [Never] is none.
	Any, API int
	// Lines are the handlers that write lines.
	Lines []Target

	senders []*Handler // the API handlers
}

// Target is a handler and the least level that reaches it.
type Target struct {
	*Handler
	Least int
}

// Routes are the answers for one logger: outside of task runs, and within them. Where
// both are the same, they are one.
type Routes struct{ Flow, Task *Route }

// Routes answers for a logger. It does not allocate for one that it has been asked about
// before, of the first thousand.
func (c *Config) Routes(name string) *Routes {
	known := *c.known.Load()
	found, ok := known[name]
	if !ok {
		found = &Routes{Flow: c.route(c.Stands(name, false)), Task: c.route(c.Stands(name, true))}
		if found.Flow.equal(found.Task) {
			found.Task = found.Flow
		}
		if len(known) < maxKnown {
			c.remember(name, found)
		}
	}
	return found
}

func (r *Route) equal(other *Route) bool {
	return r.Any == other.Any && r.API == other.API && slices.Equal(r.Lines, other.Lines)
}

// remember replaces the map of known answers; it is never changed in place.
func (c *Config) remember(name string, found *Routes) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := maps.Clone(*c.known.Load())
	known[name] = found
	c.known.Store(&known)
}

// route works the answer out for a logger as [Config.Stands] names it. Filters judge
// that name too: a run logger passes where the run loggers of Prefect do.
func (c *Config) route(name string) *Route {
	r := &Route{Any: Never, API: Never}
	level := 0
	for l := range c.walk(name) {
		if level == 0 {
			level = l.level
		}
	}
	if own := c.loggers[name]; own != nil && blocked(own.filters, name) {
		return r
	}
	for l := range c.walk(name) {
		for _, h := range l.handlers {
			if h.Kind == Null || h.Kind == Unsupported || blocked(h.filters, name) {
				continue
			}
			least := max(level, h.Level)
			r.Any = min(r.Any, least)
			switch {
			case h.Kind == API:
				r.API = min(r.API, least)
				r.senders = append(r.senders, h)
			case !slices.ContainsFunc(r.Lines, func(t Target) bool { return t.Handler == h }):
				r.Lines = append(r.Lines, Target{h, least})
			}
		}
		if !l.propagate {
			break
		}
	}
	return r
}

// Senders are the API handlers that records of Go programs reach, that of
// [FlowRuns] first, then those of [TaskRuns], then those of other loggers that have an
// entry. prefect.workers is not asked, which a Go program has not, nor prefect.extra, which
// stands for others.
func (c *Config) Senders() (senders []*Handler) {
	for _, name := range append([]string{FlowRuns, TaskRuns}, slices.Sorted(maps.Keys(c.loggers))...) {
		if name == workers || name == extraLoggs {
			continue
		}
		for _, h := range c.route(name).senders {
			if !slices.Contains(senders, h) {
				senders = append(senders, h)
			}
		}
	}
	return senders
}

func blocked(filters []*filter, name string) bool {
	return slices.ContainsFunc(filters, func(f *filter) bool { return !f.passes(name) })
}
