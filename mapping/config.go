// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/prefectlogs/prefectlogs/run"
)

// Why an entry has no line.
var (
	// ErrNoRun: no source names a flow run.
	ErrNoRun = errors.New("mapping: the record names no flow run")
	// ErrOptedOut: the record says send_to_api=false.
	ErrOptedOut = errors.New("mapping: the record is not for Prefect")
	// ErrDisabled: nothing goes to the API, by PREFECT_LOGGING_TO_API_ENABLED.
	ErrDisabled = errors.New("mapping: logging to the API is disabled")
	// ErrTooLarge: the record is longer than the limit, and [DropOversize] is in force.
	ErrTooLarge = errors.New("mapping: the record is longer than a log may be")
)

// MissingRun is what becomes of a record that names no run, beside not being
// sent: PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW.
type MissingRun string

// The policies for records without a run.
const (
	WarnMissingRun   MissingRun = "warn"   // said once for each logger, with a count; the default
	ErrorMissingRun  MissingRun = "error"  // said for each record
	IgnoreMissingRun MissingRun = "ignore" // never said
)

// Format is what a message is made of.
type Format string

// The formats of messages.
const (
	FormatText    Format = "text"    // the body, then attributes as key=value, then the exception; the default
	FormatMessage Format = "message" // the body, then the exception: what Prefect's own handler sends
	FormatDefault Format = "default" // the whole record as one line of JSON, as by Prefect's JsonFormatter
	FormatPretty  Format = "pretty"  // the same, indented
)

// Oversize is what becomes of a record whose line is longer than the limit.
type Oversize string

// The policies for records that are too long.
const (
	TruncateOversize Oversize = "truncate" // the message is cut and marked; the default
	SplitOversize    Oversize = "split"    // the message goes on in further lines, at most [MaxParts]
	DropOversize     Oversize = "drop"     // [ErrTooLarge]
)

// Bounds of one log, in bytes of its encoded line.
const (
	// MinLimit is the smallest limit: room for the ids, the stamp, a name and
	// the beginning of a message.
	MinLimit = 512

	// CloudLimit is what Prefect Cloud takes at most, PREFECT_CLOUD_MAX_LOG_SIZE.
	// Cloud counts characters; so many bytes are never more.
	CloudLimit = 25_000

	// MaxParts is into how many lines a record is split at most. What is longer
	// still is cut and marked.
	MaxParts = 100

	// MaxAttributes is how many attributes of a record a front end hands over;
	// see [Entry.Add].
	MaxAttributes = 1 << 16
)

// Config says how an [Encoder] maps. The zero Config is usable.
type Config struct {
	// Default is the run of records that no other source names one for, as
	// the environment of a flow run's process does.
	Default run.IDs
	// MissingRun is what the callers of the encoder do about [ErrNoRun];
	// "" is WarnMissingRun.
	MissingRun MissingRun
	// Disabled makes every record [ErrDisabled].
	Disabled bool

	// Keys are the attribute keys that mean more than text; nil: [DefaultKeys].
	Keys Keys
	// BadID is called with the key of an attribute that should hold a run id
	// and holds no UUID. It may be called concurrently and for every such
	// record. nil: nobody is told.
	BadID func(key string)

	// Format is what a message is made of; "" is FormatText.
	Format Format
	// TraceIDs adds trace_id and span_id to the messages of FormatText,
	// FormatDefault and FormatPretty.
	TraceIDs bool
	// Allow are patterns of the attributes that messages show; nil: all. In a
	// pattern, * stands for any text; case does not matter.
	Allow []string
	// Deny are patterns of names whose values no message shows, be it
	// attributes or the keys of maps within them, by themselves ("email") or as
	// messages show them ("user.email"). Deny wins over Allow.
	// nil: [DefaultDeny]; empty: none.
	Deny []string
	// Secrets are texts that are masked wherever they stand in a name or a
	// message: our own credentials, see [Credentials.Secrets]. One of less than 4
	// bytes is not, since it would be found everywhere.
	Secrets []string
	// KeepANSI leaves terminal sequences as they are. By default only those of
	// colour are left, which Prefect's pages show.
	KeepANSI bool

	// Oversize is what becomes of a record that is too long; "" is TruncateOversize.
	Oversize Oversize
	// ExactTime keeps the time of every record as it is. By default a
	// [Sequencer] moves records of a run apart that have the same time, so that
	// they read back in order.
	ExactTime bool
}

// check returns the config with defaults in place of what is not set, or all
// that is wrong with it.
func (c Config) check() (Config, error) {
	var problems []error
	invalid := func(what, value, allowed string) {
		problems = append(problems, fmt.Errorf("mapping: the %s is %q; it must be %s", what, value, allowed))
	}
	c.MissingRun = cmp.Or(c.MissingRun, WarnMissingRun)
	switch c.MissingRun {
	case WarnMissingRun, ErrorMissingRun, IgnoreMissingRun:
	default:
		invalid("policy for records without a run", string(c.MissingRun), "warn, error or ignore")
	}
	c.Format = cmp.Or(c.Format, FormatText)
	switch c.Format {
	case FormatText, FormatMessage, FormatDefault, FormatPretty:
	default:
		invalid("message format", string(c.Format), "text, message, default or pretty")
	}
	c.Oversize = cmp.Or(c.Oversize, TruncateOversize)
	switch c.Oversize {
	case TruncateOversize, SplitOversize, DropOversize:
	default:
		invalid("policy for records that are too long", string(c.Oversize), "truncate, split or drop")
	}
	if c.Keys == nil {
		c.Keys = DefaultKeys()
	}
	if c.Deny == nil {
		c.Deny = DefaultDeny()
	}
	return c, errors.Join(problems...)
}
