// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"math"
	"math/big"
	"slices"
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

// logCreate are the fields of a log record; any other is refused.
var logCreate = []string{"name", "level", "message", "timestamp", "flow_run_id", "task_run_id"}

// validator reads the body of POST /logs/ as one generation does.
type validator struct {
	generation Generation
	database   Database
	details    []detail
	absent     bool // a required field was missing, which 2.7 notices only in its database
}

func (v *validator) refuse(input value, p problem, loc ...any) {
	v.details = append(v.details, detail{loc: loc, problem: p, input: input})
}

// records returns the valid records, and keeps every fault of every other one.
func (v *validator) records(body value) []record {
	switch body.kind {
	case list:
	case null:
		v.refuse(body, missing)
	case text:
		v.refuse(body, textForList("str"))
	default:
		v.refuse(body, notList)
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
	switch {
	case item.kind == object:
	case item.kind == list && len(item.items) == 0 && !v.generation.modern(): // dict([]) is a dict
	case item.kind == null:
		v.refuse(item, nullObject, i)
		return r, false
	default:
		v.refuse(item, notObject, i)
		return r, false
	}
	before := len(v.details)
	refuse := func(field string, p problem, input value) { v.refuse(input, p, i, field) }
	required := func(field string) (value, bool) {
		f, ok := item.get(field)
		if !ok && v.generation == Orion27 {
			v.absent = true
		} else if !ok {
			refuse(field, missing, item)
		}
		return f, ok
	}
	var f *problem
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
	unknown := slices.DeleteFunc(slices.Clone(item.keys), func(key string) bool { return slices.Contains(logCreate, key) })
	if !v.generation.modern() {
		slices.Sort(unknown)
	}
	for _, key := range unknown {
		x, _ := item.get(key)
		refuse(key, extra, x)
	}
	return r, len(v.details) == before
}

func (v *validator) text(x value) (string, *problem) {
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

func (v *validator) int(x value) (*big.Int, *problem) {
	switch x.kind {
	case null:
		return nil, &nullInt
	case boolean:
		return big.NewInt(int64(len("false") - len(x.text))), nil
	case integer:
		n, _ := new(big.Int).SetString(x.text, 10)
		return n, nil
	case text:
		digits := strings.TrimSpace(x.text)
		if whole, zeros, ok := strings.Cut(digits, "."); ok && v.generation.modern() && strings.Trim(zeros, "0") == "" {
			digits = whole
		}
		if n, ok := new(big.Int).SetString(digits, 10); ok {
			return n, nil
		}
		return nil, &notIntText
	case float:
		f, err := strconv.ParseFloat(x.text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, &infiniteInt
		}
		if v.generation.modern() && math.Abs(f) >= 1<<63 {
			return nil, &largeInt
		}
		n, accuracy := big.NewFloat(f).Int(nil)
		if accuracy != big.Exact && v.generation.modern() {
			return nil, &fractionInt
		}
		return n, nil
	}
	return nil, &notInt
}

func (v *validator) uuid(x value, nullable bool) (string, *problem) {
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
		urn := strings.HasPrefix(digits, "urn:uuid:")
		braces := strings.HasPrefix(digits, "{") && strings.HasSuffix(digits, "}") && len(digits) > 1
		if urn {
			digits = digits[len("urn:uuid:"):]
		} else if braces {
			digits = digits[1 : len(digits)-1]
		}
		if (urn || braces) && len(digits) != 36 { // dressed up, it needs its dashes
			return "", false
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
