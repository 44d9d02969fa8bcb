// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"time"
)

// definition is one row of the table of settings: its names, and how a value
// is read and shown.
type definition struct {
	key   string   // where TOML files have it: logging.to_api.batch_size
	names []string // environment variables and profile keys, the newest first
	kind
}

// stillKnown are the older names that Prefect 3 knows as well: there the
// higher source wins, under whichever name. Of other old names it knows
// nothing, so that a newer name anywhere wins over them.
var stillKnown = map[string]bool{"PREFECT_LOGGING_SETTINGS_PATH": true, "PREFECT_TEST_MODE": true}

// kind is how values of one type are read and shown.
type kind struct {
	// decode, when there is one, makes of every value found, not only of the
	// one in force, what set reads.
	decode func(v value, g Generation) (any, error)
	// set reads v into s. Its error says what is allowed, without the value.
	set func(s *Settings, v value, g Generation) error
	// show gives the value in force for people, secrets masked.
	show   func(s *Settings) string
	secret bool
	table  bool // it is a table, and those of several sources are merged
	lazy   bool // Prefect 2 looks at the value only when it is in force
}

// defaults is Settings with no source at all.
func defaults() Settings {
	return Settings{
		RequestTimeout: 60 * time.Second,
		Client:         Client{MaxRetries: 5, RetryJitterFactor: 0.2},
		Cloud:          Cloud{APIURL: "https://api.prefect.cloud/api", MaxLogSize: 25_000},
		LoggingLevel:   LevelInfo,
		ToAPI: ToAPI{
			Enabled:         true,
			BatchInterval:   2 * time.Second,
			BatchSize:       4_000_000,
			MaxLogSize:      1_000_000,
			WhenMissingFlow: MissingFlowWarn,
		},
	}
}

// definitions is the table, in the order in which settings are shown.
var definitions = []*definition{
	{"api.url", names("PREFECT_API_URL"), textKind(func(s *Settings) *string { return &s.APIURL })},
	{"api.key", names("PREFECT_API_KEY"), secretKind(func(s *Settings) *Secret { return &s.APIKey })},
	{"api.auth_string", names("PREFECT_API_AUTH_STRING"), secretKind(func(s *Settings) *Secret { return &s.APIAuthString })},
	{"client.custom_headers", names("PREFECT_CLIENT_CUSTOM_HEADERS"), headersKind()},
	{"api.ssl_cert_file", names("PREFECT_API_SSL_CERT_FILE"), textKind(func(s *Settings) *string { return &s.SSLCertFile })},
	{"api.tls_insecure_skip_verify", names("PREFECT_API_TLS_INSECURE_SKIP_VERIFY"), boolKind(func(s *Settings) *bool { return &s.TLSInsecureSkipVerify })},
	{"api.request_timeout", names("PREFECT_API_REQUEST_TIMEOUT"), secondsKind(func(s *Settings) *time.Duration { return &s.RequestTimeout }, 1)},
	{"client.max_retries", names("PREFECT_CLIENT_MAX_RETRIES"), intKind(func(s *Settings) *int { return &s.Client.MaxRetries }, "retries", 0)},
	{"client.retry_extra_codes", names("PREFECT_CLIENT_RETRY_EXTRA_CODES"), codesKind()},
	{"client.retry_jitter_factor", names("PREFECT_CLIENT_RETRY_JITTER_FACTOR"), factorKind(func(s *Settings) *float64 { return &s.Client.RetryJitterFactor })},
	{"cloud.api_url", names("PREFECT_CLOUD_API_URL", "PREFECT_CLOUD_URL"), textKind(func(s *Settings) *string { return &s.Cloud.APIURL })},
	{"cloud.ui_url", names("PREFECT_CLOUD_UI_URL"), textKind(func(s *Settings) *string { return &s.Cloud.UIURL })},
	{"cloud.max_log_size", names("PREFECT_CLOUD_MAX_LOG_SIZE"), intKind(func(s *Settings) *int { return &s.Cloud.MaxLogSize }, "bytes", 1)},
	{"ui_url", names("PREFECT_UI_URL"), textKind(func(s *Settings) *string { return &s.UIURL })},
	{"logging.level", names("PREFECT_LOGGING_LEVEL"), levelKind()},
	{"logging.extra_loggers", names("PREFECT_LOGGING_EXTRA_LOGGERS"), loggersKind()},
	{"logging.config_path", names("PREFECT_LOGGING_CONFIG_PATH", "PREFECT_LOGGING_SETTINGS_PATH"), pathKind(func(s *Settings) *string { return &s.ConfigPath })},
	{"logging.to_api.enabled", toAPI("ENABLED"), boolKind(func(s *Settings) *bool { return &s.ToAPI.Enabled })},
	{"logging.to_api.batch_interval", toAPI("BATCH_INTERVAL"), secondsKind(func(s *Settings) *time.Duration { return &s.ToAPI.BatchInterval }, 0)},
	{"logging.to_api.batch_size", toAPI("BATCH_SIZE"), intKind(func(s *Settings) *int { return &s.ToAPI.BatchSize }, "bytes", 1)},
	{"logging.to_api.max_log_size", toAPI("MAX_LOG_SIZE"), intKind(func(s *Settings) *int { return &s.ToAPI.MaxLogSize }, "bytes", 1)},
	{"logging.to_api.when_missing_flow", toAPI("WHEN_MISSING_FLOW"), missingFlowKind()},
	{"home", names("PREFECT_HOME"), pathKind(func(s *Settings) *string { return &s.Home })},
	{"debug_mode", names("PREFECT_DEBUG_MODE"), boolKind(func(s *Settings) *bool { return &s.DebugMode })},
	{"silence_api_url_misconfiguration", names("PREFECT_SILENCE_API_URL_MISCONFIGURATION"), boolKind(func(s *Settings) *bool { return &s.SilenceAPIURLMisconfiguration })},
	{"testing.test_mode", names("PREFECT_TESTING_TEST_MODE", "PREFECT_TEST_MODE"), boolKind(func(s *Settings) *bool { return &s.TestMode })},
}

// groups are the tables of TOML files that hold settings of ours.
var groups = []string{"api", "client", "cloud", "logging", "logging.to_api", "testing"}

func names(all ...string) []string { return all }

// toAPI is a setting of the API handler, which Orion's clients knew by
// another name.
func toAPI(last string) []string {
	return []string{"PREFECT_LOGGING_TO_API_" + last, "PREFECT_LOGGING_ORION_" + last}
}
