// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"

	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// jsonLayout is Prefect's JsonFormatter: the members of a record of Python's
// logging that a Go program knows, in their order, the attributes among them.
type jsonLayout struct{ pretty bool }

// whole is a record as mapping.FormatDefault writes it.
type whole struct {
	Body       json.RawMessage `json:"body"`
	EventName  string          `json:"event_name"`
	Attributes json.RawMessage `json:"attributes"`
	Exception  *struct {
		Type       string `json:"type"`
		Message    string `json:"message"`
		Stacktrace string `json:"stacktrace"`
	} `json:"exception"`
	TraceID string `json:"trace_id"`
	SpanID  string `json:"span_id"`
}

func (l jsonLayout) append(dst []byte, r *record) []byte {
	var w whole
	if err := json.Unmarshal([]byte(r.message), &w); err != nil { // it was cut
		w = whole{Body: quoted(r.message)}
	}
	o := object{taken: map[string]bool{}}
	o.add("name", quoted(r.name))
	message := w.Body
	if message == nil {
		message = quoted(w.EventName)
	}
	o.add("msg", message)
	o.add("levelname", quoted(settings.Level(r.level).String()))
	o.add("levelno", strconv.AppendInt(nil, int64(r.level), 10))
	if path, function, line := r.code(); path != "" || function != "" {
		o.add("pathname", quoted(path))
		o.add("filename", quoted(base(path)))
		o.add("module", quoted(r.place("module").(string)))
		o.add("lineno", strconv.AppendInt(nil, line, 10))
		o.add("funcName", quoted(function))
	}
	o.add("exc_info", exception(w))
	o.add("created", strconv.AppendFloat(nil, float64(r.time.UnixMicro())/1e6, 'f', -1, 64))
	o.add("msecs", strconv.AppendFloat(nil, float64(r.time.Nanosecond()/1e3)/1e3, 'f', -1, 64))
	o.add("process", strconv.AppendInt(nil, int64(os.Getpid()), 10))
	o.addRun(r)
	if w.TraceID != "" {
		o.add("trace_id", quoted(w.TraceID))
		o.add("span_id", quoted(w.SpanID))
	}
	o.add("message", message)
	o.add("severity", quoted(settings.Level(r.level).String()))
	o.addAll(w.Attributes)
	o.buf.WriteByte('}')
	if !l.pretty {
		return append(dst, o.buf.Bytes()...)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, o.buf.Bytes(), "", "  "); err != nil {
		return append(dst, o.buf.Bytes()...)
	}
	return append(dst, indented.Bytes()...)
}

// exception is what Prefect's format_exception_info makes.
func exception(w whole) []byte {
	if w.Exception == nil {
		return []byte("null")
	}
	o := object{taken: map[string]bool{}}
	o.add("type", quoted(w.Exception.Type))
	o.add("message", quoted(w.Exception.Message))
	o.add("traceback", quoted(w.Exception.Stacktrace))
	return append(o.buf.Bytes(), '}')
}

// object is a JSON object in the making.
type object struct {
	buf   bytes.Buffer
	taken map[string]bool
}

// add adds a member. One whose name is taken gets a name of its own, for
// Python refuses such attributes and a reader would lose one of two.
func (o *object) add(name string, value []byte) {
	for o.taken[name] {
		name += "_"
	}
	o.taken[name] = true
	if o.buf.Len() == 0 {
		o.buf.WriteByte('{')
	} else {
		o.buf.WriteByte(',')
	}
	o.buf.Write(quoted(name))
	o.buf.WriteByte(':')
	o.buf.Write(value)
}

// addRun adds what Prefect's run loggers put on their records.
func (o *object) addRun(r *record) {
	if !r.ids.Flow.IsZero() {
		o.add("flow_run_id", quoted(r.ids.Flow.String()))
		o.add("flow_run_name", quoted(r.field("flow_run_name").(string)))
		o.add("flow_name", quoted(r.field("flow_name").(string)))
		if name, _ := r.field("deployment_name").(string); name != unknown {
			o.add("deployment_name", quoted(name))
		}
	}
	if r.ids.Task != (run.ID{}) {
		o.add("task_run_id", quoted(r.ids.Task.String()))
		o.add("task_run_name", quoted(r.field("task_run_name").(string)))
		o.add("task_name", quoted(r.field("task_name").(string)))
	}
}

// addAll adds the members of another object, in their order, but for the names of
// runs and places in the program, which are there already.
func (o *object) addAll(raw json.RawMessage) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if _, err := decoder.Token(); err != nil {
		return // there are none
	}
	for decoder.More() {
		key, err := decoder.Token()
		var value json.RawMessage
		if err != nil || decoder.Decode(&value) != nil {
			return
		}
		switch name, _ := key.(string); name {
		case "flow_run_name", "flow_name", "task_run_name", "task_name", "deployment_name",
			"prefect.flow_run.name", "prefect.flow.name", "prefect.task_run.name", "prefect.task.name", "prefect.deployment.name",
			"code.file.path", "code.filepath", "code.function.name", "code.function", "code.line.number", "code.lineno":
		default:
			o.add(name, value)
		}
	}
}

func quoted(text string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // of a string it cannot fail
	return []byte(strings.TrimSuffix(out.String(), "\n"))
}
