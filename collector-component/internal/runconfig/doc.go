// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package runconfig answers what the configuration keys that exporter and processor share say about runs:
//
//	default_run   [Default]   the run of records for which none is found
//	run_keys      [Keys]      attribute keys that name runs, looked at before the known ones
//
// The entry points are [Default.IDs] and [Keys.Before].
package runconfig
