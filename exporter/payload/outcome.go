// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package payload

// Outcome says what became of a request. Every record of the request is in
// exactly one of Stored, Refused and Unsent.
type Outcome struct {
	// Stored is the number of records that the server has stored.
	Stored int
	// Refused are the records that will never be stored, each with its reason.
	Refused []Refusal
	// Unsent are the records that are not known to be stored.
	Unsent Request
	// Unknown is how many of Unsent were under way when the work ended: the
	// server may have stored them.
	Unknown int
	// Resolved is how many of Stored had no answer that said so, but were found
	// on the server.
	Resolved int
	// Resent is how many of Stored were sent again after a try that might have
	// stored them; Blind how many of these without having been looked for, since the
	// server could not be asked.
	Resent int
	Blind  int
	// Duplicated is how many records were found to stand twice. Some of them may
	// be of an earlier request: a server can store one long after its sender has left.
	Duplicated int
	// Retries is how often all that was unsent was tried again, behind a wait.
	Retries int
	// Overloaded is how often the server failed on what it was sent, with a 5xx or by not
	// answering in time, and no record was to blame: there may have been too much of it.
	Overloaded int
	// Err says why Unsent is not empty; nil otherwise.
	Err error
}

// Reason says why a record was refused.
type Reason string

// The reasons for which records are refused.
const (
	ReasonInvalid  Reason = "invalid"      // the server named the record in a 422, or refuses it with 400
	ReasonConflict Reason = "conflict"     // the server refuses it with 409
	ReasonFailing  Reason = "server_error" // the server fails with a 5xx whenever it is sent this record, and only then
	ReasonTooLarge Reason = "too_large"    // the server or a proxy takes no body of its size, or it exceeds the log limit
)

// Refusal is one refused record.
type Refusal struct {
	// Line is valid as long as the bytes that the request was made of.
	Line   []byte
	Reason Reason
}

// Merge adds what became of another part of the same request. The first error stays.
func (o *Outcome) Merge(other Outcome) {
	o.Stored += other.Stored
	o.Refused = append(o.Refused, other.Refused...)
	o.Unsent.Append(other.Unsent)
	o.Unknown += other.Unknown
	o.Resolved += other.Resolved
	o.Resent += other.Resent
	o.Blind += other.Blind
	o.Duplicated += other.Duplicated
	o.Retries += other.Retries
	o.Overloaded += other.Overloaded
	if o.Err == nil {
		o.Err = other.Err
	}
}

// Refuse records that all of the request is refused for one reason.
func (o *Outcome) Refuse(request Request, reason Reason) {
	for _, line := range request.All() {
		o.Refused = append(o.Refused, Refusal{Line: line, Reason: reason})
	}
}
