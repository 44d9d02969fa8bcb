// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/prefectlogs/prefectlogs/mapping"
	"github.com/prefectlogs/prefectlogs/run"
)

func TestTerminalSequences(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"colour is kept", "\x1b[31;1mred\x1b[0m \x1b[38:5:1mx\x1b[m", "\x1b[31;1mred\x1b[0m \x1b[38:5:1mx\x1b[m"},
		{"cursor and screen", "a\x1b[2Jb\x1b[10;20Hc\x1b[?25ld\x1b[Ke", "abcde"},
		{"a private sequence that ends like colour", "a\x1b[>4mb\x1b[?1mc", "abc"},
		{"window title, by bell and by string terminator", "a\x1b]0;title\x07b\x1b]2;title\x1b\\c", "abc"},
		{"a link", "\x1b]8;;https://x\x1b\\text\x1b]8;;\x1b\\", "text"},
		{"device control and the like", "a\x1bPdata\x1b\\b\x1b^x\x1b\\c\x1b_y\x1b\\d", "abcd"},
		{"character set and short ones", "a\x1b(Bb\x1b7c\x1b=d\x1bce", "abcde"},
		{"an escape alone", "a\x1b", "a"},
		{"an escape before an escape", "\x1b\x1b[31mx", "\x1b[31mx"},
		{"a sequence that does not end", "a\x1b[31", "a[31"},
		{"a sequence with what cannot be in one", "a\x1b[3\x01m", "a[3\x01m"},
		{"a title that does not end", "a\x1b]0;title", "a]0;title"},
		{"NUL within", "\x1b\x00[2Jx", "[2Jx"},
		{"another script behind", "\x1b日", "日"},
	}
	for _, tt := range tests {
		e := mapping.Entry{Body: attribute.StringValue(tt.in)}
		if got := encode(t, inRun, e, noLimit).Message; got != tt.want {
			t.Errorf("%s: %q became %q, want %q", tt.name, tt.in, got, tt.want)
		}
		kept := inRun
		kept.KeepANSI = true
		if got, want := encode(t, kept, e, noLimit).Message, strings.ReplaceAll(tt.in, "\x00", ""); got != want {
			t.Errorf("%s, kept: %q became %q", tt.name, tt.in, got)
		}
	}
}

