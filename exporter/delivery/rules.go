// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"slices"

	"github.com/prefectlogs/prefectlogs/exporter/payload"
	"github.com/prefectlogs/prefectlogs/exporter/prefectapi"
)

// action is what is done about an answer.
type action uint8

const (
	cut    action = iota // the named records are refused, the rest is sent at once
	shrink               // sent in smaller requests
	search               // the records to blame are searched for, if the server is well
	hold                 // tried again slowly
	retry                // tried again under backoff
	look                 // looked for on the server before it is tried again
)

// rule is one case of the table: what is done about which answer. The table in
// docs/reliability.md has the same cases in the same words.
type rule struct {
	answer  string // in words
	kind    prefectapi.Kind
	status  []int // of these only; nil: any
	written bool  // only if the request may have been stored
	action  action
	does    string // in words
}

// rules are read from top to bottom; the first that fits holds. A success and a 403
// for want of a CSRF token, which package prefectapi answers by itself, stand in the
// documentation only.
var rules = []rule{
	{answer: "422 that names records", kind: prefectapi.KindRecords, action: cut,
		does: "the named ones are refused, the rest is sent at once"},
	{answer: "413", kind: prefectapi.KindTooLarge, action: shrink,
		does: "sent in halves; the size is remembered for ten minutes; a single record is refused"},
	{answer: "400, 422 that names none", kind: prefectapi.KindRequest, action: search,
		does: "if the server is well, the guilty records are searched for and refused, the rest is sent; else held"},
	{answer: "409", kind: prefectapi.KindConflict, action: search,
		does: "as 400"},
	{answer: "401, 403, 404, other 4xx, a web page, a redirect elsewhere", kind: prefectapi.KindAccess, action: hold,
		does: "held and tried again slowly: a wrong key loses nothing"},
	{answer: "408, 425, 429", kind: prefectapi.KindBusy, status: []int{408, 425, 429}, action: retry,
		does: "tried again, not before Retry-After"},
	{answer: "503", kind: prefectapi.KindBusy, action: look,
		does: "looked for, then tried again, not before Retry-After; without that header as 500"},
	{answer: "500, 502, 504, other 5xx", kind: prefectapi.KindServer, action: look,
		does: "looked for, then tried again; if it fails twice while the server is well, the guilty records are searched for and refused"},
	{answer: "no answer, request written", kind: prefectapi.KindNetwork, written: true, action: look,
		does: "looked for, then tried again"},
	{answer: "no connection", kind: prefectapi.KindNetwork, action: retry,
		does: "tried again"},
}

// actionFor returns what is done about an answer.
func actionFor(answer *prefectapi.Error) action {
	for _, r := range rules {
		if r.kind == answer.Kind && (r.status == nil || slices.Contains(r.status, answer.Status)) && (!r.written || answer.Ambiguous) {
			return r.action
		}
	}
	return retry
}

// reasonFor returns what a single record is refused for that gets this answer.
func reasonFor(answer *prefectapi.Error) payload.Reason {
	switch answer.Kind {
	case prefectapi.KindTooLarge:
		return payload.ReasonTooLarge
	case prefectapi.KindConflict:
		return payload.ReasonConflict
	case prefectapi.KindBusy, prefectapi.KindServer:
		return payload.ReasonFailing
	}
	return payload.ReasonInvalid
}
