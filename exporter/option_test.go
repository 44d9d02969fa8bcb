// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package exporter_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/log/logtest"
	"go.opentelemetry.io/otel/trace"

	"github.com/prefectlogs/prefectlogs/exporter"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/prefecttest"
	"github.com/prefectlogs/prefectlogs/run"
)

// export sends one record of run A through an exporter with the options and
// returns the messages that are stored.
func export(t *testing.T, body string, attributes []attribute.KeyValue, opts ...exporter.Option) (messages []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := prefecttest.NewServer(t)
		exp, _ := newExporter(t, server, opts...)
		record := logtest.RecordFactory{
			Body: attribute.StringValue(body), Attributes: append(attributes, attribute.String("prefect.flow_run.id", flowA)),
		}.NewRecord()
		if err := exp.Export(t.Context(), []sdklog.Record{record}); err != nil {
			t.Fatal(err)
		}
		for _, log := range server.Logs() {
			messages = append(messages, log.Message)
		}
	})
	return messages
}

func TestOptionsOfMapping(t *testing.T) {
	attributes := []attribute.KeyValue{attribute.String("a", "1"), attribute.String("password", "2"), attribute.String("c", "3")}
	tests := map[string]struct {
		opt  exporter.Option
		want string
	}{
		"default":         {exporter.WithFormat(mapping.FormatText), "hello a=1 c=3"},
		"message":         {exporter.WithFormat(mapping.FormatMessage), "hello"},
		"allowed":         {exporter.WithAllowedAttributes("c*"), "hello c=3"},
		"denied":          {exporter.WithDeniedAttributes("a"), "hello password=2 c=3"},
		"nothing denied":  {exporter.WithDeniedAttributes(), "hello a=1 password=2 c=3"},
		"other keys":      {exporter.WithKeys(append(mapping.DefaultKeys(), mapping.Key{Name: "a", Meaning: mapping.DefaultKeys()[0].Meaning})), "hello c=3"},
		"our own secrets": {exporter.WithAPIKey("hello"), "******** a=1 c=3"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := export(t, "hello", attributes, tt.opt)
			if name == "our own secrets" {
				if len(got) != 1 || strings.Contains(got[0], "hello") {
					t.Errorf("stored %q", got)
				}
				return
			}
			if len(got) != 1 || got[0] != tt.want {
				t.Errorf("stored %q, want %q", got, tt.want)
			}
		})
	}
}

func TestARecordThatIsTooLongIsCutSplitOrDropped(t *testing.T) {
	body := strings.Repeat("0123456789", 200)
	limit := exporter.WithMaxLogSize(1000)
	if got := export(t, body, nil, limit); len(got) != 1 || !strings.HasSuffix(got[0], "... [truncated]") {
		t.Errorf("cut: %q", got)
	}
	if got := export(t, body, nil, limit, exporter.WithOversize(mapping.DropOversize)); len(got) != 0 {
		t.Errorf("dropped: %q", got)
	}
	var joined strings.Builder
	parts := export(t, body, nil, limit, exporter.WithOversize(mapping.SplitOversize))
	for _, part := range parts {
		_, text, _ := strings.Cut(part, "] ")
		joined.WriteString(text)
	}
	if len(parts) != 3 || !strings.HasPrefix(parts[0], "[1/3] ") || joined.String() != body {
		t.Errorf("split: %q", parts)
	}
}

func TestCloudTakesShorterLogs(t *testing.T) {
	cloud := "https://api.prefect.cloud/api/accounts/" + flowA + "/workspaces/" + flowB
	for name, tt := range map[string]struct {
		opts []exporter.Option
		want int
	}{
		"self-hosted":               {[]exporter.Option{exporter.WithEndpoint("http://localhost:4200/api")}, 1_000_000},
		"Cloud":                     {[]exporter.Option{exporter.WithEndpoint(cloud)}, 25_000},
		"Cloud, and told otherwise": {[]exporter.Option{exporter.WithEndpoint(cloud), exporter.WithMaxLogSize(50_000)}, 50_000},
		"Cloud by settings":         {[]exporter.Option{exporter.WithSettings(isolated(t, "PREFECT_API_URL="+cloud))}, 25_000},
	} {
		t.Run(name, func(t *testing.T) {
			exp, err := exporter.New(t.Context(), append([]exporter.Option{exporter.WithSettings(isolated(t)), exporter.WithDefaultRun(run.Info{})}, tt.opts...)...)
			if err != nil {
				t.Fatal(err)
			}
			if got := exp.Limits().LogBytes; got != tt.want {
				t.Errorf("a log may have %d bytes, want %d", got, tt.want)
			}
		})
	}
}

