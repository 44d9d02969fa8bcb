// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package dictconfig

import (
	"regexp"
	"slices"
	"strings"
)

// Kind is what a handler does with records.
type Kind int

// The kinds of handlers.
const (
	Unsupported Kind = iota // a class that only a Python program has
	API                     // sends them to Prefect's API
	Stream                  // writes lines to standard error or output
	File                    // writes lines to a file
	Null                    // nothing
)

// Handler is an entry of handlers.
type Handler struct {
	Name  string
	Kind  Kind
	Level int
	// Stdout is set where a Stream is standard output.
	Stdout bool
	// Colors is set where the handler is the one of Prefect that paints levels.
	Colors bool
	// Path is the path of a File, and Truncate whether it is emptied first.
	Path     string
	Truncate bool
	// Format is how lines are laid out.
	Format Format

	class   string
	filters []*filter
}

// Format is an entry of formatters. The zero Format shows the message alone.
type Format struct {
	// JSON is "default" or "pretty" for JSON, "" for text.
	JSON string
	// Text is a %-format of Python's logging. FlowRun and TaskRun are those for
	// prefect.flow_runs and prefect.task_runs; "" is Text.
	Text, FlowRun, TaskRun string
	// Date is the strftime format of asctime; "" is Python's own.
	Date string

	name, unknown string
}

// filter is an entry of filters.
type filter struct {
	name   string
	prefix string // lets loggers of this name and below pass
	class  string // that only a Python program has
}

// passes reports whether a record of a logger passes.
func (f *filter) passes(logger string) bool {
	below, ok := strings.CutPrefix(logger, f.prefix)
	return f.prefix == "" || ok && (below == "" || below[0] == '.')
}

func (r *reader) readFilters() {
	r.filters = make(map[string]*filter)
	for name, entry := range r.tables("filters") {
		f := &filter{name: name}
		r.filters[name] = f
		switch factory, _ := entry["()"].(string); factory {
		case "prefect.logging.filters.ObfuscateApiKeyFilter": // what is sent or written is masked without it
		case "", "logging.Filter":
			f.prefix, _ = entry["name"].(string)
			if entry["class"] != nil {
				r.note("filters.%s has a class, which Python passes over: every record passes; a class of filters stands under ()", name)
			}
		default:
			f.class = factory
		}
	}
}

func (r *reader) filtersOf(place string, entry map[string]any) (filters []*filter) {
	for _, name := range r.names(place+".filters", entry["filters"]) {
		f, ok := r.filters[name]
		if !ok {
			r.fail(place+".filters", "there is no filter %q; define it under filters, or correct the name", name)
			continue
		}
		filters = append(filters, f)
	}
	return filters
}

// usable refuses a filter that cannot run here where a record would pass it: what
// it keeps back in Python would be sent.
func (r *reader) usable(f *filter, place string) {
	if f.class != "" {
		r.fail(place+".filters", "filter %q is of class %s, which a Go program does not have, and without it records could be sent that it keeps back; "+
			"give Go programs a file of their own by PREFECT_LOGGING_CONFIG_PATH", f.name, f.class)
	}
}

// The classes of Prefect's formatters.
const (
	prefectFormatter = "prefect.logging.formatters.PrefectFormatter"
	jsonFormatter    = "prefect.logging.formatters.JsonFormatter"
)

// standard is the format of Prefect's own formatter standard.
var standard = Format{
	Text:    "%(asctime)s.%(msecs)03d | %(levelname)-7s | %(name)s - %(message)s",
	FlowRun: "%(asctime)s.%(msecs)03d | %(levelname)-7s | Flow run %(flow_run_name)r - %(message)s",
	TaskRun: "%(asctime)s.%(msecs)03d | %(levelname)-7s | Task run %(task_run_name)r - %(message)s",
	Date:    "%H:%M:%S",
}

// field is one field of a %-format, as Python's logging wants at least one.
var field = regexp.MustCompile(`(?i)%\(\w+\)[#0+ -]*(\*|\d+)?(\.(\*|\d+))?[diouxefgcrsa%]`)

