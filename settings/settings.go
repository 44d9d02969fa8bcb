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
	// SSLCertFile is PREFECT_API_SSL_CERT_FILE, by default SSL_CERT_FILE: the
	// authorities to trust, in PEM; "" is the system's.
	SSLCertFile string
	// TLSInsecureSkipVerify is PREFECT_API_TLS_INSECURE_SKIP_VERIFY.
	TLSInsecureSkipVerify bool
	// RequestTimeout is PREFECT_API_REQUEST_TIMEOUT, 60 s by default, above 0:
	// for one request in all. (Prefect's client takes it for connecting, reading
	// and writing, each.) "inf" gives the longest duration.
	RequestTimeout time.Duration
	// Client is about headers, and what Prefect's client does about retries.
	Client Client
	// Cloud is about Prefect Cloud.
	Cloud Cloud
	// UIURL is PREFECT_UI_URL: where the pages are, by default what the API's
	// URL leads to; "" when neither is known.
	UIURL string

	// LoggingLevel is PREFECT_LOGGING_LEVEL, INFO by default; DEBUG when
	// DebugMode is on.
	LoggingLevel Level
	// ExtraLoggers is PREFECT_LOGGING_EXTRA_LOGGERS: further loggers that
	// Prefect's handlers serve, in the order written, none twice.
	ExtraLoggers []string
	// ConfigPath is PREFECT_LOGGING_CONFIG_PATH, by default logging.yml in
	// Home: where a logging.yml may be. "" when there is no home.
	ConfigPath string
	// ToAPI is about the logs that go to the API.
	ToAPI ToAPI

	// Home is PREFECT_HOME, by default .prefect in the user's home; "" when
	// there is none.
	Home string
	// Profile is the name of the active profile; "" when files are not read.
	Profile string
	// DebugMode is PREFECT_DEBUG_MODE.
	DebugMode bool
	// TestMode is PREFECT_TESTING_TEST_MODE. With Prefect 3 it has the effect
	// of DebugMode too, and no profile is read.
	TestMode bool
	// SilenceAPIURLMisconfiguration is PREFECT_SILENCE_API_URL_MISCONFIGURATION:
	// no notices about the look of the URL.
	SilenceAPIURLMisconfiguration bool

	explained Explanation
	noted     int        // how many of the notices stand before those of the observation
	loadedAs  Generation // by whose rules
	sources   []Option   // what Load was given; nil: they did not come from it
}

// Client holds the settings PREFECT_CLIENT_*. The three about retries are read for
// those who ask; prefectlogs sends by rules of its own, until a log is stored or
// refused (docs/reliability.md).
type Client struct {
	// MaxRetries (..._MAX_RETRIES, default 5) is how often Prefect's client
	// tries a request again.
	MaxRetries int
	// RetryExtraCodes (..._RETRY_EXTRA_CODES) are HTTP status codes that Prefect's
	// client retries on besides 408, 429, 502 and 503; ascending, each from 100 to 599.
	RetryExtraCodes []int
	// RetryJitterFactor (..._RETRY_JITTER_FACTOR, default 0.2) is how much of
	// its waits Prefect's client adds at random; 0 or more.
	RetryJitterFactor float64
	// CustomHeaders (..._CUSTOM_HEADERS) go with every request. Their names
	// are tokens, in the case written; their values are secrets.
	CustomHeaders map[string]Secret
}

// Cloud holds the settings PREFECT_CLOUD_*.
type Cloud struct {
	// APIURL (..._API_URL) is how the URL of a workspace's API begins.
	APIURL string
	// UIURL (..._UI_URL) is where Cloud's pages are, by default what APIURL
	// leads to.
	UIURL string
	// MaxLogSize (..._MAX_LOG_SIZE, default 25,000 bytes) bounds one log there.
	// It has been applied to ToAPI.MaxLogSize.
	MaxLogSize int
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
// problem found: an [*Error] for each bad value, and one for each file that
// cannot be read. Settings is then the zero value. Load may be called from
// several goroutines; it changes nothing and remembers nothing.
func Load(opts ...Option) (Settings, error) {
	r, err := resolve(opts)
	if err != nil {
		return Settings{}, err
	}
	r.explained = r.explain()
	r.sources = append([]Option{}, opts...)
	return r.Settings, nil
}

// Notices returns what is worth telling a person though it stops nothing: a
// setting under an old name, a key that comes from elsewhere than its URL. The
// caller owns the slice. No notice holds a secret.
func (s Settings) Notices() []string { return slices.Clone(s.explained.Notices) }

// printable is Settings without its methods.
type printable Settings

// printable is s without the passwords that its URLs may hold.
func (s Settings) printable() printable {
	for _, u := range []*string{&s.APIURL, &s.UIURL, &s.Cloud.APIURL, &s.Cloud.UIURL} {
		*u = maskURL(*u)
	}
	s.explained, s.sources = Explanation{}, nil
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