// TestWorkIsBoundedByTheLimit encodes what would take for ever, or all memory, if
// it were read to its end, or once for each of its parts. What is quadratic
// takes many minutes; a loaded machine takes a second.
func TestWorkIsBoundedByTheLimit(t *testing.T) {
	for i, config := range []mapping.Config{
		{Format: mapping.FormatText}, {Format: mapping.FormatMessage}, {Format: mapping.FormatDefault}, {Format: mapping.FormatPretty},
		{Oversize: mapping.SplitOversize}, {Oversize: mapping.DropOversize}, {Secrets: []string{"\\\\\\\\\\\\\\\\", "xxxxxxxx"}},
	} {
		size, attributes := 20<<20, 1_000_000
		if i > 0 { // the texts are read by the same code
			size, attributes = 1<<20, mapping.MaxAttributes
		}
		config.Default = inRun.Default
		enc := newEncoder(t, config)
		for name, e := range hugeEntries(enc, size, attributes) {
			began := time.Now()
			encoded, meta, err := enc.Append(nil, &e, 10_000)
			if took := time.Since(began); took > 2*time.Minute {
				t.Errorf("%s, %+v: took %v", name, config, took)
			}
			if err != nil {
				if err != mapping.ErrTooLarge {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			for line := range mapping.Lines(encoded, meta) {
				if len(line) > 10_000 {
					t.Errorf("%s: a line of %d bytes", name, len(line))
				}
				decode(t, line)
			}
			if meta.Parts > mapping.MaxParts {
				t.Errorf("%s: %d parts", name, meta.Parts)
			}
		}
	}
}

func hugeEntries(enc *mapping.Encoder, size, attributes int) map[string]mapping.Entry {
	var many mapping.Entry
	for i := range attributes {
		many.Add(enc, attribute.Int(fmt.Sprint("key", i), i))
	}
	deep := attribute.IntValue(1)
	for i := range 10_000 {
		if i%2 == 0 {
			deep = attribute.SliceValue(deep)
		} else {
			deep = attribute.MapValue(attribute.KeyValue{Key: "k", Value: deep})
		}
	}
	body := func(unit string) mapping.Entry {
		return mapping.Entry{Body: attribute.StringValue(strings.Repeat(unit, size/len(unit)))}
	}
	return map[string]mapping.Entry{
		"text": body("x"), "NUL": body("\x00"), "escapes": body("\x1b"), "titles that do not end": body("\x1b]"), "sequences that do not end": body("\x1b["),
		"invalid": body("\xff"), "Chinese": body("日"), "control": body("\x01"), "backslashes": body("\\"), "newlines": body("\n"),
		"many attributes": many,
		"huge attribute":  {Attributes: []attribute.KeyValue{attribute.String("k", strings.Repeat("日", size/3))}},
		"huge key":        {Attributes: []attribute.KeyValue{attribute.String(strings.Repeat("k", size), "v")}},
		"huge list":       {Body: attribute.StringSliceValue(strings.Split(strings.Repeat("x ", size/8), " "))},
		"huge bytes":      {Body: attribute.ByteSliceValue(bytes.Repeat([]byte{1}, size))},
		"huge exception":  {Attributes: []attribute.KeyValue{attribute.String("exception.message", strings.Repeat("m", size)), attribute.String("exception.stacktrace", strings.Repeat("m", size))}},
		"huge name":       {ScopeName: strings.Repeat("n", size)},
		"huge severity":   {SeverityText: strings.Repeat("INFO", size/4)},
		"deep":            {Body: deep, Attributes: []attribute.KeyValue{{Key: "deep", Value: deep}}},
	}
}

func TestAnEncoderDoesNotShowItsSecrets(t *testing.T) {
	const key = "pnu_0123456789abcdef"
	config := inRun
	config.Secrets = []string{key}
	enc := newEncoder(t, config)
	for _, shown := range []string{fmt.Sprintf("%+v", enc), fmt.Sprintf("%#v", enc)} {
		if strings.Contains(shown, key) || strings.Contains(shown, fmt.Sprint([]byte(key))[1:20]) {
			t.Error("the key is shown")
		}
	}
}

func TestFrontEndsHandOverABoundedNumberOfAttributes(t *testing.T) {
	enc := newEncoder(t, mapping.Config{})
	var e mapping.Entry
	for i := range 3 * mapping.MaxAttributes {
		e.Add(enc, attribute.Int("k", i))
		e.Add(enc, attribute.Int("password", i))
	}
	e.Add(enc, attribute.String("flow_run_id", flowA))
	if len(e.Attributes) != mapping.MaxAttributes+1 || !e.Omitted {
		t.Errorf("%d attributes, omitted: %v", len(e.Attributes), e.Omitted)
	}
	if got := encode(t, mapping.Config{}, e, noLimit); got.FlowRunID != flowA || !strings.HasSuffix(got.Message, "... [truncated]") {
		t.Errorf("got %+v", got)
	}
}

func TestOwnSecretsAreMaskedInAnyText(t *testing.T) {
	const key, auth, odd, short = "pnu_0123456789abcdef", "admin:pass word", "q\"\\é\n日<x>", "abcd"
	config := inRun
	config.Secrets = []string{key, auth, odd, short, "x", ""}
	for _, format := range []mapping.Format{mapping.FormatText, mapping.FormatMessage, mapping.FormatDefault, mapping.FormatPretty} {
		config.Format = format
		for _, secret := range []string{
			key, auth, odd, short, "Bearer " + key + ".", "Basic " + base64.StdEncoding.EncodeToString([]byte(auth)), url.QueryEscape(auth), url.PathEscape(auth),
			key + key, "pnu_\x000123456789abcdef", key[:5] + "\x1b[2J" + key[5:], "\\" + key, "n" + odd,
		} {
			e := mapping.Entry{
				ScopeName: "logger " + secret, Body: attribute.StringValue("body " + secret + " end"), EventName: secret,
				Attributes: []attribute.KeyValue{
					attribute.String("a", secret), attribute.String("b", "x y "+secret), attribute.String(secret, "x"), attribute.StringSlice("l", []string{secret}),
					{Key: "m", Value: attribute.MapValue(attribute.String("k", secret))}, attribute.String("exception.message", secret), attribute.String("exception.stacktrace", "s\n"+secret),
				},
			}
			got := encode(t, config, e, noLimit)
			var inner strings.Builder // what JSON or quotes within the message hide
			inner.WriteString(got.Name + got.Message)
			var record any
			if json.Unmarshal([]byte(got.Message), &record) == nil {
				fmt.Fprint(&inner, record)
			}
			for _, hidden := range []string{key, auth, odd, short, base64.StdEncoding.EncodeToString([]byte(auth)), url.QueryEscape(auth)} {
				if strings.Contains(inner.String(), hidden) {
					t.Errorf("%s: %q shows %q in\n%s", format, secret, hidden, inner.String())
				}
			}
			if !strings.Contains(got.Message, "****") {
				t.Errorf("%s: %q is not masked: %s", format, secret, got.Message)
			}
		}
	}
}

// Lists are JSON, which text quotes, and texts may be JSON themselves, of whatever library.
func TestSecretsAreMaskedBelowSeveralQuotings(t *testing.T) {
	for _, secret := range []string{`user:pa"ss\word`, "user:tab\tand\x01more\"", "user:<a&b>\u2028\"c", "user:plain"} {
		object := map[string]string{"auth": secret}
		asJSON, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := json.Marshal(string(asJSON))
		if err != nil {
			t.Fatal(err)
		}
		asMap := attribute.MapValue(attribute.String("auth", secret))
		for place, kv := range map[string]attribute.KeyValue{
			"list": attribute.StringSlice("args", []string{"--auth", secret}), "list of maps": {Key: "l", Value: attribute.SliceValue(asMap)},
			"JSON": attribute.String("j", string(asJSON)), "list of JSON": attribute.StringSlice("lj", []string{string(asJSON)}),
			"JSON in JSON": attribute.String("jj", string(twice)), "quoted": attribute.String("q", fmt.Sprintf("%q", secret)),
			"list of quoted": attribute.StringSlice("lq", []string{fmt.Sprintf("auth=%q", secret)}),
		} {
			for _, format := range []mapping.Format{mapping.FormatText, mapping.FormatDefault, mapping.FormatPretty} {
				config := inRun
				config.Secrets, config.Format = []string{secret}, format
				got := encode(t, config, mapping.Entry{Body: attribute.StringValue("x"), Attributes: []attribute.KeyValue{kv}}, noLimit)
				if !strings.Contains(got.Message, "********") || strings.Contains(got.Message, "user") {
					t.Errorf("%q in a %s as %s: %s", secret, place, format, got.Message)
				}
			}
		}
	}
}

func TestACutShowsNoPartOfASecret(t *testing.T) {
	const key = "pnu_0123456789abcdef"
	config := inRun
	config.Secrets = []string{key}
	for _, oversize := range []mapping.Oversize{mapping.TruncateOversize, mapping.SplitOversize} {
		config.Oversize = oversize
		enc := newEncoder(t, config)
		for before := range 600 {
			e := mapping.Entry{Body: attribute.StringValue(strings.Repeat("x", before) + key + strings.Repeat("y", 600))}
			encoded, _, err := enc.Append(nil, &e, mapping.MinLimit)
			if err != nil || bytes.Contains(encoded, []byte("pnu_")) {
				t.Fatalf("%d bytes before the key: %s, %v", before, encoded, err)
			}
		}
	}
}

func TestNamesWithinMapsAreDeniedToo(t *testing.T) {
	secret := attribute.MapValue(attribute.String("password", "hidden"), attribute.String("user", "shown"),
		attribute.KeyValue{Key: "l", Value: attribute.SliceValue(attribute.MapValue(attribute.String("api_key", "hidden")))})
	for _, format := range []mapping.Format{mapping.FormatText, mapping.FormatMessage, mapping.FormatDefault, mapping.FormatPretty} {
		config := inRun
		config.Format = format
		e := mapping.Entry{Body: secret, Attributes: []attribute.KeyValue{{Key: "m", Value: secret}, attribute.String("token", "hidden")}}
		if got := encode(t, config, e, noLimit).Message; strings.Contains(got, "hidden") || !strings.Contains(got, "shown") {
			t.Errorf("%s: %s", format, got)
		}
	}
}

func TestJSONMessagesAreJSON(t *testing.T) {
	for _, format := range []mapping.Format{mapping.FormatDefault, mapping.FormatPretty} {
		config := inRun
		config.Format, config.TraceIDs = format, true
		e := mapping.Entry{
			Severity: 9, SeverityText: "INFO", EventName: "e", ScopeName: "s\xff", TraceID: [16]byte{1}, SpanID: [8]byte{2},
			Body: attribute.SliceValue(attribute.Float64Value(math.Inf(1)), attribute.MapValue(), attribute.SliceValue(), attribute.Value{}, attribute.StringValue("a\xff\x00\u2028")),
			Attributes: []attribute.KeyValue{
				attribute.Float64("nan", math.NaN()), attribute.Float64Slice("f", []float64{1, math.NaN()}), attribute.BoolSlice("b", []bool{true}),
				attribute.String("exception.message", "m"), attribute.String("\x1b\x00", "k"), {Key: "empty"},
			},
		}
		message := encode(t, config, e, noLimit).Message
		var record map[string]any
		if err := json.Unmarshal([]byte(message), &record); err != nil {
			t.Fatalf("%s: %v in %s", format, err, message)
		}
		if len(record) != 10 || len(record["attributes"].(map[string]any)) != 4 {
			t.Errorf("%s: %s", format, message)
		}
		if indented := strings.Contains(message, "\n"); indented != (format == mapping.FormatPretty) {
			t.Errorf("%s: %s", format, message)
		}
	}
}

func TestAConfigThatCannotBeIsRefusedInFull(t *testing.T) {
	_, err := mapping.NewEncoder(mapping.Config{Format: "xml", Oversize: "burn", MissingRun: "shout", Keys: mapping.Keys{{Name: "x"}}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{`format is "xml"; it must be text, message, default or pretty`, `"burn"; it must be truncate, split or drop`, `"shout"`, `key 0 of the table, "x"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	if _, err := mapping.NewEncoder(mapping.Config{Keys: append(mapping.DefaultKeys(), mapping.Key{Name: "flow_run_id", Meaning: mapping.TaskRunID})}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a key that stands twice: %v", err)
	}
}

func TestKeysAreTheUsersToReplace(t *testing.T) {
	str := attribute.String
	e := mapping.Entry{Attributes: []attribute.KeyValue{str("cicd.pipeline.run.id", flowA), str("my.run", flowB)}}
	if _, _, err := newEncoder(t, mapping.Config{}).Append(nil, &e, noLimit); err != mapping.ErrNoRun {
		t.Errorf("keys that are not in the table name a run: %v", err)
	}
	if got := encode(t, mapping.Config{Keys: mapping.DefaultKeys().WithCICD()}, e, noLimit); got.FlowRunID != flowA || got.Message != "my.run="+flowB {
		t.Errorf("with the keys of CI/CD: %+v", got)
	}
	own := mapping.Keys{{Name: "my.run", Meaning: mapping.FlowRunID}}
	if got := encode(t, mapping.Config{Keys: own}, e, noLimit); got.FlowRunID != flowB {
		t.Errorf("with keys of one's own: %+v", got)
	}
}

func TestWhatIsInAMapIsDeniedByTheNameThatMessagesShow(t *testing.T) {
	user := attribute.KeyValue{Key: "user", Value: attribute.MapValue(attribute.String("email", "a@b.c"), attribute.Int("id", 7),
		attribute.KeyValue{Key: "all", Value: attribute.SliceValue(attribute.MapValue(attribute.String("phone", "0815-4711")))})}
	for _, format := range []mapping.Format{mapping.FormatText, mapping.FormatDefault, mapping.FormatPretty} {
		for _, deny := range [][]string{{"user.email", "user.all.phone"}, {"user.e*", "user.all*"}, {"USER.*"}} {
			enc, err := mapping.NewEncoder(mapping.Config{Format: format, Deny: deny, Default: run.Info{FlowRunID: "11111111-2222-3333-4444-555555555555"}.IDs()})
			if err != nil {
				t.Fatal(err)
			}
			line, _, err := enc.Append(nil, &mapping.Entry{Attributes: []attribute.KeyValue{user, attribute.Int("n", 1)}}, 10_000)
			if err != nil || strings.Contains(string(line), "a@b.c") || strings.Contains(string(line), "4711") || !strings.Contains(string(line), "n") {
				t.Errorf("%s, %q: %s, %v", format, deny, line, err)
			}
		}
	}
}