func TestHeadersOfSettingsAndOptions(t *testing.T) {
	for name, tt := range map[string]struct {
		opts []exporter.Option
		want string
	}{
		"settings": {[]exporter.Option{exporter.WithSettings(isolated(t, `PREFECT_CLIENT_CUSTOM_HEADERS={"X-Team":"blue"}`))}, "blue"},
		"option":   {[]exporter.Option{exporter.WithSettings(isolated(t, `PREFECT_CLIENT_CUSTOM_HEADERS={"X-Team":"blue"}`)), exporter.WithHeaders(map[string]string{"X-Team": "red"})}, "red"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := prefecttest.NewServer(t)
				exp, _ := newExporter(t, server, tt.opts...)
				if err := exp.Export(t.Context(), records(1)); err != nil {
					t.Fatal(err)
				}
				if got := server.Requests()[0].Header.Get("X-Team"); got != tt.want {
					t.Errorf("header %q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestCredentialsAreMaskedWhereverTheyComeFrom(t *testing.T) {
	const secret = "hunter2canary"
	for name, opts := range map[string][]exporter.Option{
		"the address of an option":   {exporter.WithEndpoint("http://me:" + secret + "@prefect.test/api")},
		"headers of an option":       {exporter.WithHeaders(map[string]string{"X-Api-Key": secret, "X-Team": "data"})},
		"an authorization":           {exporter.WithHeaders(map[string]string{"authorization": "Bearer " + secret})},
		"headers of the environment": {exporter.WithSettings(isolated(t, `PREFECT_CLIENT_CUSTOM_HEADERS={"Cookie":"`+secret+`","X-Team":"data"}`))},
	} {
		t.Run(name, func(t *testing.T) {
			if got := export(t, "loading data from the database with "+secret, nil, opts...); len(got) != 1 || got[0] != "loading data from the database with ********" {
				t.Errorf("stored %q", got)
			}
		})
	}
	resolved, err := exporter.Resolve(exporter.WithSettings(isolated(t)), exporter.WithConnection(prefectapi.Connection{Proxy: "http://me:" + secret + "@proxy"}))
	if err != nil || !slices.Contains(resolved.Secrets, secret) {
		t.Errorf("of a proxy: %q, %v", resolved.Secrets, err)
	}
}

func TestNewTellsOfAKeyThatGoesWhereItShouldNot(t *testing.T) {
	const elsewhere, plain = "another source than the URL", "plain http to another machine"
	tests := map[string]struct {
		settings []string
		opts     []exporter.Option
		want     []string
	}{
		"over plain http": {settings: []string{"PREFECT_API_URL=http://far.example/api", "PREFECT_API_KEY=k"}, want: []string{plain}},
		"to the address of an option": {
			settings: []string{"PREFECT_API_URL=https://api.prefect.cloud/api", "PREFECT_API_KEY=k"},
			opts:     []exporter.Option{exporter.WithEndpoint("http://far.example/api")}, want: []string{elsewhere, plain},
		},
		"of an option to the address of the settings": {
			settings: []string{"PREFECT_API_URL=https://far.example/api"},
			opts:     []exporter.Option{exporter.WithHeaders(map[string]string{"authorization": "k"})}, want: []string{elsewhere},
		},
		"of an option to its address": {opts: []exporter.Option{exporter.WithEndpoint("https://far.example/api"), exporter.WithAuthString("a:b")}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			told := new(said)
			opts := append([]exporter.Option{exporter.WithSettings(isolated(t, tt.settings...)), exporter.WithDefaultRun(run.Info{}), exporter.WithErrorHandler(told.handle)}, tt.opts...)
			if _, err := exporter.New(t.Context(), opts...); err != nil {
				t.Fatal(err)
			}
			all := told.all()
			if len(all) != len(tt.want) {
				t.Fatalf("told %q", all)
			}
			for i, want := range tt.want {
				if !strings.Contains(all[i], want) {
					t.Errorf("told %q, want %q", all[i], want)
				}
			}
			resolved, err := exporter.Resolve(opts...)
			if err != nil || !slices.Equal(resolved.Notices, all) {
				t.Errorf("resolved %q, %v, and told %q", resolved.Notices, err, all)
			}
		})
	}
}

func TestAConnectionThatCannotBeIsToldByNew(t *testing.T) {
	_, err := exporter.New(t.Context(), exporter.WithDefaultRun(run.Info{}), exporter.WithSettings(isolated(t, "PREFECT_API_URL=https://localhost/api", "PREFECT_API_SSL_CERT_FILE=/does/not/exist.pem")),
		exporter.WithConnection(prefectapi.Connection{Proxy: "nowhere"}), exporter.WithFormat("xml"), exporter.WithOversize("explode"))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"/does/not/exist.pem", "proxy", `"xml"`, `"explode"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %q:\n%v", want, err)
		}
	}
}

func TestTerminalSequencesAreKeptOnRequest(t *testing.T) {
	const body = "\x1b[2Jcleared \x1b[31mred\x1b[0m"
	if got := export(t, body, nil); len(got) != 1 || got[0] != "cleared \x1b[31mred\x1b[0m" {
		t.Errorf("by default: %q", got)
	}
	if got := export(t, body, nil, exporter.WithKeptANSI()); len(got) != 1 || got[0] != body {
		t.Errorf("kept: %q", got)
	}
}

func TestTimesAndTraceIDsOnRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where the clock stands still
		server := prefecttest.NewServer(t)
		exp, _ := newExporter(t, server, exporter.WithExactTime(), exporter.WithTraceIDs())
		batch := make([]sdklog.Record, 2)
		for i := range batch {
			batch[i] = logtest.RecordFactory{
				Timestamp: time.Now(), Body: attribute.StringValue("hello"), TraceID: trace.TraceID{15: 1}, SpanID: trace.SpanID{7: 2},
				Attributes: []attribute.KeyValue{attribute.String("prefect.flow_run.id", flowA)},
			}.NewRecord()
		}
		if err := exp.Export(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		logs := server.Logs()
		if len(logs) != 2 || !logs[0].Timestamp.Equal(logs[1].Timestamp) {
			t.Fatalf("stored %+v", logs)
		}
		if want := "hello trace_id=00000000000000000000000000000001 span_id=0000000000000002"; logs[0].Message != want {
			t.Errorf("message %q, want %q", logs[0].Message, want)
		}
	})
}
