// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package sdkrecord reads log records of the OpenTelemetry SDK into the neutral
// entries of package mapping, in one walk over their attributes.
//
// The entry points are [Reader.Encode] and, for those that pass records and spans on
// with the run stamped on them, [Stamper].
package sdkrecord