func (r *reader) readFormatters() {
	r.formatters = make(map[string]*Format)
	for name, entry := range r.tables("formatters") {
		text := func(key string) string {
			v, ok := entry[key].(string)
			if entry[key] != nil && !ok {
				r.fail("formatters."+name+"."+key, "want a text")
			}
			return v
		}
		format := text("format")
		if format == "" {
			format = text("fmt")
		}
		f := &Format{Text: format, Date: text("datefmt"), name: name}
		r.formatters[name] = f
		class := text("()")
		if class == "" {
			class = text("class")
		}
		switch class {
		case jsonFormatter:
			if format != "default" && format != "pretty" {
				r.fail("formatters."+name+".format", "want default or pretty")
			}
			*f = Format{JSON: format, name: name}
			continue
		case prefectFormatter:
			f.FlowRun, f.TaskRun = text("flow_run_fmt"), text("task_run_fmt")
		case "", "logging.Formatter":
		default:
			f.unknown = "class " + class + " is not one that a Go program has; its format alone holds"
			if !field.MatchString(format) {
				f.Text = ""
			}
			continue
		}
		if style := text("style"); style != "" && style != "%" {
			*f = standard
			f.name, f.unknown = name, "of the styles only % can be read here; the format of Prefect's standard holds"
			continue
		}
		for key, format := range map[string]string{"format": f.Text, "flow_run_fmt": f.FlowRun, "task_run_fmt": f.TaskRun} {
			if format != "" && !field.MatchString(format) && truth(entry["validate"], true) {
				r.fail("formatters."+name+"."+key, "has no field such as %%(message)s")
			}
		}
	}
}

// handlerKeys are the keys that a handler may have besides class, level,
// formatter and filters.
var handlerKeys = map[Kind][]string{
	Stream: {"stream", "styles", "highlighter"},
	File:   {"filename", "mode", "encoding", "delay", "errors"},
}

func (r *reader) readHandlers() {
	r.handlers = make(map[string]*Handler)
	for name, entry := range r.tables("handlers") {
		place := "handlers." + name
		h := &Handler{Name: name, Level: r.level(place, entry), filters: r.filtersOf(place, entry)}
		r.handlers[name] = h
		h.class, _ = entry["()"].(string)
		if h.class == "" {
			h.class, _ = entry["class"].(string)
		}
		if h.class == "" {
			r.fail(place+".class", "is missing")
		}
		h.Kind = kinds[h.class]
		h.Colors = strings.HasSuffix(h.class, ".PrefectConsoleHandler")
		if formatter, _ := entry["formatter"].(string); formatter != "" {
			f, ok := r.formatters[formatter]
			if !ok {
				r.fail(place+".formatter", "there is no formatter %q; define it under formatters, or correct the name", formatter)
				continue
			}
			h.Format = *f
		}
		if h.Kind == Unsupported {
			continue
		}
		for key := range entry {
			if !slices.Contains([]string{"class", "()", "level", "formatter", "filters", "."}, key) && !slices.Contains(handlerKeys[h.Kind], key) {
				r.fail(place+"."+key, "is nothing that class %s takes; remove it", h.class)
			}
		}
		r.target(h, place, entry)
	}
}

// target reads where a handler writes to.
func (r *reader) target(h *Handler, place string, entry map[string]any) {
	switch h.Kind {
	case Stream:
		switch stream := entry["stream"]; stream {
		case nil, "ext://sys.stderr":
		case "ext://sys.stdout":
			h.Stdout = true
		default:
			name, ok := stream.(string)
			if !ok || !strings.HasPrefix(name, "ext://") {
				r.fail(place+".stream", "want ext://sys.stderr or ext://sys.stdout")
			}
			h.Kind, h.class = Unsupported, h.class+" on "+name
		}
	case File:
		h.Path, _ = entry["filename"].(string)
		if h.Path == "" {
			r.fail(place+".filename", "want the path of a file")
		}
		switch mode := entry["mode"]; mode {
		case nil, "a":
		case "w":
			h.Truncate = true
		default:
			r.fail(place+".mode", "want a or w")
		}
	}
}

// kinds are the classes of handlers that a Go program can have.
var kinds = map[string]Kind{
	"prefect.logging.handlers.APILogHandler":         API,
	"prefect.logging.handlers.OrionHandler":          API,
	"prefect.logging.handlers.WorkerAPILogHandler":   API,
	"prefect.logging.handlers.PrefectConsoleHandler": Stream,
	"prefect.logging.handlers._SafeStreamHandler":    Stream,
	"logging.StreamHandler":                          Stream,
	"logging.FileHandler":                            File,
	"logging.handlers.WatchedFileHandler":            File,
	"logging.NullHandler":                            Null,
}
