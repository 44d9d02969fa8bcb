// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
	"github.com/prefectlogs/prefectlogs/settings"
)

// unknown is what Prefect's loggers write for a name that is not known.
const unknown = "<unknown>"

// none stands for what a Go program has not.
const none = "-"

// record is what a layout shows of a record.
type record struct {
	name, message string
	level         int
	time          time.Time
	ids           run.IDs // zero: none
	source        *sdklog.Record
	context       run.Info
	exporter      *Exporter
}

// newRecord reads the line that the encoder made.
func (e *Exporter) newRecord(ctx context.Context, source *sdklog.Record, line []byte, meta mapping.Meta) (*record, error) {
	var encoded struct{ Name, Message string }
	if err := json.Unmarshal(line, &encoded); err != nil {
		return nil, fmt.Errorf("console: a line cannot be read back: %w", err)
	}
	r := &record{
		name: encoded.Name, message: encoded.Message, level: meta.Level, time: time.UnixMicro(meta.Micros),
		ids: meta.Run, source: source, exporter: e,
	}
	if r.ids.Flow == nobody {
		r.ids.Flow = run.ID{}
	}
	r.context, _ = run.FromContext(ctx)
	return r, nil
}

// attribute returns the record's last attribute of one of the keys.
func (r *record) attribute(keys ...string) (found attribute.Value, ok bool) {
	r.source.WalkAttributes(func(kv attribute.KeyValue) bool {
		for _, key := range keys {
			if string(kv.Key) == key {
				found, ok = kv.Value, true
			}
		}
		return true
	})
	return found, ok
}

// code returns what the record says of the place in the program.
func (r *record) code() (path, function string, line int64) {
	if v, ok := r.attribute("code.file.path", "code.filepath"); ok {
		path = r.exporter.clean(v.String())
	}
	if v, ok := r.attribute("code.function.name", "code.function"); ok {
		function = r.exporter.clean(v.String())
	}
	if v, ok := r.attribute("code.line.number", "code.lineno"); ok && v.Type() == attribute.INT64 {
		line = v.AsInt64()
	}
	return path, function, line
}

// runName returns a name of the record's run: the record's own, else that of the
// context or the environment if the record belongs to the run there.
func (r *record) runName(key, prefectKey string, of func(run.Info) string) string {
	if v, ok := r.attribute(prefectKey, key); ok {
		return r.exporter.clean(v.String())
	}
	for _, info := range []run.Info{r.context, r.exporter.fallback} {
		if name := of(info); name != "" && info.IDs().Flow == r.ids.Flow {
			return r.exporter.clean(name)
		}
	}
	return unknown
}

// field returns what a % format asks for: a string, int64 or float64.
func (r *record) field(name string) any {
	switch name {
	case "name":
		return r.name
	case "message", "msg":
		return r.message
	case "levelno":
		return int64(r.level)
	case "levelname":
		return settings.Level(r.level).String()
	case "created":
		return float64(r.time.UnixMicro()) / 1e6
	case "msecs":
		return math.Floor(float64(r.time.Nanosecond()/1e3)) / 1e3
	case "relativeCreated":
		return float64(r.time.Sub(r.exporter.began).Microseconds()) / 1e3
	case "process":
		return int64(os.Getpid())
	case "processName":
		return "MainProcess"
	case "thread", "threadName", "taskName":
		return none
	case "pathname", "filename", "module", "funcName", "lineno":
		return r.place(name)
	case "flow_run_id":
		if r.ids.Flow.IsZero() {
			return unknown
		}
		return r.ids.Flow.String()
	case "task_run_id":
		if r.ids.Task.IsZero() {
			return unknown
		}
		return r.ids.Task.String()
	case "flow_run_name":
		return r.runName(name, "prefect.flow_run.name", func(i run.Info) string { return i.FlowRunName })
	case "flow_name":
		return r.runName(name, "prefect.flow.name", func(i run.Info) string { return i.FlowName })
	case "task_run_name":
		return r.runName(name, "prefect.task_run.name", func(i run.Info) string { return i.TaskRunName })
	case "task_name":
		return r.runName(name, "prefect.task.name", func(i run.Info) string { return i.TaskName })
	case "deployment_name":
		return r.runName(name, "prefect.deployment.name", func(i run.Info) string { return i.DeploymentName })
	}
	v, ok := r.attribute(name)
	if !ok {
		return unknown
	}
	switch v.Type() {
	case attribute.INT64:
		return v.AsInt64()
	case attribute.FLOAT64:
		return v.AsFloat64()
	}
	return r.exporter.clean(withoutSecrets(v).String())
}

// withoutSecrets is a value without the members of maps in it whose names speak of a secret.
func withoutSecrets(v attribute.Value) attribute.Value {
	switch v.Type() {
	case attribute.MAP:
		var kept []attribute.KeyValue
		for _, kv := range v.AsMap() {
			if !speaksOfSecret(string(kv.Key)) {
				kept = append(kept, attribute.KeyValue{Key: kv.Key, Value: withoutSecrets(kv.Value)})
			}
		}
		return attribute.MapValue(kept...)
	case attribute.SLICE:
		list := v.AsSlice()
		kept := make([]attribute.Value, len(list))
		for i := range list {
			kept[i] = withoutSecrets(list[i])
		}
		return attribute.SliceValue(kept...)
	}
	return v
}

// clean is a text of the record's without secrets, and on one line: the encoder
// has done as much for name and message.
func (e *Exporter) clean(text string) string {
	for _, secret := range e.secrets {
		text = strings.ReplaceAll(text, secret, "********")
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, text)
}

func (r *record) place(name string) any {
	path, function, line := r.code()
	switch name {
	case "lineno":
		return line
	case "pathname":
		return orNone(path)
	case "filename":
		return orNone(base(path))
	case "module":
		return orNone(strings.TrimSuffix(base(path), filepath.Ext(path)))
	}
	return orNone(function)
}

func base(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Base(path)
}

func orNone(text string) string {
	if text == "" {
		return none
	}
	return text
}
