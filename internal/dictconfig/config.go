// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package dictconfig

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prefectlogs/prefectlogs/settings"
)

// The loggers of Prefect that mean something here.
const (
	prefect    = "prefect"
	extraLoggs = "prefect.extra"
	workers    = "prefect.workers"

	FlowRuns = "prefect.flow_runs"
	TaskRuns = "prefect.task_runs"
)

// Config is a configuration that was understood. It is safe for concurrent use.
type Config struct {
	// Handlers are those that loggers or the root name, sorted by name.
	Handlers []*Handler
	// Notices is what is worth telling a person though it stops nothing.
	Notices []string

	loggers map[string]*logger
	root    *logger

	known atomic.Pointer[map[string]*Routes]
	mu    sync.Mutex // guards the replacing of known
}

// logger is one entry of the configuration.
type logger struct {
	level     int // 0: that of the next one above
	handlers  []*Handler
	filters   []*filter
	propagate bool
}

// New understands the configuration l. All of its problems are returned in one
// joined error, each with its place.
func New(l settings.Logging) (*Config, error) {
	r := &reader{logging: l, used: make(map[string]*Handler)}
	c := &Config{loggers: make(map[string]*logger)}
	r.version()
	r.readFilters()
	r.readFormatters()
	r.readHandlers()
	for name, entry := range r.tables("loggers") {
		c.loggers[name] = r.logger("loggers."+name, entry)
		c.loggers[name].propagate = truth(entry["propagate"], true)
		if text, ok := entry["propagate"].(string); ok && text != "" {
			r.note("loggers.%s.propagate is the text %q, which Python takes for true whatever it says", name, text)
		}
	}
	c.readRoot(r)
	c.addExtra(l)
	for _, name := range slices.Sorted(maps.Keys(r.used)) {
		h := r.used[name]
		c.Handlers = append(c.Handlers, h)
		if h.Kind == Unsupported {
			r.note("handlers.%s is of class %s, which a Go program does not have; it is left out", name, h.class)
		}
		if h.Format.unknown != "" && h.Kind != Unsupported {
			r.note("formatters.%s: %s", h.Format.name, h.Format.unknown)
		}
		for _, f := range h.filters {
			r.usable(f, "handlers."+name)
		}
	}
	if err := errors.Join(r.errs...); err != nil {
		return nil, err
	}
	c.Notices = r.notices
	c.known.Store(new(make(map[string]*Routes)))
	return c, nil
}

// rootNames are those under which Python gives out the root logger.
var rootNames = []string{"", "root"}

// readRoot understands what is said of the root logger: among loggers too, where what comes later replaces the handlers.
func (c *Config) readRoot(r *reader) {
	c.root = &logger{level: int(settings.LevelWarning)}
	take := func(l *logger, entry map[string]any) {
		c.root.handlers = l.handlers
		if entry["level"] != nil {
			c.root.level = l.level
		}
	}
	loggers, _ := r.logging.Config["loggers"].(map[string]any)
	for _, name := range rootNames {
		if l, ok := c.loggers[name]; ok {
			take(l, loggers[name].(map[string]any)) // it was read as one
			delete(c.loggers, name)
		}
	}
	if truth(r.logging.Config["root"], false) {
		if entry, ok := r.table("root"); ok {
			take(r.logger("root", entry), entry)
		}
	}
}

// addExtra gives the extra loggers what prefect.extra has, as Prefect does.
func (c *Config) addExtra(l settings.Logging) {
	extra, ok := c.loggers[extraLoggs]
	if !ok {
		extra = &logger{propagate: true}
	}
	for _, name := range l.ExtraLoggers {
		own, ok := c.loggers[name]
		switch {
		case slices.Contains(rootNames, name):
			own = c.root
		case !ok:
			own = &logger{propagate: true}
			c.loggers[name] = own
		}
		for _, h := range extra.handlers {
			own.add(h)
			if l.Generation == settings.Prefect2 {
				if own.level == 0 {
					own.level = extra.level
				}
				own.propagate = extra.propagate
			}
		}
	}
}

func (l *logger) add(h *Handler) {
	if !slices.Contains(l.handlers, h) {
		l.handlers = append(l.handlers, h)
	}
}

// logger reads an entry of loggers, or the root.
func (r *reader) logger(place string, entry map[string]any) *logger {
	l := &logger{level: r.level(place, entry), propagate: true}
	for _, name := range r.names(place+".handlers", entry["handlers"]) {
		h, ok := r.handlers[name]
		if !ok {
			r.fail(place+".handlers", "there is no handler %q; define it under handlers, or correct the name", name)
			continue
		}
		r.used[name] = h
		l.add(h)
	}
	l.filters = r.filtersOf(place, entry)
	for _, f := range l.filters {
		r.usable(f, place)
	}
	return l
}

