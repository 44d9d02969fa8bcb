// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package otlpsender answers whether a Collector took a push: it sends logs by OTLP over HTTP, for tests and for the load test.
//
// The entry points are [Send] and, for a push that is encoded already, [Post].
package otlpsender
