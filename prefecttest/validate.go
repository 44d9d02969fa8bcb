// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"math/big"
	"strconv"
	"strings"
	"time"
)

// record is one LogCreate that passed validation, with what its database may still refuse.
type record struct {
	name, message string
	level         *big.Int
	timestamp     time.Time
	flowRunID     string // "" for null
	taskRunID     string // "" for null
}

// detail is one entry of exception_detail.
type detail struct {
	index int // of the record, -1 for the body as a whole
	field string
	fault fault
	input value // the offending value, for a missing field the whole record
}

// fault is one way in which a field can be wrong, as pydantic 1 (2.x) and pydantic 2 (3.x) call it.
type fault struct{ oldType, oldMsg, newType, newMsg string }

var (
	missing       = fault{"value_error.missing", "field required", "missing", "Field required"}
	extra         = fault{"value_error.extra", "extra fields not permitted", "extra_forbidden", "Extra inputs are not permitted"}
	nullText      = fault{"type_error.none.not_allowed", "none is not an allowed value", "string_type", "Input should be a valid string"}
	notText       = fault{"type_error.str", "str type expected", "string_type", "Input should be a valid string"}
	nullInt       = fault{"type_error.none.not_allowed", "none is not an allowed value", "int_type", "Input should be a valid integer"}
	notInt        = fault{"type_error.integer", "value is not a valid integer", "int_type", "Input should be a valid integer"}
	notIntText    = fault{"type_error.integer", "value is not a valid integer", "int_parsing", "Input should be a valid integer, unable to parse string as an integer"}
	fractionInt   = fault{"type_error.integer", "value is not a valid integer", "int_from_float", "Input should be a valid integer, got a number with a fractional part"}
	infiniteInt   = fault{"type_error.integer", "value is not a valid integer", "finite_number", "Input should be a finite number"}
	nullUUID      = fault{"type_error.none.not_allowed", "none is not an allowed value", "uuid_type", "UUID input should be a string, bytes or UUID object"}
	notUUID       = fault{"type_error.uuid", "value is not a valid uuid", "uuid_type", "UUID input should be a string, bytes or UUID object"}
	notUUIDText   = fault{"type_error.uuid", "value is not a valid uuid", "uuid_parsing", "Input should be a valid UUID"}
	nullTimestamp = fault{"type_error.none.not_allowed", "none is not an allowed value", "datetime_type", "Input should be a valid datetime"}
	notTimestamp  = fault{"value_error", "Invalid datetime", "datetime_from_date_parsing", "Input should be a valid datetime or date"}
	notObject     = fault{"type_error.dict", "value is not a valid dict", "model_attributes_type", "Input should be a valid dictionary or object to extract fields from"}
	notList       = fault{"type_error.list", "value is not a valid list", "list_type", "Input should be a valid list"}
)

// validator reads the body of POST /logs/ as one generation does.
type validator struct {
	generation Generation
	details    []detail
	absent     bool // a required field was missing, which 2.7 notices only in its database
}

// records returns the valid records, and keeps every fault of every other one.
func (v *validator) records(body value) []record {
	if body.kind != list {
		f := notList
		if body.kind == null {
			f = missing
		}
		v.details = append(v.details, detail{index: -1, fault: f, input: body})
		return nil
	}
	records := make([]record, 0, len(body.items))
	for i, item := range body.items {
		if r, ok := v.record(i, item); ok {
			records = append(records, r)
		}
	}
	return records
}

func (v *validator) record(i int, item value) (record, bool) {
	var r record
	if item.kind != object {
		v.details = append(v.details, detail{index: i, fault: notObject, input: item})
		return r, false
	}
	before := len(v.details)
	refuse := func(field string, f fault, input value) {
		v.details = append(v.details, detail{index: i, field: field, fault: f, input: input})
	}
	required := func(field string) (value, bool) {
		f, ok := item.get(field)
		if !ok && v.generation == Orion27 {
			v.absent = true
		} else if !ok {
			refuse(field, missing, item)
		}
		return f, ok
	}
	var f *fault
	if x, ok := required("name"); ok {
		if r.name, f = v.text(x); f != nil {
			refuse("name", *f, x)
		}
	}
	if x, ok := required("level"); ok {
		if r.level, f = v.int(x); f != nil {
			refuse("level", *f, x)
		}
	}
	if x, ok := required("message"); ok {
		if r.message, f = v.text(x); f != nil {
			refuse("message", *f, x)
		}
	}
	if x, ok := required("timestamp"); ok {
		if r.timestamp, f = v.timestamp(x); f != nil {
			refuse("timestamp", *f, x)
		}
	}
	optional := func(field string) (value, bool) { return item.get(field) }
	if v.generation == Orion27 { // null flow runs came with 2.13.4
		optional = required
	}
	if x, ok := optional("flow_run_id"); ok {
		if r.flowRunID, f = v.uuid(x, v.generation != Orion27); f != nil {
			refuse("flow_run_id", *f, x)
		}
	}
	if x, ok := item.get("task_run_id"); ok {
		if r.taskRunID, f = v.uuid(x, true); f != nil {
			refuse("task_run_id", *f, x)
		}
	}
	for k, key := range item.keys {
		switch key {
		case "name", "level", "message", "timestamp", "flow_run_id", "task_run_id":
		default:
			refuse(key, extra, item.items[k])
		}
	}
	return r, len(v.details) == before
}

