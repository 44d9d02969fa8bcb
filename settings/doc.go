// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package settings answers where each value of the configuration comes from.
//
// The entry point is [Load]. It reads the settings that Prefect's own Python
// client reads, so the configuration that Python flows already have is the
// configuration here.
//
//	setting                                    default     unit      meaning                             old name
//	PREFECT_API_URL                            unset                 where the API is, ".../api"
//	PREFECT_API_KEY                            unset                 Bearer token; secret
//	PREFECT_API_AUTH_STRING                    unset                 "user:password"; secret
//	PREFECT_LOGGING_LEVEL                      INFO                  least level that is sent
//	PREFECT_LOGGING_TO_API_ENABLED             true                  whether logs go to the API          PREFECT_LOGGING_ORION_ENABLED
//	PREFECT_LOGGING_TO_API_BATCH_INTERVAL      2           seconds   longest wait of a log               PREFECT_LOGGING_ORION_BATCH_INTERVAL
//	PREFECT_LOGGING_TO_API_BATCH_SIZE          4000000     bytes     bound of a request                  PREFECT_LOGGING_ORION_BATCH_SIZE
//	PREFECT_LOGGING_TO_API_MAX_LOG_SIZE        1000000     bytes     bound of a log                      PREFECT_LOGGING_ORION_MAX_LOG_SIZE
//	PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW   warn                  a log without a run                 PREFECT_LOGGING_ORION_WHEN_MISSING_FLOW
package settings
