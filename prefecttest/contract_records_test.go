// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// One field of a record after the other: what is stored of a value, or how it is refused.

const (
	exception   = `500 {"exception_message":"Internal Server Error"}`
	unavailable = `503 {"exception_message":"Service Unavailable"}`
	integrity   = `409 {"detail":"Data integrity conflict. This usually means a unique or foreign key constraint was violated. See server logs for details."}`
	unreadable  = "201 and not to be read back"
	unparsable  = `400 {"detail":"There was an error parsing the body"}`
)

// dataRefused is the answer to what the database does not take, whichever it is.
var dataRefused = by{"": exception, "postgresql": unavailable, "2.7-postgresql": exception, "2.20-postgresql": unavailable}

// tooLargeForPostgreSQL is stored on SQLite alone.
func tooLargeForPostgreSQL(stored string) by {
	return by{"": stored, "postgresql": unavailable, "2.7-postgresql": exception}
}

func TestContractRecords(t *testing.T) {
	const max, nilID = "ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000"
	missing := func(field string) by {
		return by{"": "422 body.1." + field + " missing", "2.20": "422 body.1." + field + " value_error.missing", "2.7": integrity}
	}
	refused := func(field, modern, old string) by {
		return by{"": "422 body.1." + field + " " + modern, "2": "422 body.1." + field + " " + old}
	}
	badTime := refused("timestamp", "value_error", "value_error.parser")
	run := newID()
	digits := strings.ReplaceAll(run, "-", "")
	null := "type_error.none.not_allowed"
	for _, tt := range []struct {
		name  string
		field string
		value string // raw JSON, "" leaves the field out
		want  by
	}{
		{"no name", "name", ``, missing("name")},
		{"no level", "level", ``, missing("level")},
		{"no message", "message", ``, missing("message")},
		{"no timestamp", "timestamp", ``, missing("timestamp")},
		{"no flow run", "flow_run_id", ``, by{"": `201 null`, "2.7": integrity}},
		{"no task run", "task_run_id", ``, by{"": `201 null`}},
		{"an unknown field", "worker_id", `null`, refused("worker_id", "extra_forbidden", "value_error.extra")},
		{"an id of its own", "id", `"` + run + `"`, refused("id", "extra_forbidden", "value_error.extra")},
		{"attributes", "attributes", `{}`, refused("attributes", "extra_forbidden", "value_error.extra")},

		{"an empty name", "name", `""`, by{"": `201 ""`}},
		{"a name that is null", "name", `null`, refused("name", "string_type", null)},
		{"a name that is a number", "name", `5`, by{"": "422 body.1.name string_type", "2": `201 "5"`}},
		{"a name that is a truth value", "name", `true`, by{"": "422 body.1.name string_type", "2": `201 "True"`}},
		{"a name that is an object", "name", `{}`, refused("name", "string_type", "type_error.str")},
		{"an empty message", "message", `""`, by{"": `201 ""`}},
		{"a message that is a list", "message", `["a"]`, refused("message", "string_type", "type_error.str")},
		{"a message that is null", "message", `null`, refused("message", "string_type", null)},
		{"a message with escapes and colours", "message", `"a\nb\u001b[31mé"`, by{"": `201 "a\nb\u001b[31mé"`}},
		{"a message with non-characters", "message", `"\ufffe\uffff"`, by{"": `201 "` + "\ufffe\uffff" + `"`}},
		{"a surrogate pair", "message", `"\ud83d\ude00"`, by{"": `201 "😀"`}},
		{"a lone high surrogate", "message", `"\ud800"`, dataRefused},
		{"a lone low surrogate", "message", `"\udc00"`, dataRefused},
		{"a surrogate as bytes", "message", "\"\xed\xa0\x80\"", dataRefused},
		{"NUL in a message", "message", `"a\u0000b"`, by{"": `201 "ab"`, "2.7": `201 "a\u0000b"`, "2.20": `201 "a\u0000b"`, "2.20-postgresql": unavailable, "2.7-postgresql": exception}},
		{"NUL in a name", "name", `"a\u0000b"`, by{"": `201 "ab"`, "2.7": `201 "a\u0000b"`, "2.20": `201 "a\u0000b"`, "2.20-postgresql": unavailable, "2.7-postgresql": exception}},
		{"invalid UTF-8", "message", "\"\xff\"", by{"": unparsable}},
		{"a field that stands twice", "message", `5,"message":"b"`, by{"": `201 "b"`}},

		{"level 0", "level", `0`, by{"": `201 0`}},
		{"a negative level", "level", `-1`, by{"": `201 -1`}},
		{"level 51", "level", `51`, by{"": `201 51`}},
		{"a level in a text", "level", `" 20 "`, by{"": `201 20`}},
		{"a level in a text with a point", "level", `"20.0"`, by{"": `201 20`, "2": "422 body.1.level type_error.integer"}},
		{"a level that is true", "level", `true`, by{"": `201 1`}},
		{"a level with a zero fraction", "level", `20.0`, by{"": `201 20`}},
		{"a level with a fraction", "level", `20.5`, by{"": "422 body.1.level int_from_float", "2": `201 20`}},
		{"the name of a level", "level", `"INFO"`, refused("level", "int_parsing", "type_error.integer")},
		{"a level that is null", "level", `null`, refused("level", "int_type", null)},
		{"a level that is a list", "level", `[1]`, refused("level", "int_type", "type_error.integer")},
		{"a level that is not a number", "level", `NaN`, by{"": exception}},
		{"the largest level of 16 bits", "level", `32767`, by{"": `201 32767`}},
		{"the smallest level of 16 bits", "level", `-32768`, by{"": `201 -32768`}},
		{"a level beyond 16 bits", "level", `32768`, tooLargeForPostgreSQL(`201 32768`)},
		{"a level below 16 bits", "level", `-32769`, tooLargeForPostgreSQL(`201 -32769`)},
		{"a level beyond 64 bits", "level", `9223372036854775808`, dataRefused},
		{"a huge level", "level", `1e300`, by{"": "422 body.1.level int_parsing_size", "2": exception, "2.20-postgresql": unavailable}},

		{"an id without dashes", "flow_run_id", `"` + digits + `"`, by{"": `201 "` + run + `"`}},
		{"an id in capitals", "flow_run_id", `"` + strings.ToUpper(run) + `"`, by{"": `201 "` + run + `"`}},
		{"an id in braces", "flow_run_id", `"{` + run + `}"`, by{"": `201 "` + run + `"`}},
		{"an id as a URN", "flow_run_id", `"urn:uuid:` + run + `"`, by{"": `201 "` + run + `"`}},
		{"an id in braces without dashes", "flow_run_id", `"{` + digits + `}"`, by{"": "422 body.1.flow_run_id uuid_parsing", "2": `201 "` + run + `"`}},
		{"an id with odd dashes", "flow_run_id", `"` + digits[:2] + "-" + digits[2:] + `"`, by{"": "422 body.1.flow_run_id uuid_parsing", "2": `201 "` + run + `"`}},
		{"the nil id", "flow_run_id", `"` + nilID + `"`, by{"": `201 "` + nilID + `"`}},
		{"the last id", "flow_run_id", `"` + max + `"`, by{"": `201 "` + max + `"`}},
		{"an empty id", "flow_run_id", `""`, refused("flow_run_id", "uuid_parsing", "type_error.uuid")},
		{"no id", "flow_run_id", `"nope"`, refused("flow_run_id", "uuid_parsing", "type_error.uuid")},
		{"an id that is a number", "flow_run_id", `5`, refused("flow_run_id", "uuid_type", "type_error.uuid")},
		{"a flow run that is null", "flow_run_id", `null`, by{"": `201 null`, "2.7": "422 body.1.flow_run_id " + null}},
		{"a task run that is null", "task_run_id", `null`, by{"": `201 null`}},
		{"a task run that is no id", "task_run_id", `"x"`, refused("task_run_id", "uuid_parsing", "type_error.uuid")},

		{"seconds", "timestamp", `"2026-11-22T10:11:12Z"`, at("2026-11-22T10:11:12")},
		{"a fraction of one digit", "timestamp", `"2026-11-22T10:11:12.5Z"`, at("2026-11-22T10:11:12.500000")},
		{"nanoseconds, which are cut", "timestamp", `"2026-11-22T10:11:12.999999999Z"`, at("2026-11-22T10:11:12.999999")},
		{"an offset", "timestamp", `"2026-11-22T10:11:12.000001-05:30"`, at("2026-11-22T15:41:12.000001")},
		{"an offset without a colon", "timestamp", `"2026-11-22T10:11:12+0200"`, at("2026-11-22T08:11:12")},
		{"an offset of hours", "timestamp", `"2026-11-22T10:11:12+02"`, at("2026-11-22T08:11:12")},
		{"an offset of a day", "timestamp", `"2026-11-22T10:11:12+24:00"`, dataRefused},
		{"no offset, which is UTC", "timestamp", `"2026-11-22T10:11:12.000001"`, at("2026-11-22T10:11:12.000001")},
		{"a space for the T", "timestamp", `"2026-11-22 10:11:12"`, at("2026-11-22T10:11:12")},
		{"no seconds", "timestamp", `"2026-11-22T10:11"`, at("2026-11-22T10:11:00")},
		{"a date", "timestamp", `"2026-11-22"`, at("2026-11-22T00:00:00")},
		{"the basic form", "timestamp", `"20261122T101112Z"`, at("2026-11-22T10:11:12")},
		{"a comma before the fraction", "timestamp", `"2026-11-22T10:11:12,5Z"`, at("2026-11-22T10:11:12.500000")},
		{"lower case letters", "timestamp", `"2026-11-22t10:11:12z"`, by{"": `201 "2026-11-22T10:11:12Z"`, "2": badTime["2"]}},
		{"an underscore for the T", "timestamp", `"2026-11-22_10:11:12Z"`, by{"": `201 "2026-11-22T10:11:12Z"`, "2": badTime["2"]}},
		{"a space before the offset", "timestamp", `"2026-11-22T10:11:12 +02:00"`, badTime},
		{"a leap second", "timestamp", `"2026-11-22T10:11:60Z"`, badTime},
		{"hour 24", "timestamp", `"2026-11-22T24:00:00Z"`, badTime},
		{"30 February", "timestamp", `"2026-02-30T00:00:00Z"`, badTime},
		{"the year 0", "timestamp", `"0000-01-01T00:00:00Z"`, badTime},
		{"the year 10000", "timestamp", `"10000-01-01T00:00:00Z"`, badTime},
		{"a time that is a word", "timestamp", `"yesterday"`, badTime},
		{"a time that is empty", "timestamp", `""`, by{"": badTime[""], "2": badTime["2"], "2.7": "422 body.1.timestamp value_error"}},
		{"a time that is null", "timestamp", `null`, refused("timestamp", "value_error", null)},
		{"a time that is true", "timestamp", `true`, refused("timestamp", "value_error", "value_error")},
		{"unix seconds", "timestamp", `1700000000`, by{"": `201 "2023-11-14T22:13:20Z"`, "2": "422 body.1.timestamp value_error"}},
		{"unix seconds with a fraction", "timestamp", `1700000000.5`, by{"": `201 "2023-11-14T22:13:20.500000Z"`, "2": "422 body.1.timestamp value_error"}},
		{"unix milliseconds", "timestamp", `1700000000000`, by{"": `201 "2023-11-14T22:13:20Z"`, "2": "422 body.1.timestamp value_error"}},
		{"unix nanoseconds", "timestamp", `1700000000000000000`, refused("timestamp", "value_error", "value_error")},
		{"unix seconds in a text", "timestamp", `"1700000000"`, by{"": `201 "2023-11-14T22:13:20Z"`, "2": badTime["2"]}},
		{"the year 1", "timestamp", `"0001-01-01T00:00:00Z"`, at("0001-01-01T00:00:00")},
		{"a time before the year 1 in UTC", "timestamp", `"0001-01-01T00:00:00+05:00"`, dataRefused},
		{"a time after the year 9999 in UTC", "timestamp", `"9999-12-31T23:59:59-05:00"`, dataRefused},
		{"the year 1728", "timestamp", `"1728-01-01T00:00:00.000001Z"`, at("1728-01-01T00:00:00.000001")},
		{"the year 2271", "timestamp", `"2271-12-31T23:59:59.999999Z"`, at("2271-12-31T23:59:59.999999")},
		{"the year 2300, which PostgreSQL rounds", "timestamp", `"2300-01-01T00:00:00.000001Z"`, rounded("2300-01-01T00:00:00.000001", "2300-01-01T00:00:00.000002")},
		{"the year 1000, which PostgreSQL rounds", "timestamp", `"1000-01-01T00:00:00.000001Z"`, rounded("1000-01-01T00:00:00.000001", "1000-01-01T00:00:00")},
		{"the end of 9998, which PostgreSQL rounds", "timestamp", `"9998-12-31T23:59:59.999999Z"`, rounded("9998-12-31T23:59:59.999999", "9999-01-01T00:00:00")},
		{"the last microsecond, which PostgreSQL cannot read back", "timestamp", `"9999-12-31T23:59:59.999999Z"`, by{
			"": `201 "9999-12-31T23:59:59.999999Z"`, "2": `201 "9999-12-31T23:59:59.999999+00:00"`,
			"3.8-postgresql": unreadable, "2.20-postgresql": unreadable, "2.7-postgresql": unreadable,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contract(t, func(t *testing.T, s subject) {
				want := tt.want.of(s)
				if s.played == nil && want == unreadable {
					return // was measured; here it would fail every query of others that is for no run
				}
				if got := recordVerdict(t, s, tt.field, tt.value); got != want {
					t.Errorf("%s = %s:\ngot  %s\nwant %s", tt.field, tt.value, got, want)
				}
			})
		})
	}
}

