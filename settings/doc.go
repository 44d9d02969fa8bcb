// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package settings answers where each value of the configuration comes from.
//
// The entry point is [Load]. It reads the settings that Prefect's own Python client reads, from where that reads them
// and by its rules, so the configuration that Python flows already have is the configuration here. [Explain] tells for
// each setting which value is in force, and which source it came from.
//
// Sources, the highest first: [WithValue]; environment variables, their names in any case; .env, prefect.toml and
// [tool.prefect] of pyproject.toml in the working directory; the active profile; the default. Prefect 2, and with
// [WithGeneration] this package, reads environment and profile alone. [WithoutFiles] reads no file at all, [WithEnvironment]
// takes other variables than those of the process, [WithDirectory] another working directory.
//
//	setting                                    default    unit      meaning                                  old name
//	PREFECT_API_URL                            unset                where the API is: ".../api"
//	PREFECT_API_KEY                            unset                secret: Bearer token
//	PREFECT_API_AUTH_STRING                    unset                secret: "user:password", before the key
//	PREFECT_CLIENT_CUSTOM_HEADERS              {}                   secret: JSON object, for every request
//	PREFECT_API_SSL_CERT_FILE                  derived              authorities to trust; $SSL_CERT_FILE
//	PREFECT_API_TLS_INSECURE_SKIP_VERIFY       false                trust any certificate
//	PREFECT_API_REQUEST_TIMEOUT                60         seconds   of one request in all
//	PREFECT_CLIENT_MAX_RETRIES                 5          retries   read, not used: tried until stored
//	PREFECT_CLIENT_RETRY_EXTRA_CODES           unset                read, not used: status codes 500,504
//	PREFECT_CLIENT_RETRY_JITTER_FACTOR         0.2                  read, not used: random part of a wait
//	PREFECT_CLOUD_API_URL                      derived              how its URLs begin; api.prefect.cloud    PREFECT_CLOUD_URL
//	PREFECT_CLOUD_UI_URL                       derived              its pages; from its API's URL
//	PREFECT_CLOUD_MAX_LOG_SIZE                 25000      bytes     bound of a log there
//	PREFECT_UI_URL                             derived              the pages; from PREFECT_API_URL
//	PREFECT_LOGGING_LEVEL                      INFO                 least level to log
//	PREFECT_LOGGING_EXTRA_LOGGERS              unset                more loggers to serve: a,b
//	PREFECT_LOGGING_CONFIG_PATH                derived              logging.yml; in PREFECT_HOME             PREFECT_LOGGING_SETTINGS_PATH
//	PREFECT_LOGGING_TO_API_ENABLED             true                 whether logs go to the API               PREFECT_LOGGING_ORION_ENABLED
//	PREFECT_LOGGING_TO_API_BATCH_INTERVAL      2          seconds   longest wait of a log                    PREFECT_LOGGING_ORION_BATCH_INTERVAL
//	PREFECT_LOGGING_TO_API_BATCH_SIZE          4000000    bytes     bound of a request                       PREFECT_LOGGING_ORION_BATCH_SIZE
//	PREFECT_LOGGING_TO_API_MAX_LOG_SIZE        1000000    bytes     bound of a log                           PREFECT_LOGGING_ORION_MAX_LOG_SIZE
//	PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW   warn                 a log without a run: warn, error, ignore PREFECT_LOGGING_ORION_WHEN_MISSING_FLOW
//	PREFECT_HOME                               ~/.prefect           Prefect's directory
//	PREFECT_DEBUG_MODE                         false                sets the level to DEBUG
//	PREFECT_SILENCE_API_URL_MISCONFIGURATION   false                no notices about the look of the URL
//	PREFECT_TESTING_TEST_MODE                  false                debug mode, and no profile               PREFECT_TEST_MODE
//
// Two more say which profile: PREFECT_PROFILE its name, PREFECT_PROFILES_PATH the file. In the TOML files a setting
// stands under its key, as batch_size in [logging.to_api]; in a profile, under its variable's name.
//
// [LoadLogging] reads a logging.yml, which may ask for any setting that Prefect has, also those that are not ours.
//
// Every bad value is refused, all of them in one error, an [*Error] for each: none is replaced by its default. What is
// allowed but odd becomes one of [Settings.Notices]. Secrets are of type [Secret] and are printed by nothing.
package settings
