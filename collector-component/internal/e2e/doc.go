// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e answers whether the built Collector does on real servers what its parts promise: it holds tests alone. They start the
// distribution as users build it, send to it by OTLP, break what can break, and read back what Prefect has stored.
//
// The entry points are the tests. What they share:
//
//	collector_test.go   a running Collector, and a sender
//	proxy_test.go       what stands between it and a server
package e2e
