// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package pdatarecord answers what a record in the Collector's form means to
// Prefect: it reads pdata into the neutral entries of package mapping, in one
// walk, as the front end for the SDK does with its records.
//
// The entry point is [Reader]: tell it the resource, then a scope, then append the scope's records.
package pdatarecord
