// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package mappingtest answers whether a front end maps records as the others do:
// it has the one table of cases that each of them is held against.
//
// The entry points are [Cases], and [Case.Check], which encodes a record by way of a
// front end and compares what comes out.
//
//	Record     what every front end can carry, in OpenTelemetry's terms
//	Log        a LogCreate, field by field
//	Encode     a front end: hands a record to an encoder, in its own form
package mappingtest
