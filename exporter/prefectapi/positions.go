// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi

import (
	"encoding/json"
	"io"
	"slices"
)

// maxDetail bounds how much of a 422 is read. The details come first and the
// echo of the request behind them; what is not reached is named by the next answer.
const maxDetail = 8 << 20

// refusedPositions reads from the body of a 422 which of the records the server
// does not take, in order and each once. It returns nil where the body names none.
//
//	{"exception_message": …, "exception_detail": [{"loc": ["body", 3, "flow_run_id"], "type": …}, …], "request_body": …}
func refusedPositions(body io.Reader, records int) []int {
	decoder, ok := enter(io.LimitReader(body, maxDetail), '{')
	if !ok || !enterDetail(decoder) {
		return nil
	}
	var positions []int
	for decoder.More() {
		var detail struct {
			Loc  []json.RawMessage `json:"loc"`
			Type string            `json:"type"`
		}
		if decoder.Decode(&detail) != nil {
			break // the bound, or a broken answer: what was named so far holds
		}
		if len(detail.Loc) < 2 || string(detail.Loc[0]) != `"body"` || mayBeOffset(detail.Type) {
			continue
		}
		var position int
		if json.Unmarshal(detail.Loc[1], &position) == nil && position >= 0 && position < records {
			positions = append(positions, position)
		}
	}
	slices.Sort(positions)
	return slices.Compact(positions)
}

// enterDetail moves the decoder, which is within an object, behind the opening bracket
// of exception_detail.
func enterDetail(decoder *json.Decoder) bool {
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return false
		}
		if key == "exception_detail" {
			token, err := decoder.Token()
			return err == nil && token == json.Delim('[')
		}
		if key == "request_body" {
			return false // an echo as large as the request, and nothing behind it
		}
		var skipped json.RawMessage
		if decoder.Decode(&skipped) != nil {
			return false
		}
	}
	return false
}

// mayBeOffset reports whether the number beside "body" is, or may be, an offset in
// a text that is no JSON, rather than the position of a record.
func mayBeOffset(kind string) bool {
	return kind == "json_invalid" || kind == "value_error.jsondecode" || kind == ""
}