func (v *validator) text(x value) (string, *fault) {
	switch {
	case x.kind == text:
		return x.text, nil
	case x.kind == null:
		return "", &nullText
	case v.generation.modern():
		return "", &notText
	case x.kind == integer || x.kind == float:
		return x.text, nil
	case x.kind == boolean:
		return pythonBool(x), nil
	}
	return "", &notText
}

func pythonBool(x value) string {
	return strings.ToUpper(x.text[:1]) + x.text[1:]
}

func (v *validator) int(x value) (*big.Int, *fault) {
	switch x.kind {
	case null:
		return nil, &nullInt
	case boolean:
		return big.NewInt(int64(len("false") - len(x.text))), nil
	case integer:
		n, _ := new(big.Int).SetString(x.text, 10)
		return n, nil
	case text:
		if n, ok := new(big.Int).SetString(strings.TrimSpace(x.text), 10); ok {
			return n, nil
		}
		return nil, &notIntText
	case float:
		f, ok := new(big.Float).SetString(x.text)
		if !ok || f.IsInf() || f.MantExp(nil) > 4096 {
			return nil, &infiniteInt
		}
		n, accuracy := f.Int(nil)
		if accuracy != big.Exact && v.generation.modern() {
			return nil, &fractionInt
		}
		return n, nil
	}
	return nil, &notInt
}

func (v *validator) uuid(x value, nullable bool) (string, *fault) {
	switch {
	case x.kind == null && nullable:
		return "", nil
	case x.kind == null:
		return "", &nullUUID
	case x.kind != text:
		return "", &notUUID
	}
	id, ok := parseUUID(x.text, v.generation.modern())
	if !ok {
		return "", &notUUIDText
	}
	return id, nil
}

// parseUUID returns the canonical form of s. Strict is the parser of 3.x, which wants the dashes in their places or
// left out; the parser of 2.x ignores dashes wherever they stand.
func parseUUID(s string, strict bool) (string, bool) {
	digits := s
	if strict {
		digits = strings.TrimPrefix(digits, "urn:uuid:")
		if inner, ok := strings.CutPrefix(digits, "{"); ok {
			if digits, ok = strings.CutSuffix(inner, "}"); !ok {
				return "", false
			}
		}
		if len(digits) == 36 {
			for _, i := range []int{8, 13, 18, 23} {
				if digits[i] != '-' {
					return "", false
				}
			}
			digits = digits[:8] + digits[9:13] + digits[14:18] + digits[19:23] + digits[24:]
		}
	} else {
		digits = strings.NewReplacer("urn:", "", "uuid:", "").Replace(digits)
		digits = strings.ReplaceAll(strings.Trim(digits, "{}"), "-", "")
	}
	digits = strings.ToLower(digits)
	if len(digits) != 32 || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", false
	}
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:], true
}

// refusal is the 422 for faults, which names all of them and then echoes the whole body.
func refusal(g Generation, details []detail, echo []byte) answer {
	b := []byte(`{"exception_message":"Invalid request received.","exception_detail":[`)
	for i, d := range details {
		if i > 0 {
			b = append(b, ',')
		}
		b = d.append(b, g)
	}
	b = append(b, `],"request_body":`...)
	b = append(append(b, echo...), '}')
	return answer{status: 422, body: b}
}

func (d detail) append(b []byte, g Generation) []byte {
	loc := []byte(`["body"`)
	if d.index >= 0 {
		loc = strconv.AppendInt(append(loc, ','), int64(d.index), 10)
	}
	if d.field != "" {
		loc = appendString(append(loc, ','), d.field)
	}
	loc = append(loc, ']')
	if !g.modern() {
		b = append(append(b, `{"loc":`...), loc...)
		b = appendString(append(b, `,"msg":`...), d.fault.oldMsg)
		b = appendString(append(b, `,"type":`...), d.fault.oldType)
		return append(b, '}')
	}
	b = appendString(append(b, `{"type":`...), d.fault.newType)
	b = append(append(b, `,"loc":`...), loc...)
	b = appendString(append(b, `,"msg":`...), d.fault.newMsg)
	b = appendJSON(append(b, `,"input":`...), d.input)
	return append(b, '}')
}

// syntaxRefusal is the 422 for a body that is no JSON. Its second location is a character, not a record.
func syntaxRefusal(g Generation, err *syntaxError, body []byte) answer {
	b := []byte(`{"exception_message":"Invalid request received.","exception_detail":[`)
	pos := strconv.Itoa(err.pos)
	if g.modern() {
		b = append(b, `{"type":"json_invalid","loc":["body",`+pos+`],"msg":"JSON decode error","input":{},"ctx":{"error":`...)
		b = append(appendString(b, err.msg), "}}"...)
	} else {
		b = append(b, `{"loc":["body",`+pos+`],"msg":`...)
		b = appendString(b, err.msg+": char "+pos)
		b = append(b, `,"type":"value_error.jsondecode","ctx":{"msg":`...)
		b = append(appendString(b, err.msg), `,"pos":`+pos+"}}"...)
	}
	b = append(b, `],"request_body":`...)
	b = append(appendString(b, string(body)), '}')
	return answer{status: 422, body: b}
}