// Stands returns the logger whose rules hold for a name, inTask within a task run.
func (c *Config) Stands(name string, inTask bool) string {
	for at := name; at != ""; {
		if at == FlowRuns || at == TaskRuns { // which are what they are without an entry too
			return name
		}
		if _, ok := c.loggers[at]; ok && (at != prefect || name == prefect) {
			return name
		}
		dot := strings.LastIndexByte(at, '.')
		at = at[:max(dot, 0)]
	}
	if inTask {
		return TaskRuns
	}
	return FlowRuns
}

// walk yields the entries for a logger, from its own up to the root.
func (c *Config) walk(name string) func(yield func(*logger) bool) {
	return func(yield func(*logger) bool) {
		for at := name; at != ""; {
			if l, ok := c.loggers[at]; ok && !yield(l) {
				return
			}
			dot := strings.LastIndexByte(at, '.')
			at = at[:max(dot, 0)]
		}
		yield(c.root)
	}
}

// reader reads the parts of a configuration and gathers what is wrong with it.
type reader struct {
	logging    settings.Logging
	filters    map[string]*filter
	formatters map[string]*Format
	handlers   map[string]*Handler
	used       map[string]*Handler
	notices    []string
	errs       []error
}

func (r *reader) fail(place, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s: %s: %s", r.logging, place, fmt.Sprintf(format, args...)))
}

func (r *reader) note(format string, args ...any) {
	r.notices = append(r.notices, r.logging.String()+": "+fmt.Sprintf(format, args...))
}

func (r *reader) version() {
	switch v := r.logging.Config["version"]; v {
	case int64(1), 1.0, true:
	case nil:
		r.fail("version", "is missing; write version: 1")
	default:
		r.fail("version", "want the number 1")
	}
	if truth(r.logging.Config["incremental"], false) {
		r.fail("incremental", "cannot be true: there is no configuration yet that it could change; remove it")
	}
}

// table is a part of the configuration; it is nil where there is none, or nothing in it.
func (r *reader) table(key string) (map[string]any, bool) {
	v, ok := r.logging.Config[key]
	if list, isList := v.([]any); !ok || v == "" || isList && len(list) == 0 {
		return nil, true
	}
	table, ok := v.(map[string]any)
	if !ok {
		r.fail(key, "want a table")
	}
	return table, ok
}

// tables yields the tables in a part of the configuration, sorted by name.
func (r *reader) tables(key string) func(yield func(string, map[string]any) bool) {
	return func(yield func(string, map[string]any) bool) {
		all, _ := r.table(key)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			entry, ok := all[name].(map[string]any)
			if !ok {
				r.fail(key+"."+name, "want a table")
				continue
			}
			if !yield(name, entry) {
				return
			}
		}
	}
}

// names reads a list of names, of a table its keys. With Prefect 2, where an override makes a text of a list, a text has
// them between commas.
func (r *reader) names(place string, v any) (names []string) {
	switch v := v.(type) {
	case string:
		if v != "" && r.logging.Generation != settings.Prefect2 {
			r.fail(place, "want a list of names, as [a, b]: in a text Python takes each letter for a name")
			return nil
		}
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	case []any:
		for _, item := range v {
			name, ok := item.(string)
			if !ok {
				r.fail(place, "want a list of names")
				return nil
			}
			names = append(names, name)
		}
	case map[string]any:
		return slices.Sorted(maps.Keys(v))
	default:
		if truth(v, false) {
			r.fail(place, "want a list of names")
		}
	}
	return names
}

var levels = map[string]settings.Level{
	"NOTSET": settings.LevelNotSet, "DEBUG": settings.LevelDebug, "INFO": settings.LevelInfo, "WARN": settings.LevelWarning,
	"WARNING": settings.LevelWarning, "ERROR": settings.LevelError, "CRITICAL": settings.LevelCritical, "FATAL": settings.LevelCritical,
}

// level reads the level of an entry: a number, or a name in upper case.
func (r *reader) level(place string, entry map[string]any) int {
	switch v := entry["level"].(type) {
	case nil:
		return 0
	case int64:
		return int(v)
	case bool:
		return map[bool]int{true: 1}[v]
	case string:
		if level, ok := levels[v]; ok {
			return int(level)
		}
	}
	r.fail(place+".level", "want a number, or NOTSET, DEBUG, INFO, WARNING, ERROR or CRITICAL in upper case")
	return 0
}

// truth is what Python takes a value for; none is what stands for no value.
func truth(v any, none bool) bool {
	switch v := v.(type) {
	case nil:
		return none
	case bool:
		return v
	case string:
		return v != ""
	case int64:
		return v != 0
	case float64:
		return v != 0
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}
