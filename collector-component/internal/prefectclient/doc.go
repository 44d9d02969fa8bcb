// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package prefectclient answers what client of Prefect's API a component's configuration comes to: the keys of the Collector's
// HTTP clients, the credentials of Prefect, and Prefect's own settings where a configuration asks for them.
//
// The entry point is [Connection].
package prefectclient
