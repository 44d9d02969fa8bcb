// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Settings is what [Load] resolved. It is a plain value: copies share nothing
// that changes, and no method changes it. It never prints a secret. Get one
// from Load; the zero value is not the defaults.
type Settings struct {
	// APIURL is PREFECT_API_URL: where the API is, as ".../api"; "" is unset.
	// It is kept as written, trailing slash and spaces included.
	APIURL string
	// APIKey is PREFECT_API_KEY, sent as a Bearer token.
	APIKey Secret
	// APIAuthString is PREFECT_API_AUTH_STRING, "user:password", sent as Basic
	// authorization. It wins over the key.
	APIAuthString Secret

	// LoggingLevel is PREFECT_LOGGING_LEVEL, INFO by default.
	LoggingLevel Level
	// ToAPI is about the logs that go to the API.
	ToAPI ToAPI

	notices []string
	origins []Origin // one for each setting, in the order of the table
}

// ToAPI holds the five settings of Prefect's API log handler,
// PREFECT_LOGGING_TO_API_*, in Orion's days PREFECT_LOGGING_ORION_*.
type ToAPI struct {
	// Enabled (..._ENABLED, default true) is whether logs go to the API at all.
	Enabled bool
	// BatchInterval (..._BATCH_INTERVAL, default 2 s) is how long a log waits
	// for others at most. It is never negative; "inf" gives the longest duration.
	BatchInterval time.Duration
	// BatchSize (..._BATCH_SIZE, default 4,000,000 bytes) bounds one request.
	BatchSize int
	// MaxLogSize (..._MAX_LOG_SIZE, default 1,000,000 bytes) bounds one log. It
	// is at least 1 and at most BatchSize.
	MaxLogSize int
	// WhenMissingFlow (..._WHEN_MISSING_FLOW, default warn) is what becomes of
	// a log without a run.
	WhenMissingFlow MissingFlow
}

// MissingFlow is what to do with a log that belongs to no run.
type MissingFlow string

// The three policies, spelt as Prefect spells them.
const (
	MissingFlowWarn   MissingFlow = "warn"
	MissingFlowError  MissingFlow = "error"
	MissingFlowIgnore MissingFlow = "ignore"
)

// Load resolves all settings. With no option it reads the process's
// environment, then what Prefect itself would read. The error joins every
// problem found, each an [*Error]; Settings is then the zero value.
func Load(opts ...Option) (Settings, error) {
	s, err := resolve(opts)
	if err != nil {
		return Settings{}, err
	}
	return s, nil
}

// Notices returns what is worth telling a person though it stops nothing: a
// setting under an old name, a key that comes from elsewhere than its URL. The
// caller owns the slice. No notice holds a secret.
func (s Settings) Notices() []string { return slices.Clone(s.notices) }

// printable is Settings without its methods, and without a password in a URL.
type printable Settings

func (s Settings) printable() printable {
	s.APIURL = maskURL(s.APIURL)
	return printable(s)
}

// Format prints every field, secrets masked, whatever the verb.
func (s Settings) Format(f fmt.State, verb rune) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), s.printable()) // fmt ignores what a Formatter could not write
}

// MarshalJSON writes the exported fields, secrets masked.
func (s Settings) MarshalJSON() ([]byte, error) { return json.Marshal(s.printable()) }

// LogValue gives the exported fields to log/slog, secrets masked.
func (s Settings) LogValue() slog.Value { return slog.AnyValue(s.printable()) }
