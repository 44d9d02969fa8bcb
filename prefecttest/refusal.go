// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// problem is one way in which a value can be wrong, as pydantic 1 (2.x) and pydantic 2 (3.x) call it.
type problem struct{ oldType, oldMsg, newType, newMsg string }

var (
	missing       = problem{"value_error.missing", "field required", "missing", "Field required"}
	extra         = problem{"value_error.extra", "extra fields not permitted", "extra_forbidden", "Extra inputs are not permitted"}
	nullText      = problem{nullType, nullMsg, "string_type", "Input should be a valid string"}
	notText       = problem{"type_error.str", "str type expected", "string_type", "Input should be a valid string"}
	nullInt       = problem{nullType, nullMsg, "int_type", "Input should be a valid integer"}
	notInt        = problem{intType, intMsg, "int_type", "Input should be a valid integer"}
	notIntText    = problem{intType, intMsg, "int_parsing", "Input should be a valid integer, unable to parse string as an integer"}
	fractionInt   = problem{intType, intMsg, "int_from_float", "Input should be a valid integer, got a number with a fractional part"}
	infiniteInt   = problem{intType, intMsg, "finite_number", "Input should be a finite number"}
	largeInt      = problem{intType, intMsg, "int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size"}
	negative      = problem{"value_error.number.not_ge", "ensure this value is greater than or equal to 0", "greater_than_equal", "Input should be greater than or equal to 0"}
	nullUUID      = problem{nullType, nullMsg, "uuid_type", "UUID input should be a string, bytes or UUID object"}
	notUUID       = problem{"type_error.uuid", "value is not a valid uuid", "uuid_type", "UUID input should be a string, bytes or UUID object"}
	notUUIDText   = problem{"type_error.uuid", "value is not a valid uuid", "uuid_parsing", "Input should be a valid UUID"}
	nullTimestamp = problem{nullType, nullMsg, "value_error", "value is not a valid datetime"}
	notTimestamp  = problem{"value_error", "Unrecognized datetime.", "value_error", "value is not a valid datetime"}
	nullObject    = problem{nullType, nullMsg, "model_attributes_type", "Input should be a valid dictionary or object to extract fields from"}
	notObject     = problem{"type_error.dict", "value is not a valid dict", "model_attributes_type", "Input should be a valid dictionary or object to extract fields from"}
	notList       = problem{"type_error.list", "value is not a valid list", "is_instance_of", "Input should be an instance of Sequence"}
)

const (
	nullType, nullMsg = "type_error.none.not_allowed", "none is not an allowed value"
	intType, intMsg   = "type_error.integer", "value is not a valid integer"
)

// textForList is a body that is text, or not JSON at all ("bytes"), where a list of records is wanted.
func textForList(python string) problem {
	return problem{notList.oldType, notList.oldMsg, "sequence_str", "'" + python + "' instances are not allowed as a Sequence value"}
}

// notTimestampText is a text in which no time stamp is seen.
func notTimestampText(s string) problem {
	msg := "Unable to parse string [" + s + "]"
	return problem{"value_error.parser", msg, "value_error", "Value error, " + msg}
}

// notMember is a text that is none of the allowed ones.
func notMember(allowed []string) problem {
	all := "'" + strings.Join(allowed, "', '") + "'"
	or := "'" + strings.Join(allowed, "' or '") + "'"
	return problem{"type_error.enum", "value is not a valid enumeration member; permitted: " + all, "enum", "Input should be " + or}
}

// detail is one entry of exception_detail: a problem, the value that has it (for a missing field what it is missing
// from), and where in the body it stands.
type detail struct {
	loc     []any // strings and ints
	problem problem
	input   value
}

// refusal is the 422 for a body with problems. It names all of them, and then echoes the whole body.
func refusal(g Generation, details []detail, body value) answer {
	return refusalAt(g, "body", details, body)
}

// refusalAt is refusal for what stands in the "path" or the "query".
func refusalAt(g Generation, place string, details []detail, body value) answer {
	echo := appendJSON(nil, body)
	if !speakable(body) { // the server fails over its own answer
		return internalError()
	}
	b := []byte(`{"exception_message":"Invalid request received.","exception_detail":[`)
	for i, d := range details {
		if i > 0 {
			b = append(b, ',')
		}
		b = d.append(b, g, place)
	}
	b = append(b, `],"request_body":`...)
	b = append(append(b, echo...), '}')
	return answer{status: http.StatusUnprocessableEntity, body: b}
}

func (d detail) append(b []byte, g Generation, place string) []byte {
	loc := appendString([]byte{'['}, place)
	for _, at := range d.loc {
		loc = append(loc, ',')
		if i, ok := at.(int); ok {
			loc = strconv.AppendInt(loc, int64(i), 10)
		} else {
			loc = appendString(loc, fmt.Sprint(at))
		}
	}
	loc = append(loc, ']')
	if !g.modern() {
		b = append(append(b, `{"loc":`...), loc...)
		b = appendString(append(b, `,"msg":`...), d.problem.oldMsg)
		b = appendString(append(b, `,"type":`...), d.problem.oldType)
		return append(b, '}')
	}
	b = appendString(append(b, `{"type":`...), d.problem.newType)
	b = append(append(b, `,"loc":`...), loc...)
	b = appendString(append(b, `,"msg":`...), d.problem.newMsg)
	b = appendJSON(append(b, `,"input":`...), d.input)
	return append(b, '}')
}

// speakable reports whether the server can write v: it reads lone surrogates and numbers that are not finite, and then
// cannot encode them.
func speakable(v value) bool {
	switch v.kind {
	case text:
		return utf8.ValidString(v.text)
	case float:
		_, err := strconv.ParseFloat(v.text, 64) // an overflow is an infinity
		return err == nil && strings.Trim(v.text, "-0123456789.eE+") == ""
	}
	for _, key := range v.keys {
		if !utf8.ValidString(key) {
			return false
		}
	}
	for _, item := range v.items {
		if !speakable(item) {
			return false
		}
	}
	return true
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
		b = appendString(b, err.msg+": (char "+pos+")")
		b = append(b, `,"type":"value_error.jsondecode","ctx":{"msg":`...)
		b = append(appendString(b, err.msg), `,"pos":`+pos+"}}"...)
	}
	b = append(b, `],"request_body":`...)
	b = append(appendString(b, string(body)), '}')
	return answer{status: http.StatusUnprocessableEntity, body: b}
}
