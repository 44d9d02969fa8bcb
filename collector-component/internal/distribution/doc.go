// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package distribution answers where a Collector with our components comes from: it builds one by the Collector's own builder,
// as users do, and keeps it below .cache for as long as what it is made of stays the same.
//
// The entry point is [Build], for tests and benchmarks. Where our own modules come from:
//
//	Repository   from this tree, as the manifest says: what make collector does
//	Release      without replace, from a module proxy in files that holds this tree as if it were tagged
package distribution
