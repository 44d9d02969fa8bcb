// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package diag answers how prefectlogs speaks of itself: errors and notices go to
// a handler of the user's or to standard error, said once and at a bounded
// rate, and never through the loggers that are being shipped.
//
// The entry point is [New].
package diag
