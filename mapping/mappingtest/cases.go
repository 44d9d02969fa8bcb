// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mappingtest

import (
	"math"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

// The runs of the cases.
const (
	FlowA = "11111111-2222-3333-4444-555555555555"
	FlowB = "99999999-2222-3333-4444-555555555555"
	TaskA = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	TaskB = "bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee"
)

var (
	stamp   = time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC)
	stamped = "2026-01-02T03:04:05.000006Z"
	str     = attribute.String
)

// Cases returns the table. Attributes and the keys of maps stand in an order
// that every front end keeps.
func Cases() []Case {
	var cases []Case
	add := func(name string, r Record, want Log) *Case {
		if r.Timestamp.IsZero() && r.Observed.IsZero() {
			r.Timestamp = stamp
		}
		if want.Timestamp == "" {
			want.Timestamp = stamped
		}
		if want.FlowRunID == "" {
			want.FlowRunID = FlowA
		}
		if want.Level == 0 {
			want.Level = 20
		}
		if want.Name == "" {
			want.Name = "prefect.flow_runs"
		}
		if want.TaskRunID != "" && want.Name == "prefect.flow_runs" {
			want.Name = "prefect.task_runs"
		}
		cases = append(cases, Case{
			Name: name, Config: mapping.Config{Default: run.Info{FlowRunID: FlowA}.IDs()}, Record: r, Want: []Log{want},
		})
		return &cases[len(cases)-1]
	}
	attrs := func(kv ...attribute.KeyValue) []attribute.KeyValue { return kv }
	text := attribute.StringValue

	// Whose log.
	add("run of the environment", Record{}, Log{})
	add("run of the record", Record{Attributes: attrs(str("prefect.flow_run.id", FlowB), str("prefect.task_run.id", TaskA)),
		ResourceAttributes: attrs(str("flow_run_id", FlowA))}, Log{FlowRunID: FlowB, TaskRunID: TaskA})
	add("run of the scope", Record{Scope: "s", ScopeAttributes: attrs(str("flow_run_id", FlowB)),
		ResourceAttributes: attrs(str("flow_run_id", FlowA), str("task_run_id", TaskB))}, Log{FlowRunID: FlowB, Name: "s"})
	add("run of the resource", Record{ResourceAttributes: attrs(str("k8s.pod.label.prefect.io/flow-run-id", FlowB))}, Log{FlowRunID: FlowB})
	add("task of the record in the flow run of the resource", Record{Attributes: attrs(str("task_run_id", TaskA)),
		ResourceAttributes: attrs(str("flow_run_id", FlowB), str("task_run_id", TaskB))}, Log{FlowRunID: FlowB, TaskRunID: TaskA})
	add("names of the run that a record names are left out", Record{Body: text("x"), Attributes: attrs(
		str("task_name", "pack"), str("flow_run_id", FlowA), str("flow_run_name", "tapir"), str("flow_name", "orders"), str("task_run_name", "pack-0"), str("deployment_name", "d"), str("n", "1"))},
		Log{Message: "x n=1"})
	add("names beside no run id are the user's own", Record{Body: text("x"), Attributes: attrs(str("task_name", "pack"), str("flow_run_id", ""))}, Log{Message: "x task_name=pack"})
	add("run typed as on Prefect's spans", Record{Attributes: attrs(str("prefect.run.id", FlowB), str("prefect.run.type", "flow"))}, Log{FlowRunID: FlowB})
	add("an id that is none counts as absent", Record{Attributes: attrs(str("flow_run_id", "nope"), attribute.Int("task_run_id", 7))}, Log{})
	add("another spelling is sent canonical", Record{Attributes: attrs(str("flow_run_id", "urn:uuid:{"+strings.ToUpper(TaskA)+"}"))}, Log{FlowRunID: TaskA})
	add("no run", Record{Body: text("x"), Attributes: attrs(str("task_run_id", TaskA))}, Log{})
	last := &cases[len(cases)-1]
	last.Config, last.Want, last.Err = mapping.Config{}, nil, mapping.ErrNoRun
	for _, out := range []attribute.KeyValue{attribute.Bool("send_to_api", false), attribute.Bool("send_to_orion", false), str("send_to_api", "False"), attribute.Int("send_to_api", 0)} {
		last = add("opted out by "+string(out.Key)+" of type "+out.Value.Type().String(), Record{Attributes: attrs(out)}, Log{})
		last.Want, last.Err = nil, mapping.ErrOptedOut
	}
	add("opted in", Record{Attributes: attrs(attribute.Bool("send_to_api", true))}, Log{})

	// Level, name and time.
	add("severity number", Record{Severity: 18, SeverityText: "ERROR2"}, Log{Level: 41})
	add("severity text", Record{SeverityText: "warning"}, Log{Level: 30})
	add("severity text that is no level is shown", Record{Severity: 9, SeverityText: "AUDIT", Body: text("x")}, Log{Message: "x severity=AUDIT"})
	add("trace is shown", Record{Severity: 2, Body: text("x")}, Log{Level: 10, Message: "x severity=TRACE2"})
	add("levelno", Record{Severity: 9, Attributes: attrs(attribute.Int("levelno", 35))}, Log{Level: 35})
	add("levelno of a record that came by way of JSON", Record{Severity: 9, Attributes: attrs(attribute.Float64("levelno", 35))}, Log{Level: 35})
	add("a levelno that no page paints is text", Record{Severity: 9, Attributes: attrs(attribute.Int("levelno", 5))}, Log{Message: "levelno=5"})
	add("scope name", Record{Scope: "scope", Attributes: attrs(str("logger.name", "l"))}, Log{Name: "scope"})
	add("logger attribute", Record{Attributes: attrs(str("log.logger", "l"))}, Log{Name: "l"})
	add("service name", Record{ResourceAttributes: attrs(str("service.name", "svc"))}, Log{Name: "svc"})
	add("unknown service", Record{ResourceAttributes: attrs(str("service.name", "unknown_service:go"))}, Log{})
	add("observed time", Record{Observed: stamp.Add(time.Second)}, Log{Timestamp: "2026-01-02T03:04:06.000006Z"})

	// Message.
	add("text", Record{Body: text("hello"), Attributes: attrs(str("a", "b c"), attribute.Int("n", -3), attribute.Bool("ok", true),
		attribute.Float64("f", 1e21), attribute.Float64("nan", math.NaN()), str("empty", ""))}, Log{Message: `hello a="b c" n=-3 ok=true f=1e+21 nan=NaN empty=""`})
	add("whole numbers that came by way of JSON", Record{Body: text("hello"), Attributes: attrs(attribute.Float64("order", 12345678),
		attribute.KeyValue{Key: "all", Value: attribute.SliceValue(attribute.Float64Value(-1e6), attribute.Float64Value(1e-7))})},
		Log{Message: "hello order=12345678 all=[-1000000,1e-7]"})
	add("a group", Record{Body: text("x"), Attributes: attrs(attribute.KeyValue{Key: "user", Value: attribute.MapValue(
		attribute.Int("id", 1), attribute.KeyValue{Key: "name", Value: attribute.MapValue(str("first", "A B"))}, str("password", "p"))})},
		Log{Message: `x user.id=1 user.name.first="A B"`})
	add("a list of everything", Record{Attributes: attrs(attribute.KeyValue{Key: "l", Value: attribute.SliceValue(
		attribute.IntValue(1), text("a"), attribute.BoolValue(false), attribute.Value{}, attribute.MapValue(str("k", "v"), str("token", "t")), attribute.ByteSliceValue([]byte("hi")))})},
		Log{Message: `l="[1,\"a\",false,null,{\"k\":\"v\"},\"aGk=\"]"`})
	add("map body", Record{Body: attribute.MapValue(attribute.Int("k", 1), attribute.KeyValue{Key: "l", Value: attribute.SliceValue(attribute.IntValue(1), attribute.IntValue(2))})},
		Log{Message: `{"k":1,"l":[1,2]}`})
	add("bytes body", Record{Body: attribute.ByteSliceValue([]byte{0, 255})}, Log{Message: "AP8="})
	add("number body", Record{Body: attribute.Float64Value(1.5)}, Log{Message: "1.5"})
	add("event", Record{EventName: "user.login"}, Log{Message: "user.login"})
	add("event with a body", Record{EventName: "user.login", Body: text("hello")}, Log{Message: "hello event.name=user.login"})
	add("exception", Record{Body: text("failed"), Attributes: attrs(str("exception.type", "E"), str("exception.message", "boom"),
		str("exception.stacktrace", "main.main()\n\tmain.go:1\n"))}, Log{Message: "failed\nE: boom\nmain.main()\n\tmain.go:1"})
	add("trace and span", Record{Body: text("x"), TraceID: [16]byte{1, 15: 2}, SpanID: [8]byte{3, 7: 4}},
		Log{Message: "x trace_id=01000000000000000000000000000002 span_id=0300000000000004"}).Config.TraceIDs = true
	add("message alone", Record{Body: text("x"), Attributes: attrs(str("a", "b"), str("exception.type", "E"))}, Log{Message: "x\nE"}).Config.Format = mapping.FormatMessage
	add("JSON", Record{Severity: 9, SeverityText: "INFO", Scope: "s", Body: text("x"), Attributes: attrs(str("a", "\x01\"é"), attribute.Float64("nan", math.NaN()), str("password", "p"))},
		Log{Name: "s", Message: `{"timestamp":"2026-01-02T03:04:05.000006Z","severity_number":9,"severity":"INFO","logger":"s","body":"x","attributes":{"a":"\u0001\"é"}}`}).Config.Format = mapping.FormatDefault
	add("indented JSON", Record{Body: attribute.SliceValue(attribute.IntValue(1)), EventName: "e"},
		Log{Message: "{\n  \"timestamp\": \"2026-01-02T03:04:05.000006Z\",\n  \"event_name\": \"e\",\n  \"body\": [\n    1\n  ]\n}"}).Config.Format = mapping.FormatPretty
	last = add("allowed attributes", Record{Body: text("x"), Attributes: attrs(str("http.method", "GET"), str("db", "d"), str("http.token", "t"))}, Log{Message: "x http.method=GET"})
	last.Config.Allow = []string{"HTTP.*"}
	last = add("a deny list of one's own", Record{Body: text("x"), Attributes: attrs(str("password", "p"), str("user.mail", "m"))}, Log{Message: "x password=p"})
	last.Config.Deny = []string{"*mail"}

	// Safety and size.
	add("unsafe text", Record{Body: text("a\x00b\x1b[2Jc\x1b[31mred\x1b[0m\x1b]0;title\x07")}, Log{Message: "abc\x1b[31mred\x1b[0m"})
	add("our own secrets", Record{Scope: "pnu_0123456789", Body: text("key pnu_0123456789."), Attributes: attrs(str("a", "x pnu_0123456789"))},
		Log{Name: "********", Message: `key ********. a="x ********"`}).Config.Secrets = []string{"pnu_0123456789"}
	deep := attribute.IntValue(1)
	for range 100 {
		deep = attribute.SliceValue(deep)
	}
	add("deep nesting", Record{Body: deep}, Log{Message: strings.Repeat("[", 64) + `"..."` + strings.Repeat("]", 64)})
	last = add("too long", Record{Body: text(strings.Repeat("日", 1000))}, Log{Message: strings.Repeat("日", 110) + "... [truncated]"})
	last.Limit = 512
	last = add("too long, to be dropped", Record{Body: text(strings.Repeat("日", 1000))}, Log{})
	last.Limit, last.Want, last.Err, last.Config.Oversize = 512, nil, mapping.ErrTooLarge, mapping.DropOversize
	last = add("too long, to be split", Record{Body: text(strings.Repeat("日", 150))}, Log{Message: "[1/2] " + strings.Repeat("日", 113)})
	last.Limit, last.Config.Oversize = 512, mapping.SplitOversize
	second := last.Want[0]
	second.Timestamp, second.Message = "2026-01-02T03:04:05.000007Z", "[2/2] "+strings.Repeat("日", 37)
	last.Want = append(last.Want, second)
	return cases
}