// at is a stamp as it is read back, with the offset each generation writes.
func at(stamp string) by {
	return by{"": `201 "` + stamp + `Z"`, "2": `201 "` + stamp + `+00:00"`}
}

// rounded is a stamp that PostgreSQL stores as another one.
func rounded(stamp, postgreSQL string) by {
	exact, other := at(stamp), at(postgreSQL)
	return by{"": exact[""], "2": exact["2"], "3.8-postgresql": other[""], "2.20-postgresql": other["2"], "2.7-postgresql": other["2"]}
}

// recordVerdict posts a record with a value between two good ones and says what came of it: a refusal, of which
// nothing may be stored, or the value as it is read back.
func recordVerdict(t *testing.T, s subject, field, value string) string {
	t.Helper()
	mark, by := newID(), "task_run_id"
	if field == "task_run_id" {
		by = "flow_run_id"
	}
	record := func(tested bool) string {
		fields := map[string]string{
			"name": `"n"`, "level": "20", "message": `"m"`, "timestamp": `"2026-01-02T03:04:05.000006Z"`,
			"flow_run_id": strconv.Quote(newID()),
		}
		fields[by] = strconv.Quote(mark)
		if tested {
			fields[other(field)] = `"tested"`
			fields[field] = value
		}
		var all []string
		for key, v := range fields {
			if v != "" {
				all = append(all, strconv.Quote(key)+":"+v)
			}
		}
		return "{" + strings.Join(all, ",") + "}"
	}
	body := "[" + record(false) + "," + record(true) + "," + record(false) + "]"
	answer := s.send(t, http.MethodPost, "/logs/", body, nil)
	read := s.send(t, http.MethodPost, "/logs/filter", fmt.Sprintf(`{"logs":{%q:{"any_":[%q]}}}`, by, mark), nil)
	if answer.status == http.StatusCreated && read.status == http.StatusInternalServerError {
		return unreadable
	}
	var logs []map[string]json.RawMessage
	if err := json.Unmarshal(read.body, &logs); err != nil || read.status != http.StatusOK {
		t.Fatalf("reading back: %d %s", read.status, read.body)
	}
	if answer.status != http.StatusCreated {
		if len(logs) > 0 {
			t.Errorf("refused, and yet %d of 3 stored", len(logs))
		}
		return answer.verdict(t)
	}
	if string(answer.body) != "null" || len(logs) != 3 {
		t.Errorf("answered %s, and %d of 3 stored", answer.body, len(logs))
	}
	for _, l := range logs {
		if string(l[other(field)]) == `"tested"` {
			return "201 " + string(l[field])
		}
	}
	return "201, and not found"
}

// other is a text field that is not the one under test.
func other(field string) string {
	if field == "name" {
		return "message"
	}
	return "name"
}
