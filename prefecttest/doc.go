// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

// Package prefecttest answers the question "what would Prefect have answered?": [NewServer] is an in-memory Prefect API.
package prefecttest
